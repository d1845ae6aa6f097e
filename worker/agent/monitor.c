#include "agent/monitor.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "agent/gate.h"
#include "agent/meter.h"
#include "agent/progress_file.h"
#include "agent/progress_server.h"
#include "agent/report_client.h"
#include "agentapi/pod.h"
#include "base/alloc.h"
#include "net/httpd.h"
#include "os/log.h"
#include "os/loop.h"

#include "base/banned.h"

enum { KEEP_MS = 1000 };

struct monitor {
    struct report_writer *report;
    struct progress progress;
    struct progress_file *file;
    struct progress_server *server; /* NULL: could not be set up */
    struct report_client *client;   /* NULL: the operator accepts no reports */
    struct loop_source *keeper;     /* puts progress into the report */
    bool is_kept;                   /* it is there */
    struct meter *meter;
    struct gate *gate;
    monitor_checkpoint_fn *on_checkpoint;
    void *context;
    struct httpd *metrics;    /* NULL: could not be set up */
    struct loop_source *wake; /* the report has changed, on any thread */
};

/* ---- progress ---- */
static void keep_progress(void *context)
{
    struct monitor *n = context;
    if (n->is_kept)
        return;
    n->is_kept = true;
    report_writer_progress(n->report, n->progress.latest);
}

/* A program may report a thousand times a second. */
static void on_progress(void *context)
{
    struct monitor *n = context;
    if (n->is_kept)
        loop_timer_set(n->keeper, KEEP_MS);
    n->is_kept = false;
    if (n->client != NULL)
        report_client_note_progress(n->client);
}

static void on_named(void *context, const char *path)
{
    const struct monitor *n = context;
    n->on_checkpoint(n->context, path);
}

static void on_report(void *context)
{
    struct monitor *n = context;
    if (n->client != NULL)
        report_client_note_report(n->client);
}

static void on_usage(void *context, uint64_t memory_bytes, uint64_t cpu_us)
{
    struct monitor *n = context;
    meter_trainer(n->meter, memory_bytes, cpu_us);
}

static int on_scrape(void *context, const char *path, struct strbuf *body)
{
    struct monitor *n = context;
    if (strcmp(path, "/metrics") != 0) {
        strbuf_add_text(body, "not found; metrics are at /metrics\n");
        return 404;
    }
    meter_write(n->meter, body);
    return 200;
}

static void open_metrics(struct monitor *n, struct loop *loop, const struct assignment *assignment)
{
    struct err e CLEANUP(err_fini) = {0};
    char *address CLEANUP(cleanup_free) = xasprintf("0.0.0.0:%lld", (long long)assignment->metrics_port);
    if (assignment->metrics_port > 0)
        n->metrics = httpd_new(loop, address, on_scrape, n, &e);
    if (e.code != ERR_NONE)
        log_failure(LOG_LEVEL_WARNING, &e, "could not serve metrics", NULL);
}

struct monitor *monitor_new(struct loop *loop, const struct assignment *assignment,
                            struct report_writer *report, struct gate *gate,
                            monitor_checkpoint_fn *on_checkpoint, void *context)
{
    struct monitor *n = xcalloc(1, sizeof(*n));
    struct err e CLEANUP(err_fini) = {0};
    n->report = report;
    n->gate = gate;
    n->on_checkpoint = on_checkpoint;
    n->context = context;
    n->keeper = loop_add_timer(loop, keep_progress, n);
    n->is_kept = true;
    n->meter = meter_new(assignment);
    gate_watch_usage(gate, on_usage, n);
    open_metrics(n, loop, assignment);
    n->wake = loop_add_wake(loop, on_report, n);
    n->file = progress_file_new(loop, POD_PROGRESS_FILE, &n->progress,
                                (struct progress_listener){on_progress, on_named, n});
    n->server = progress_server_new(loop, assignment, &n->progress, on_progress, n, &e);
    if (n->server == NULL)
        log_failure(LOG_LEVEL_WARNING, &e, "could not serve the progress endpoint", NULL);
    if (*assignment->reports_url != '\0')
        n->client = report_client_new(loop, assignment, report, &n->progress);
    report_writer_watch(report, n->wake);
    return n;
}

void monitor_catch_up(struct monitor *n)
{
    progress_file_look(n->file);
    keep_progress(n);
}

void monitor_free(struct monitor *n)
{
    if (n == NULL)
        return;
    report_writer_watch(n->report, NULL);
    gate_watch_usage(n->gate, NULL, NULL);
    httpd_free(n->metrics);
    meter_free(n->meter);
    progress_server_free(n->server);
    progress_file_free(n->file);
    report_client_free(n->client);
    loop_source_free(n->wake);
    loop_source_free(n->keeper);
    progress_fini(&n->progress);
    free(n);
}

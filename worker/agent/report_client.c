#include "agent/report_client.h"

#include <string.h>

#include "agent/report_post.h"
#include "base/alloc.h"
#include "base/backoff.h"
#include "data/js.h"
#include "net/http_loop.h"
#include "os/log.h"
#include "os/loop.h"

#include "base/banned.h"

enum {
    REPORT_PAUSE_MS = 1000,
    PROGRESS_PAUSE_MS = 5000,
    REPEAT_MS = 60 * 1000,
    FIRST_WAIT_MS = 2000,
    MOST_WAIT_MS = 5 * 60 * 1000,
    TIMEOUT_MS = 10 * 1000,
};

struct report_client {
    const struct assignment *assignment;
    struct report_writer *report;
    const struct progress *progress;
    struct http_tls tls;
    struct http_loop *http;
    struct http_call *call; /* NULL: no post is in flight */
    struct loop_source *timer;
    struct backoff backoff;
    int64_t due_ms;   /* boot clock */
    int64_t ended_ms; /* when the last post was answered; 0: none was yet */
    bool is_failing;
    bool is_logged;     /* that it fails */
    bool is_new_report; /* since the post in flight began */
    bool is_new_progress;
};

static void set_due(struct report_client *r, int64_t due_ms)
{
    int64_t now_ms = clock_boot_ms();
    r->due_ms = due_ms;
    loop_timer_set(r->timer, due_ms > now_ms ? due_ms - now_ms : 0);
}

/* While posts fail, only the backoff decides when to post. */
static void hurry(struct report_client *r, int64_t pause_ms)
{
    if (r->call == NULL && !r->is_failing && r->ended_ms + pause_ms < r->due_ms)
        set_due(r, r->ended_ms + pause_ms);
}

void report_client_note_report(struct report_client *r)
{
    r->is_new_report = true;
    hurry(r, REPORT_PAUSE_MS);
}

void report_client_note_progress(struct report_client *r)
{
    r->is_new_progress = true;
    hurry(r, PROGRESS_PAUSE_MS);
}

/* ---- answers ---- */
static void note_failure(struct report_client *r, const struct http_response *response, const struct err *e)
{
    int64_t wait_ms = backoff_next_ms(&r->backoff);
    int asked = http_response_retry_after(response, clock_wall_us());
    char *status CLEANUP(cleanup_free) = xasprintf("%d", response->status);
    bool is_worth_logging = !r->is_logged && (e != NULL || response->status != 503);
    if (is_worth_logging && e != NULL)
        log_failure(LOG_LEVEL_WARNING, e, "cannot report to the operator; training continues", NULL);
    else if (is_worth_logging)
        log_warning("the operator rejects reports of this worker; training continues", "status", status,
                    "answer", strbuf_text(&response->body), NULL);
    r->is_failing = true;
    r->is_logged |= is_worth_logging;
    /* A standby answers with a short Retry-After: the next connection may reach the leader. */
    set_due(r, clock_boot_ms() + (asked > 0 ? asked * 1000 : wait_ms));
}

static void note_success(struct report_client *r)
{
    if (r->is_logged)
        log_info("reporting to the operator again", NULL);
    backoff_reset(&r->backoff);
    r->is_failing = r->is_logged = false;
    set_due(r, r->ended_ms + (r->is_new_report     ? REPORT_PAUSE_MS
                              : r->is_new_progress ? PROGRESS_PAUSE_MS
                                                   : REPEAT_MS));
}

static void on_answer(void *context, const struct http_response *response, const struct err *e)
{
    struct report_client *r = context;
    r->call = NULL;
    r->ended_ms = clock_boot_ms();
    if (e == NULL && response->status == 200)
        note_success(r);
    else
        note_failure(r, response, e);
}

/* ---- posts ---- */
static void post(void *context)
{
    struct report_client *r = context;
    struct err e CLEANUP(err_fini) = {0};
    struct report_post p;
    if (r->call != NULL)
        return;
    if (report_post_make(r->assignment, report_writer_text(r->report, r->progress->latest), &p, &e) < 0) {
        struct http_response none;
        http_response_init(&none);
        note_failure(r, &none, &e);
        http_response_fini(&none);
        return;
    }
    r->is_new_report = r->is_new_progress = false;
    p.request.total_timeout_ms = TIMEOUT_MS;
    r->call = http_start(r->http, &p.request, on_answer, r);
    report_post_fini(&p);
}

struct report_client *report_client_new(struct loop *loop, const struct assignment *assignment,
                                        struct report_writer *report, const struct progress *progress)
{
    struct report_client *r = xcalloc(1, sizeof(*r));
    r->assignment = assignment;
    r->report = report;
    r->progress = progress;
    r->tls = report_post_tls(assignment);
    r->http = http_loop_new(loop, &r->tls);
    r->backoff = (struct backoff)BACKOFF(FIRST_WAIT_MS, MOST_WAIT_MS);
    r->backoff.random = (uint64_t)clock_wall_us() | 1;
    r->timer = loop_add_timer(loop, post, r);
    set_due(r, 0);
    return r;
}

void report_client_free(struct report_client *r)
{
    if (r == NULL)
        return;
    http_loop_free(r->http);
    loop_source_free(r->timer);
    free(r);
}

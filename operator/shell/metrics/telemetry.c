#include "shell/metrics/telemetry.h"

#include <stdio.h>
#include <string.h>

#include "agentapi/failures.h"
#include "api/status_json.h"
#include "base/alloc.h"
#include "base/metrics.h"
#include "data/js.h"
#include "data/skim.h"
#include "os/process.h"

#include "base/banned.h"

/* Buckets of controller-runtime, of client-go, and from a second to a week for the phases of jobs. */
static const double reconcile_buckets[] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4,
                                           0.45,  0.5,  0.6,   0.7,  0.8, 0.9,  1,   1.25, 1.5, 1.75, 2,
                                           2.5,   3,    3.5,   4,    4.5, 5,    6,   7,    8,   9,    10,
                                           15,    20,   25,    30,   40,  50,   60,  0};
static const double queue_buckets[] = {1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1, 10, 100, 1000, 0};
static const double stage_buckets[] = {1,    2,    5,    10,    30,    60,    120,    300,    600,
                                       1800, 3600, 7200, 21600, 43200, 86400, 259200, 604800, 0};

#define METRIC_TABLE "shell/metrics/metrics.def"
#include "base/metric_rows.def"

struct telemetry {
    struct metrics *metrics;
    const char *host; /* of the API server, for the label; borrowed from its URL */
};

static const char *const queue_labels[] = {"trainingjob", "trainingjob"};
#define CONTROLLER queue_labels /* a row with one label reads the first */

static double seconds(int64_t ms)
{
    return (double)ms / 1000;
}

/* ---- requests ---- */
static void on_request(void *context, const char *method, int status)
{
    struct telemetry *t = context;
    char code[16] = "<error>";
    if (status != 0)
        snprintf(code, sizeof(code), "%d", status);
    const char *const labels[] = {code, method, t->host};
    metrics_add(t->metrics, REQUESTS, labels, 1);
}

void telemetry_observe_client(struct telemetry *t, struct kube_client *client, const char *server)
{
    const char *host = strstr(server, "://");
    t->host = host == NULL ? server : host + 3;
    kube_client_observe(client, on_request, t);
}

/* ---- jobs ---- */
/* Counts each attempt that has failed since: the status lists the last few failures. */
static void count_restarts(struct telemetry *t, const struct job_status *s, int32_t from)
{
    for (size_t i = 0; i < s->failure_count; i++) {
        const struct status_failure *f = &s->failures[i];
        const char *const labels[] = {failure_class_name(failure_class_from_name(f->failure_class))};
        if (f->attempt >= from && f->attempt < s->attempt)
            metrics_add(t->metrics, RESTARTS, labels, 1);
    }
}

static void count_new_attempt(struct telemetry *t, const struct cached_job *before,
                              const struct cached_job *after)
{
    struct arena *a CLEANUP(cleanup_arena) = arena_new();
    struct job_status s;
    json_t *tree CLEANUP(js_free) =
        js_parse_foreign(view_of(after->text, after->text_length), "a cached job", NULL);
    status_decode(json_object_get(tree, "status"), a, &s);
    count_restarts(t, &s, before->attempt);
}

static void count_finished(struct telemetry *t, const struct cached_job *job)
{
    struct view reason = skim_text(skim_at(view_of(job->text, job->text_length), "status.reason"));
    char *word CLEANUP(cleanup_free) = view_dup(reason);
    const char *const labels[] = {phase_name(job->phase), word};
    metrics_add(t->metrics, FINISHED, labels, 1);
}

void telemetry_job_changed(struct telemetry *t, const struct cached_job *before,
                           const struct cached_job *after)
{
    if (strcmp(before->uid, after->uid) != 0)
        return;
    if (before->phase != after->phase && before->phase_since_us != 0) {
        const char *const labels[] = {phase_name(before->phase)};
        int64_t stayed_us = after->phase_since_us - before->phase_since_us;
        metrics_observe(t->metrics, STAGE_SECONDS, labels, stayed_us > 0 ? (double)stayed_us / 1e6 : 0);
    }
    if (before->attempt > 0 && before->attempt != after->attempt)
        count_new_attempt(t, before, after);
    if (before->phase != after->phase && phase_is_finished(after->phase))
        count_finished(t, after);
}

/* ---- reconciles ---- */
void telemetry_reconcile_begun(struct telemetry *t, int64_t late_ms)
{
    metrics_add(t->metrics, QUEUE_ADDS, queue_labels, 1);
    metrics_observe(t->metrics, QUEUE_SECONDS, queue_labels, seconds(late_ms > 0 ? late_ms : 0));
}

static const char *result_label(enum reconcile_result result, bool is_due_later)
{
    return result == RECONCILE_ERROR     ? "error"
           : result == RECONCILE_REQUEUE ? "requeue"
           : is_due_later                ? "requeue_after"
                                         : "success";
}

void telemetry_reconcile_ended(struct telemetry *t, enum reconcile_result result, bool is_due_later,
                               int64_t took_ms)
{
    const char *const labels[] = {CONTROLLER[0], result_label(result, is_due_later)};
    metrics_add(t->metrics, RECONCILE_TOTAL, labels, 1);
    metrics_observe(t->metrics, RECONCILE_SECONDS, CONTROLLER, seconds(took_ms));
    metrics_observe(t->metrics, WORK_SECONDS, queue_labels, seconds(took_ms));
    if (result == RECONCILE_ERROR)
        metrics_add(t->metrics, RECONCILE_ERRORS, CONTROLLER, 1);
    if (result != RECONCILE_SUCCESS)
        metrics_add(t->metrics, RETRIES, queue_labels, 1);
}

void telemetry_stale_skip(struct telemetry *t)
{
    metrics_add(t->metrics, STALE_SKIPS, NULL, 1);
}

void telemetry_event_dropped(struct telemetry *t)
{
    metrics_add(t->metrics, EVENTS_DROPPED, NULL, 1);
}

void telemetry_notification(struct telemetry *t, const char *target, bool is_delivered)
{
    const char *const values[] = {target, is_delivered ? "taken" : "failed"};
    metrics_add(t->metrics, NOTIFICATIONS, values, 1);
}

/* ---- gauges ---- */
static void set_gauges(struct metrics *m, const struct telemetry_gauges *gauges)
{
    metrics_set(m, QUEUE_DEPTH, queue_labels, (double)gauges->queued);
    metrics_set(m, ACTIVE_WORKERS, CONTROLLER, (double)gauges->running);
    metrics_set(m, UNFINISHED, queue_labels, seconds(gauges->unfinished_ms));
    metrics_set(m, LONGEST, queue_labels, seconds(gauges->longest_ms));
    metrics_clear(m, JOBS);
    for (size_t i = 0; gauges->jobs != NULL && i < PHASE_COUNT; i++) {
        const char *const labels[] = {phase_name((enum job_phase)i)};
        metrics_set(m, JOBS, labels, (double)gauges->jobs[i]);
    }
}

static void set_process(struct metrics *m)
{
    struct process_usage usage;
    process_usage_read(&usage);
    metrics_set(m, CPU_SECONDS, NULL, usage.cpu_seconds);
    metrics_set(m, START_TIME, NULL, usage.start_time);
    metrics_set(m, RESIDENT_BYTES, NULL, usage.resident_bytes);
    metrics_set(m, ANONYMOUS_BYTES, NULL, usage.anonymous_bytes);
    metrics_set(m, VIRTUAL_BYTES, NULL, usage.virtual_bytes);
    metrics_set(m, OPEN_FDS, NULL, usage.open_descriptors);
    metrics_set(m, MAX_FDS, NULL, usage.max_descriptors);
}

void telemetry_write(struct telemetry *t, const struct telemetry_gauges *gauges, const struct leader *leader,
                     const char *lease_name, struct strbuf *out)
{
    set_gauges(t->metrics, gauges);
    set_process(t->metrics);
    if (leader != NULL) {
        metrics_set(t->metrics, MASTER_STATUS, &lease_name, leader_is_leading(leader));
        metrics_set(t->metrics, SLOW_PATHS, &lease_name, (double)leader_slow_paths(leader));
    }
    metrics_write(t->metrics, out);
}

/* ---- life ---- */
/* Counters start at 0 instead of absent, so that rate() sees the first increment. */
static void init_counters(struct metrics *m)
{
    static const char *const version[] = {CLOISTER_VERSION};
    metrics_set(m, BUILD_INFO, version, 1);
    metrics_add(m, RECONCILE_ERRORS, CONTROLLER, 0);
    metrics_add(m, QUEUE_ADDS, queue_labels, 0);
    metrics_add(m, RETRIES, queue_labels, 0);
    for (int end = RECONCILE_SUCCESS; end <= RECONCILE_ERROR; end++) {
        const char *const now[] = {CONTROLLER[0], result_label((enum reconcile_result)end, false)};
        metrics_add(m, RECONCILE_TOTAL, now, 0);
    }
    const char *const later[] = {CONTROLLER[0], result_label(RECONCILE_SUCCESS, true)};
    metrics_add(m, RECONCILE_TOTAL, later, 0);
    for (int failure_class = CLASS_Application; failure_class <= CLASS_Internal; failure_class++) {
        const char *const labels[] = {failure_class_name((enum failure_class)failure_class)};
        metrics_add(m, RESTARTS, labels, 0);
    }
}

struct telemetry *telemetry_new(void)
{
    struct telemetry *t = xcalloc(1, sizeof(*t));
    t->metrics = metrics_new(rows, ROW_COUNT);
    t->host = "";
    init_counters(t->metrics);
    return t;
}

void telemetry_free(struct telemetry *t)
{
    if (t == NULL)
        return;
    metrics_free(t->metrics);
    free(t);
}

#include "agent/meter.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "agentapi/pod.h"
#include "base/alloc.h"
#include "base/metrics.h"
#include "net/http_session.h"
#include "os/process.h"

#include "base/banned.h"

static const double request_buckets[] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
                                         2.5,   5,    10,    30,   60,  120,  0};

#define METRIC_TABLE "agent/metrics.def"
#include "base/metric_rows.def"

static const struct memory_mount {
    const char *name, *path;
} volumes[] = {{"inputs", POD_IN}, {"outputs", POD_OUT}};

enum endpoint { METADATA, KMS, STORAGE, OTHER, ENDPOINT_COUNT };
static const char *const endpoint_names[] = {"metadata", "kms", "storage", "other"};

struct meter {
    pthread_mutex_t lock;
    struct metrics *metrics;
    char *prefixes[OTHER]; /* of URLs */
    double trainer_cpu_seconds;
};

/* The endpoint of the thread's last request, if it failed: the next one to it is a retry. */
static _Thread_local enum endpoint failed_endpoint = ENDPOINT_COUNT;

/* ---- requests ---- */
static enum endpoint endpoint_of(const struct meter *m, const char *url)
{
    size_t i = 0;
    while (i < OTHER && !view_has_prefix(view_from(url), m->prefixes[i]))
        i++;
    return (enum endpoint)i;
}

/* As gcp/replies.def decides for every kind of request. */
static bool is_worth_repeating(int status)
{
    return status == 0 || status == 401 || status == 408 || status == 429 || status >= 500;
}

static void on_request(void *context, const struct http_observation *o)
{
    struct meter *m = context;
    enum endpoint endpoint = endpoint_of(m, o->url);
    char code[16] = "<error>";
    if (o->status != 0)
        (void)snprintf(code, sizeof(code), "%d", o->status);
    const char *const labels[] = {endpoint_names[endpoint], code};
    pthread_mutex_lock(&m->lock);
    metrics_add(m->metrics, REQUESTS, labels, 1);
    metrics_observe(m->metrics, REQUEST_SECONDS, labels, (double)o->duration_us / 1e6);
    metrics_add(m->metrics, SENT, labels, (double)o->sent_bytes);
    metrics_add(m->metrics, RECEIVED, labels, (double)o->received_bytes);
    metrics_add(m->metrics, RETRIES, labels, failed_endpoint == endpoint ? 1 : 0);
    pthread_mutex_unlock(&m->lock);
    failed_endpoint = is_worth_repeating(o->status) ? endpoint : ENDPOINT_COUNT;
}

/* ---- the rest ---- */
void meter_trainer(struct meter *m, uint64_t memory_bytes, uint64_t cpu_us)
{
    double seconds = (double)cpu_us / 1e6;
    pthread_mutex_lock(&m->lock);
    metrics_set(m->metrics, TRAINER_MEMORY, NULL, (double)memory_bytes);
    if (seconds > m->trainer_cpu_seconds) {
        metrics_add(m->metrics, TRAINER_CPU, NULL, seconds - m->trainer_cpu_seconds);
        m->trainer_cpu_seconds = seconds;
    }
    pthread_mutex_unlock(&m->lock);
}

static void measure_volumes(struct meter *m)
{
    for (size_t i = 0; i < ARRAY_LEN(volumes); i++) {
        const char *const labels[] = {volumes[i].name};
        struct statvfs s;
        if (statvfs(volumes[i].path, &s) < 0)
            continue;
        metrics_set(m->metrics, VOLUME_SIZE, labels, (double)s.f_blocks * (double)s.f_frsize);
        metrics_set(m->metrics, VOLUME_USED, labels, (double)(s.f_blocks - s.f_bfree) * (double)s.f_frsize);
    }
}

static void measure_process(struct meter *m)
{
    struct process_usage u;
    process_usage_read(&u);
    metrics_set(m->metrics, CPU_SECONDS, NULL, u.cpu_seconds);
    metrics_set(m->metrics, START_TIME, NULL, u.start_time);
    metrics_set(m->metrics, RESIDENT_BYTES, NULL, u.resident_bytes);
    metrics_set(m->metrics, ANONYMOUS_BYTES, NULL, u.anonymous_bytes);
    metrics_set(m->metrics, OPEN_FDS, NULL, u.open_descriptors);
}

void meter_write(struct meter *m, struct strbuf *out)
{
    pthread_mutex_lock(&m->lock);
    measure_volumes(m);
    measure_process(m);
    metrics_write(m->metrics, out);
    pthread_mutex_unlock(&m->lock);
}

struct meter *meter_new(const struct assignment *assignment)
{
    struct meter *m = xcalloc(1, sizeof(*m));
    pthread_mutex_init(&m->lock, NULL);
    m->metrics = metrics_new(rows, ROW_COUNT);
    /* Behind a proxy they may share a host name; their paths differ. */
    m->prefixes[METADATA] = xasprintf("%s/computeMetadata/", assignment->metadata_url);
    m->prefixes[KMS] = xasprintf("%s/v1/projects/", assignment->kms_url);
    m->prefixes[STORAGE] = xasprintf("%s/", assignment->storage_url);
    http_observe(on_request, m);
    return m;
}

void meter_free(struct meter *m)
{
    if (m == NULL)
        return;
    http_observe(NULL, NULL);
    metrics_free(m->metrics);
    for (size_t i = 0; i < ARRAY_LEN(m->prefixes); i++)
        free(m->prefixes[i]);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

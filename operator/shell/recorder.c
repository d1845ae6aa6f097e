#include "shell/recorder.h"

#include <stdlib.h>

#include "api/labels.h"
#include "base/alloc.h"
#include "base/rfc3339.h"
#include "data/js.h"
#include "os/log.h"
#include "os/loop.h"

#include "base/banned.h"

/* A crash loop of many jobs must not fill etcd: a burst, then one each REFILL_MS. */
enum { BURST = 50, REFILL_MS = 500, IN_FLIGHT_MAX = 8 };

struct recorder {
    struct kube_client *client;
    const char *instance;
    int64_t credit_ms, credited_ms; /* REFILL_MS of credit pay for one event */
    struct kube_call *calls[IN_FLIGHT_MAX];
    struct slot {
        struct recorder *recorder;
        size_t at;
    } slots[IN_FLIGHT_MAX];
};

struct recorder *recorder_new(struct kube_client *client, const char *instance)
{
    struct recorder *r = xcalloc(1, sizeof(*r));
    r->client = client;
    r->instance = instance;
    r->credit_ms = (int64_t)BURST * REFILL_MS;
    r->credited_ms = clock_boot_ms();
    for (size_t i = 0; i < IN_FLIGHT_MAX; i++)
        r->slots[i] = (struct slot){r, i};
    return r;
}

void recorder_free(struct recorder *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < IN_FLIGHT_MAX; i++)
        kube_call_cancel(r->calls[i]);
    free(r);
}

static bool pay(struct recorder *r)
{
    int64_t now_ms = clock_boot_ms(), most_ms = (int64_t)BURST * REFILL_MS;
    r->credit_ms += now_ms - r->credited_ms;
    r->credited_ms = now_ms;
    if (r->credit_ms > most_ms)
        r->credit_ms = most_ms;
    if (r->credit_ms < REFILL_MS)
        return false;
    r->credit_ms -= REFILL_MS;
    return true;
}

static json_t *make_event(const struct recorder *r, const struct job *job, const char *type,
                          const char *reason, const char *note)
{
    int64_t now_us = clock_wall_us();
    char time[RFC3339_SIZE];
    rfc3339_format_micros(now_us, time);
    char *name CLEANUP(cleanup_free) = xasprintf("%s.%llx", job->name, (unsigned long long)now_us);
    return json_pack(
        "{s:s, s:s, s:{s:s, s:s}, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:{s:s, s:s, s:s, s:s, s:s}}",
        "apiVersion", "events.k8s.io/v1", "kind", "Event", "metadata", "name", name, "namespace",
        job->namespace, "eventTime", time, "reportingController", API_GROUP "/operator", "reportingInstance",
        r->instance, "action", "Reconcile", "type", type, "reason", reason, "note", note, "regarding",
        "apiVersion", API_GROUP "/" API_VERSION, "kind", JOB_KIND, "namespace", job->namespace, "name",
        job->name, "uid", job->uid);
}

static void on_recorded(void *context, const struct kube_answer *answer, const struct err *e)
{
    struct slot *slot = context;
    (void)answer;
    slot->recorder->calls[slot->at] = NULL;
    if (e != NULL)
        log_failure(LOG_LEVEL_WARNING, e, "cannot record an event", NULL);
}

void recorder_event(struct recorder *r, const struct job *job, const char *type, const char *reason,
                    const char *note)
{
    size_t at = 0;
    while (at < IN_FLIGHT_MAX && r->calls[at] != NULL)
        at++;
    if (at == IN_FLIGHT_MAX || !pay(r)) {
        log_info("too many events, one is left out", "job", job->name, "reason", reason, NULL);
        return;
    }
    json_t *event CLEANUP(js_free) = make_event(r, job, type, reason, note);
    char *path CLEANUP(cleanup_free) =
        xasprintf("/apis/events.k8s.io/v1/namespaces/%s/events", job->namespace);
    r->calls[at] = kube_start(r->client, "POST", path, event, on_recorded, &r->slots[at]);
}

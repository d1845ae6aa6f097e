#include "core/render/event.h"

#include "api/labels.h"
#include "base/alloc.h"
#include "base/rfc3339.h"
#include "data/js.h"

#include "base/banned.h"

/* The part is in fieldPath, where the kubelet names a container: `kubectl get events -o wide` shows it. */
static json_t *render_job(const struct job *job, const struct action *a)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s*}", "apiVersion", API_GROUP "/" API_VERSION, "kind",
                     JOB_KIND, "namespace", job->ns, "name", job->name, "uid", job->uid, "fieldPath",
                     a->part);
}

json_t *event_render(const struct job *job, const struct action *a, const char *name, const char *instance,
                     int64_t now_us)
{
    char time[RFC3339_SIZE];
    rfc3339_format_micros(now_us, time);
    json_t *event = json_pack(
        "{s:s, s:s, s:{s:s, s:s}, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "apiVersion", "events.k8s.io/v1",
        "kind", "Event", "metadata", "name", name, "namespace", job->ns, "eventTime", time,
        "reportingController", API_GROUP "/operator", "reportingInstance", instance, "action", "Reconcile",
        "type", a->type, "reason", a->reason, "note", a->note, "regarding", render_job(job, a));
    if (a->pod != NULL)
        json_object_set_new(event, "related",
                            json_pack("{s:s, s:s, s:s, s:s}", "apiVersion", "v1", "kind", "Pod", "namespace",
                                      job->ns, "name", a->pod));
    return event;
}

char *event_key(const struct action *a)
{
    return xasprintf("%s\n%s\n%s\n%s", a->type, a->reason, a->pod != NULL ? a->pod : "",
                     a->part != NULL ? a->part : "");
}

#include "core/render/cloud_event.h"

#include <stdlib.h>
#include <string.h>

#include "api/labels.h"
#include "base/alloc.h"
#include "base/codec.h"
#include "base/rfc3339.h"
#include "data/js.h"

#include "base/banned.h"

#define TYPE_PREFIX    "dev.cloister.trainingjob."
#define DATA_TYPE      "application/json"
#define PUBSUB_PREFIX  "ce-"
#define PUBSUB_CONTENT "content-type"

static json_t *render_data(const struct job *j, const struct status_notification *n)
{
    json_t *data = json_pack("{s:s, s:s, s:s, s:i, s:s, s:s}", "namespace", j->ns, "name", j->name, "uid",
                             j->uid, "attempt", (int)n->attempt, "reason", n->reason, "message", n->message);
    if (*n->failure_class != '\0')
        json_object_set_new(data, "class", json_string(n->failure_class));
    if (strcmp(n->type, "succeeded") == 0 && *j->status.output.uri != '\0')
        json_object_set_new(data, "output",
                            json_pack("{s:s, s:s}", "uri", j->status.output.uri, "manifestSHA256",
                                      j->status.output.manifest_sha256));
    return data;
}

json_t *cloud_event_render(const struct job *j, const struct status_notification *n, const char *source)
{
    char time[RFC3339_SIZE];
    char *type CLEANUP(cleanup_free) = xasprintf(TYPE_PREFIX "%s", n->type);
    char *subject CLEANUP(cleanup_free) = xasprintf("namespaces/%s/" JOB_PLURAL "/%s", j->ns, j->name);
    rfc3339_format_seconds(n->time_us, time);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "specversion", "1.0", "id", n->id, "source",
                     source, "type", type, "subject", subject, "time", time, "datacontenttype", DATA_TYPE,
                     "data", render_data(j, n));
}

json_t *cloud_event_render_pubsub(const struct job *j, const struct status_notification *n,
                                  const char *source)
{
    json_t *event CLEANUP(js_free) = cloud_event_render(j, n, source);
    json_t *attributes = json_pack("{s:s}", PUBSUB_CONTENT, DATA_TYPE);
    char *text CLEANUP(cleanup_free) = js_dump(json_object_get(event, "data"));
    char *data CLEANUP(cleanup_free) = base64_encode(text, strlen(text));
    const char *key;
    json_t *value;
    json_object_del(event, "data");
    json_object_del(event, "datacontenttype");
    json_object_foreach(event, key, value)
    {
        char *name CLEANUP(cleanup_free) = xasprintf(PUBSUB_PREFIX "%s", key);
        json_object_set(attributes, name, value);
    }
    return json_pack("{s:[{s:s, s:o}]}", "messages", "data", data, "attributes", attributes);
}

#include "api/status_int.h"

#include <string.h>

#include "data/js.h"

#include "base/banned.h"

#define NOTIFICATION(path, kind, member)                                                                     \
    {                                                                                                        \
        path, FIELD_##kind, offsetof(struct status_notification, member), false, NULL                        \
    }

static const struct field notification_fields[] = {
    NOTIFICATION("id", TEXT, id),
    NOTIFICATION("type", TEXT, type),
    NOTIFICATION("attempt", INT32, attempt),
    NOTIFICATION("time", TIME, time_us),
    NOTIFICATION("class", TEXT, failure_class),
    NOTIFICATION("reason", TEXT, reason),
    NOTIFICATION("message", TEXT, message),
};

static json_t *encode_one(const struct status_notification *n)
{
    json_t *o = json_object(), *targets = json_array();
    fields_encode(notification_fields, ARRAY_LEN(notification_fields), n, o);
    for (size_t i = 0; i < n->target_count; i++)
        json_array_append_new(targets, json_string(n->targets[i]));
    json_object_set_new(o, "targets", targets);
    return o;
}

void status_encode_notifications(const struct job_status *s, json_t *ret)
{
    if (s->notification_count == 0)
        return;
    json_t *pending = json_array();
    for (size_t i = 0; i < s->notification_count; i++)
        json_array_append_new(pending, encode_one(&s->notifications[i]));
    json_object_set_new(ret, "notifications", json_pack("{s:o}", "pending", pending));
}

static void decode_one(const json_t *o, struct status_notification *ret)
{
    const json_t *targets = js_at(o, "targets");
    *ret =
        (struct status_notification){.id = "", .type = "", .failure_class = "", .reason = "", .message = ""};
    fields_decode_valid(notification_fields, ARRAY_LEN(notification_fields), o, ret);
    for (size_t i = 0; i < json_array_size(targets) && ret->target_count < NOTIFICATION_TARGETS_MAX; i++) {
        const char *name = json_string_value(json_array_get(targets, i));
        if (name != NULL)
            ret->targets[ret->target_count++] = name;
    }
}

void status_decode_notifications(const json_t *pending, struct job_status *ret)
{
    size_t count = json_array_size(pending);
    while (ret->notification_count < count && ret->notification_count < NOTIFICATIONS_MAX) {
        const json_t *o = json_array_get(pending, ret->notification_count);
        decode_one(o, &ret->notifications[ret->notification_count]);
        ret->notification_count++;
    }
}

#include "core/model/action.h"

#include <stddef.h>

#include "base/alloc.h"

#include "base/banned.h"

static const char *const kind_names[] = {
    [ACTION_SET_STATUS] = "SET_STATUS",
    [ACTION_CONFIRM_JOB] = "CONFIRM_JOB",
    [ACTION_CREATE_SERVICE] = "CREATE_SERVICE",
    [ACTION_CREATE_POLICY] = "CREATE_POLICY",
    [ACTION_UPDATE_POLICY] = "UPDATE_POLICY",
    [ACTION_CREATE_POD] = "CREATE_POD",
    [ACTION_DELETE_POD] = "DELETE_POD",
    [ACTION_END_GROUP] = "END_GROUP",
    [ACTION_DELETE_SERVICE] = "DELETE_SERVICE",
    [ACTION_DELETE_POLICY] = "DELETE_POLICY",
    [ACTION_ASK_AUTOSCALER] = "ASK_AUTOSCALER",
    [ACTION_EVENT] = "EVENT",
    [ACTION_WAKE_AT] = "WAKE_AT",
};

const char *action_kind_name(enum action_kind kind)
{
    return kind_names[kind];
}

static const size_t texts[] = {
    offsetof(struct action, why),     offsetof(struct action, group), offsetof(struct action, name),
    offsetof(struct action, version), offsetof(struct action, uid),   offsetof(struct action, type),
    offsetof(struct action, reason),  offsetof(struct action, note),  offsetof(struct action, pod),
    offsetof(struct action, part),
};

struct action action_copy(const struct action *from, struct arena *a)
{
    struct action copy = *from;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        const char **text = (const char **)(void *)((char *)&copy + texts[i]);
        *text = arena_strdup(a, *text);
    }
    struct pod_owner *pods = arena_calloc(a, from->pod_count + 1, sizeof(*pods));
    for (size_t i = 0; i < from->pod_count; i++)
        pods[i] = (struct pod_owner){arena_strdup(a, from->pods[i].name), arena_strdup(a, from->pods[i].uid)};
    copy.pods = pods;
    return copy;
}

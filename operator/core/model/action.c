#include "core/model/action.h"

#include <stddef.h>

#include "base/alloc.h"

#include "base/banned.h"

static const struct {
    const char *name, *description;
} kinds[] = {
    [ACTION_SET_STATUS] = {"SET_STATUS", "writing status"},
    [ACTION_CONFIRM_JOB] = {"CONFIRM_JOB", "re-reading the job before writing"},
    [ACTION_CREATE_SERVICE] = {"CREATE_SERVICE", "creating Service"},
    [ACTION_CREATE_POLICY] = {"CREATE_POLICY", "creating NetworkPolicy"},
    [ACTION_UPDATE_POLICY] = {"UPDATE_POLICY", "updating NetworkPolicy"},
    [ACTION_CREATE_POD] = {"CREATE_POD", "creating pod"},
    [ACTION_DELETE_POD] = {"DELETE_POD", "deleting pod"},
    [ACTION_END_GROUP] = {"END_GROUP", "ending the pod group"},
    [ACTION_DELETE_SERVICE] = {"DELETE_SERVICE", "deleting Service"},
    [ACTION_DELETE_POLICY] = {"DELETE_POLICY", "deleting NetworkPolicy"},
    [ACTION_ASK_AUTOSCALER] = {"ASK_AUTOSCALER", "reading the pod's events"},
    [ACTION_EVENT] = {"EVENT", "recording event"},
    [ACTION_WAKE_AT] = {"WAKE_AT", "scheduling the next reconcile"},
};

const char *action_kind_name(enum action_kind kind)
{
    return kinds[kind].name;
}

const char *action_description(enum action_kind kind)
{
    return kinds[kind].description;
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

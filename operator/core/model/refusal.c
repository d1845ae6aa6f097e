#include "core/model/refusal.h"

#include <string.h>

#include "base/banned.h"

static enum child_kind kind_of(enum action_kind kind)
{
    return kind == ACTION_CREATE_POD       ? CHILD_POD
           : kind == ACTION_CREATE_SERVICE ? CHILD_SERVICE
           : kind == ACTION_CREATE_POLICY  ? CHILD_POLICY
                                           : CHILD_NONE;
}

struct child_ref child_of_action(const struct action *act)
{
    struct child_ref c = {.kind = kind_of(act->kind), .name = act->name};
    c.attempt = c.kind == CHILD_POD ? act->attempt : 0;
    return c;
}

int child_order(const struct child_ref *a, const struct child_ref *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    return strcmp(a->name, b->name);
}

const char *child_text(struct arena *a, const struct child_ref *child)
{
    static const char *const words[] = {
        [CHILD_NONE] = "object",
        [CHILD_POLICY] = "networkpolicy",
        [CHILD_POD] = "pod",
        [CHILD_SERVICE] = "service",
    };
    return arena_printf(a, "%s %s", words[child->kind], child->name);
}

bool child_is_of_other_attempt(const struct child_ref *a, const struct child_ref *b)
{
    return a->attempt != 0 && b->attempt != 0 && a->attempt != b->attempt;
}

enum refusal_cause refusal_cause(const struct refusal *r)
{
    return strstr(r->message, "exceeded quota") != NULL               ? REFUSAL_QUOTA
           : strstr(r->message, "looking up service account") != NULL ? REFUSAL_SERVICE_ACCOUNT
                                                                      : REFUSAL_OTHER;
}

const struct refusal *refusal_of_attempt(const struct refusal *r, int32_t attempt)
{
    int32_t refused = r->child.attempt;
    return r->child.kind != CHILD_NONE && (refused == 0 || refused == attempt) ? r : NULL;
}

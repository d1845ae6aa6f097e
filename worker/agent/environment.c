#include "agent/environment.h"

#include <stdlib.h>

#include "agentapi/pod.h"
#include "data/js.h"

#include "base/banned.h"

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value == NULL ? "" : value;
}

int environment_read(struct arena *a, struct assignment *ret, struct err *e)
{
    json_t *tree = js_parse(view_from(variable(ENV_ASSIGNMENT)), ENV_ASSIGNMENT, e);
    struct assignment assignment;
    if (tree == NULL || assignment_decode(js_keep(a, tree), a, &assignment, e) < 0)
        return -1;
    assignment.pod_uid = variable(ENV_POD_UID);
    if (*assignment.pod_uid == '\0')
        return FAIL(e, ERR_INVALID, "the variable " ENV_POD_UID " is not set");
    *ret = assignment;
    return 0;
}

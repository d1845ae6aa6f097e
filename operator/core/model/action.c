#include "core/model/action.h"

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

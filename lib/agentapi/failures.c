#include "agentapi/failures.h"

#include <string.h>

#include "base/banned.h"

#define ERR_ROW(code, name, again) static const char NAME_##code[] = name;
#include "base/err.def"
#undef ERR_ROW

static const struct failure failures[] = {
    [ERR_NONE] = {NAME_NONE, CLASS_None, RETRY_NEVER, ""},
#define FAILURE_ROW(code, failure_class, attempt, remedy)                                                    \
    [ERR_##code] = {NAME_##code, CLASS_##failure_class, RETRY_##attempt, remedy},
#include "agentapi/failures.def"
#undef FAILURE_ROW
};

const char *const failure_class_names[] = {"None", "Application", "Disruption", "Security", "Key",
                                           "Data", "Network",     "Resource",   "Internal", NULL};

const char *failure_class_name(enum failure_class failure_class)
{
    return failure_class_names[failure_class];
}

enum failure_class failure_class_from_name(const char *name)
{
    for (size_t i = 0; failure_class_names[i] != NULL; i++)
        if (strcmp(failure_class_names[i], name) == 0)
            return (enum failure_class)i;
    return CLASS_None;
}

const struct failure *failure_of_code(enum err_code code)
{
    return &failures[code];
}

const struct failure *failure_find(const char *reason)
{
    for (size_t i = ERR_NONE + 1; i < ARRAY_LEN(failures); i++)
        if (strcmp(failures[i].reason, reason) == 0)
            return &failures[i];
    return NULL;
}

const char *failure_remedy(enum err_code code)
{
    return failures[code].remedy;
}

char *failure_sentence(const struct err *e)
{
    return err_sentence(e, failure_remedy(e->code));
}

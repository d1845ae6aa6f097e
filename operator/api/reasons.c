#include "api/reasons.h"

#include <string.h>

#define REASON_ROW(name, failure_class, retry, event, remedy) const char REASON_##name[] = #name;
#include "api/reasons.def"
#undef REASON_ROW

static const struct reason own_reasons[] = {
#define REASON_ROW(name, failure_class, retry, event, remedy)                                                \
    {REASON_##name, CLASS_##failure_class, REASON_##retry, REASON_EVENT_##event, remedy},
#include "api/reasons.def"
#undef REASON_ROW
};

/* A key that is LATER is one that an owner disabled: asked for rarely, so that the audit log stays readable.
 */
#define AGENT_RETRY_NEVER(failure_class) REASON_NEVER
#define AGENT_RETRY_LATER(failure_class) (CLASS_##failure_class == CLASS_Key ? REASON_SLOWLY : REASON_LATER)

static const struct reason agent_reasons[] = {
#define ERR_ROW(code, failure_class, reason, retry, remedy)                                                  \
    {reason, CLASS_##failure_class, AGENT_RETRY_##retry(failure_class), REASON_EVENT_WARNING, remedy},
#include "base/err.def"
#undef ERR_ROW
};

#include "base/banned.h"

static const struct reason *find(const struct reason *rows, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].word, word) == 0)
            return &rows[i];
    return NULL;
}

const struct reason *reason_find(const char *word)
{
    if (*word == '\0')
        return NULL;
    const struct reason *r = find(own_reasons, ARRAY_LEN(own_reasons), word);
    return r != NULL ? r : find(agent_reasons, ARRAY_LEN(agent_reasons), word);
}

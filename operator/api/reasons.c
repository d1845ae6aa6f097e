#include "api/reasons.h"

#include <string.h>

#include "base/banned.h"

#define REASON_ROW(name, failure_class, retry, event, remedy) const char REASON_##name[] = #name;
#include "api/reasons.def"
#undef REASON_ROW

static const struct reason own_reasons[] = {
#define REASON_ROW(name, failure_class, retry, event, remedy)                                                \
    {REASON_##name, CLASS_##failure_class, RETRY_##retry, REASON_EVENT_##event, remedy},
#include "api/reasons.def"
#undef REASON_ROW
};

static const struct reason *own_reason(const char *word)
{
    for (size_t i = 0; i < ARRAY_LEN(own_reasons); i++)
        if (strcmp(own_reasons[i].word, word) == 0)
            return &own_reasons[i];
    return NULL;
}

bool reason_is_known(const char *word)
{
    return own_reason(word) != NULL || failure_find(word) != NULL;
}

struct reason reason_of(const char *word)
{
    const struct reason *own = own_reason(word);
    const struct failure *f = failure_find(word);
    if (own != NULL)
        return *own;
    if (f != NULL)
        return (struct reason){f->reason, f->failure_class, f->retry, REASON_EVENT_WARNING, f->remedy};
    return (struct reason){"Unknown", CLASS_Internal, RETRY_LATER, REASON_EVENT_WARNING, ""};
}

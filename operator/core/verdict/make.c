#include "core/verdict/make.h"

#include <stdarg.h>
#include <string.h>

#include "base/alloc.h"

#include "base/banned.h"

struct verdict verdict_make(struct arena *a, const struct pod_facts *p, const char *reason,
                            const char *format, ...)
{
    const struct reason r = reason_of(reason);
    va_list args;
    va_start(args, format);
    char *text CLEANUP(cleanup_free) = xvasprintf(format, args);
    va_end(args);
    /* Messages of Kubernetes may end with a full stop, those of the kubelet with a space after it. */
    for (size_t n = strlen(text); n > 0 && strchr(". ", text[n - 1]) != NULL; n--)
        text[n - 1] = '\0';
    return (struct verdict){
        .reason = r.word,
        .failure_class = r.failure_class,
        .retry = r.retry,
        .message = *r.remedy != '\0' ? arena_printf(a, "%s. To go on, %s.", text, r.remedy)
                                     : arena_printf(a, "%s.", text),
        .pod = p,
        .pod_name = "",
        .container = "",
        .exit_code = -1,
    };
}

const char *verdict_worker_text(struct arena *a, const struct pod_facts *p)
{
    if (*p->node == '\0')
        return arena_printf(a, "worker %d (pod %s)", (int)p->index, p->name);
    return arena_printf(a, "worker %d (pod %s on node %s)", (int)p->index, p->name, p->node);
}

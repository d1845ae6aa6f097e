/*
 * A verdict: why an attempt failed, and what that means for the job. Texts are constants, borrowed from the
 * world, or live in the arena. Nothing here fails.
 */
#ifndef VERDICT_MAKE_H
#define VERDICT_MAKE_H

#include "api/reasons.h"
#include "core/model/world.h"

struct verdict {
    const char *reason;
    enum failure_class failure_class;
    enum retry retry;
    const char *message;         /* a sentence with the remedy */
    const struct pod_facts *pod; /* NULL = deleted */
    const char *pod_name;        /* of a pod that was deleted unobserved; else "" */
    const char *container;       /* "" = none */
    int32_t exit_code;           /* -1 = unknown */
    int32_t signal;
    int64_t time_us; /* of the failure; 0 = now */
};

/* Has the class, retry and remedy of its reason; the message is "TEXT. To go on, REMEDY." It names no
 * container. */
struct verdict verdict_make(struct arena *a, const struct pod_facts *p, const char *reason,
                            const char *format, ...) PRINTF_LIKE(4, 5);
/* "worker 1 (pod digits-worker-1-1 on node cc-0)" */
const char *verdict_worker_text(struct arena *a, const struct pod_facts *p);

#endif

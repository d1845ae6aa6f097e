/*
 * A judgement on an attempt, and how one is worded. Texts live in the arena.
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
    const struct pod_facts *pod; /* NULL = it is gone */
    const char *pod_name;        /* of a pod that is gone; else "" */
    const char *container;       /* "" = none */
    int32_t exit_code;           /* -1 = unknown */
    int32_t signal;
    int64_t time_us; /* 0 = just now */
};

/* One with the class and retry of its reason, and "TEXT. To go on, REMEDY." Without a container. */
struct verdict verdict_make(struct arena *a, const struct pod_facts *p, const char *reason,
                            const char *format, ...) PRINTF_LIKE(4, 5);
/* "worker 1 (pod digits-worker-1-1 on node cc-0)" */
const char *verdict_worker_text(struct arena *a, const struct pod_facts *p);

#endif

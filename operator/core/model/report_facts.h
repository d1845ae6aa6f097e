/*
 * What an agent says: in its own container's termination message, which is its
 * last word, and in what it posts while it runs, which is advice (world.h). The
 * message of the trainer's container is never read here: the trainer could write
 * anything into it.
 */
#ifndef MODEL_REPORT_FACTS_H
#define MODEL_REPORT_FACTS_H

#include "agentapi/report.h"
#include "core/model/pod_facts.h"

/* False when there is no report, or when it is of another pod, attempt or index than it stands in. */
bool report_of_pod(const struct pod_facts *p, struct arena *a, struct report *ret);

/*
 * What the agent of a pod posted last, authenticated as that pod's: one heap block, freed with free(). Texts
 * are "" when absent.
 */
struct report_facts {
    const char *pod_uid;
    const char *reason; /* of a failure; "" = none */
    const char *message;
    const char *warning;
    const char *progress; /* JSON in Kubeflow Trainer's form */
    struct checkpoint_ref checkpoint;
    struct restored_ref restored;
    int32_t exit_code; /* of the program; -1 = it has not ended */
    enum report_stage stage;
    enum failure_class failure_class;
};

/* ERR_INVALID when it is no report, or not that pod's. The caller frees the result. */
struct report_facts *report_facts_new(const json_t *report, const struct pod_facts *pod,
                                      struct err *e) MUST_CHECK;

struct world;
/* What the pod's agent posted last, or NULL. */
const struct report_facts *report_facts_of_pod(const struct world *w, const struct pod_facts *p);
bool report_facts_equal(const struct report_facts *a, const struct report_facts *b);
/* The order of world.reports, for qsort. */
int report_facts_order(const void *a, const void *b);

#endif

#include "core/verdict/place.h"

#include <string.h>

#include "api/labels.h"
#include "core/model/gang.h"

#include "base/banned.h"

static bool is_requested(const struct job *j, enum technology t)
{
    for (size_t i = 0; i < j->spec.technology_count; i++)
        if (j->spec.technologies[i] == t)
            return true;
    return false;
}

/* Bound to a node that is in the cache and does not match what the pod and the job request. */
static bool is_on_wrong_node(const struct world *w, const struct pod_facts *p, struct arena *a,
                             struct verdict *ret)
{
    const struct node_facts *node = *p->node != '\0' ? world_node(w, p->node) : NULL;
    enum spot spot = w->job->spec.spot;
    const char *where = verdict_worker_text(a, p);
    if (node == NULL)
        return false;
    if (!is_requested(w->job, p->technology) || strcmp(node->technology, technology_name(p->technology)) != 0)
        *ret = verdict_make(
            a, p, REASON_WrongNode, "the node of %s does not have the label " LABEL_NODE_TECHNOLOGY "=%s",
            where,
            technology_name(is_requested(w->job, p->technology) ? p->technology : job_technology(w->job)));
    else if (spot == SPOT_NEVER && node->is_spot)
        *ret = verdict_make(a, p, REASON_WrongNode,
                            "the node of %s has the label " LABEL_NODE_SPOT
                            "=true, and the job's confidential.spot is Never",
                            where);
    else if (spot == SPOT_ONLY && !node->is_spot)
        *ret = verdict_make(a, p, REASON_WrongNode,
                            "the node of %s does not have the label " LABEL_NODE_SPOT
                            "=true, and the job's confidential.spot is Only",
                            where);
    else
        return false;
    return true;
}

bool verdict_of_placement(const struct world *w, const struct pod_facts *p, struct arena *a,
                          struct verdict *ret)
{
    const char *where = verdict_worker_text(a, p);
    if (is_on_wrong_node(w, p, a, ret))
        return true;
    if (p->is_changed)
        *ret =
            verdict_make(a, p, REASON_PodChanged, "the pod of %s differs from what Cloister created", where);
    else if (p->is_image_changed)
        *ret = verdict_make(a, p, REASON_ImageChanged,
                            "an image of %s was replaced while the pod was running", where);
    else
        return false;
    return true;
}

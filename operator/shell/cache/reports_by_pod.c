#include "shell/cache/reports_by_pod.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "core/model/report_facts.h"
#include "kube/store.h"

#include "base/banned.h"

struct reports_by_pod {
    struct store *reports; /* under the uid of the pod */
};

struct reports_by_pod *reports_by_pod_new(void)
{
    struct reports_by_pod *r = xcalloc(1, sizeof(*r));
    r->reports = store_new(free);
    return r;
}

void reports_by_pod_free(struct reports_by_pod *r)
{
    if (r == NULL)
        return;
    store_free(r->reports);
    free(r);
}

bool reports_by_pod_put(struct reports_by_pod *r, struct report_facts *facts)
{
    struct report_facts *before = store_put(r->reports, "", facts->pod_uid, facts);
    bool is_new = before == NULL || !report_facts_equal(before, facts);
    free(before);
    return is_new;
}

void reports_by_pod_forget(struct reports_by_pod *r, const char *pod_uid)
{
    free(store_take(r->reports, "", pod_uid));
}

const struct report_facts *const *reports_by_pod_get(const struct reports_by_pod *r,
                                                     const struct pod_facts *const *pods, size_t pod_count,
                                                     struct arena *a, size_t *ret_count)
{
    const struct report_facts **list = arena_calloc(a, pod_count + 1, sizeof(*list));
    size_t count = 0;
    for (size_t i = 0; i < pod_count; i++) {
        list[count] = store_get(r->reports, "", pods[i]->uid);
        count += list[count] != NULL;
    }
    qsort(list, count, sizeof(*list), report_facts_order);
    *ret_count = count;
    return list;
}

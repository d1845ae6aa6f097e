#include "shell/cache/posts.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "core/model/report_of_pod.h"
#include "kube/store.h"

#include "base/banned.h"

struct posts {
    struct store *by_pod; /* under the pod's uid */
};

struct posts *posts_new(void)
{
    struct posts *p = xcalloc(1, sizeof(*p));
    p->by_pod = store_new(free);
    return p;
}

void posts_free(struct posts *p)
{
    if (p == NULL)
        return;
    store_free(p->by_pod);
    free(p);
}

bool posts_put(struct posts *p, struct posted_facts *facts)
{
    struct posted_facts *before = store_put(p->by_pod, "", facts->pod_uid, facts);
    bool is_news = before == NULL || !posted_equal(before, facts);
    free(before);
    return is_news;
}

void posts_forget(struct posts *p, const char *pod_uid)
{
    free(store_take(p->by_pod, "", pod_uid));
}

const struct posted_facts *const *posts_of(const struct posts *p, const struct pod_facts *const *pods,
                                           size_t pod_count, struct arena *a, size_t *ret_count)
{
    const struct posted_facts **list = arena_calloc(a, pod_count + 1, sizeof(*list));
    size_t count = 0;
    for (size_t i = 0; i < pod_count; i++) {
        list[count] = store_get(p->by_pod, "", pods[i]->uid);
        count += list[count] != NULL;
    }
    qsort(list, count, sizeof(*list), posted_order);
    *ret_count = count;
    return list;
}

#include "shell/cache/pods_by_job.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "kube/store.h"

#include "base/banned.h"

struct pods_by_job {
    struct store *lists; /* by job uid; none is empty */
};

struct list {
    const struct pod_facts **pods;
    size_t count, capacity;
};

static void list_free(void *list)
{
    struct list *l = list;
    if (l == NULL)
        return;
    free(l->pods);
    free(l);
}

struct pods_by_job *pods_by_job_new(void)
{
    struct pods_by_job *index = xcalloc(1, sizeof(*index));
    index->lists = store_new(list_free);
    return index;
}

void pods_by_job_free(struct pods_by_job *index)
{
    if (index == NULL)
        return;
    store_free(index->lists);
    free(index);
}

static void add(struct pods_by_job *index, const struct pod_facts *pod)
{
    struct list *l = store_get(index->lists, "", pod->job_uid);
    if (l == NULL) {
        l = xcalloc(1, sizeof(*l));
        list_free(store_put(index->lists, "", pod->job_uid, l));
    }
    if (l->count == l->capacity) {
        l->capacity = l->capacity == 0 ? 2 : l->capacity * 2;
        l->pods = xreallocarray(l->pods, l->capacity, sizeof(struct pod_facts *));
    }
    l->pods[l->count++] = pod;
}

static size_t find(const struct list *l, const struct pod_facts *pod)
{
    size_t at = 0;
    while (at < l->count && l->pods[at] != pod)
        at++;
    return at;
}

static void drop(struct pods_by_job *index, const struct pod_facts *pod)
{
    struct list *l = store_get(index->lists, "", pod->job_uid);
    size_t at = l == NULL ? 0 : find(l, pod);
    if (l == NULL || at == l->count)
        return;
    l->pods[at] = l->pods[--l->count];
    if (l->count == 0)
        list_free(store_take(index->lists, "", pod->job_uid));
}

void pods_by_job_update(struct pods_by_job *index, const struct pod_facts *before,
                        const struct pod_facts *after)
{
    if (before != NULL && after != NULL && strcmp(before->job_uid, after->job_uid) == 0) {
        struct list *l = store_get(index->lists, "", before->job_uid);
        l->pods[find(l, before)] = after;
        return;
    }
    if (before != NULL)
        drop(index, before);
    if (after != NULL)
        add(index, after);
}

const struct pod_facts *const *pods_by_job_get(const struct pods_by_job *index, const char *job_uid,
                                               size_t *ret_count)
{
    const struct list *l = store_get(index->lists, "", job_uid);
    *ret_count = l == NULL ? 0 : l->count;
    return l == NULL ? NULL : l->pods;
}

#include "core/model/gang.h"

#include <stdlib.h>
#include <string.h>

#include "api/indexes.h"
#include "api/names.h"

#include "base/banned.h"

static bool is_own(const struct job *j, const struct pod_facts *p)
{
    if (strcmp(p->owner_uid, j->uid) != 0 || p->attempt < 1 || p->attempt > ATTEMPTS_MAX || p->index < 0)
        return false;
    char name[NAME_SIZE];
    name_pod(j->name, p->index, p->attempt, name);
    return strcmp(name, p->name) == 0;
}

static int by_attempt_and_index(const void *a, const void *b)
{
    const struct pod_facts *x = *(const struct pod_facts *const *)a;
    const struct pod_facts *y = *(const struct pod_facts *const *)b;
    if (x->attempt != y->attempt)
        return x->attempt < y->attempt ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static bool is_worker(const struct gang *g, const struct pod_facts *p)
{
    return p->attempt == g->attempt && p->index < g->replicas;
}

static const struct pod_facts *remembered(const struct job *j, int32_t index, int32_t attempt,
                                          struct arena *a)
{
    char name[NAME_SIZE];
    name_pod(j->name, index, attempt, name);
    const struct pod_facts facts = {.ns = j->ns,
                                    .name = name,
                                    .job_uid = j->uid,
                                    .owner_uid = j->uid,
                                    .attempt = attempt,
                                    .index = index,
                                    .phase = POD_SUCCEEDED,
                                    .is_deleting = true};
    struct pod_facts *pod = pod_facts_copy(&facts);
    arena_defer(a, free, pod);
    return pod;
}

static void add_remembered(struct gang *g, const struct job *j, struct arena *a)
{
    bool *is_completed = arena_calloc(a, (size_t)g->replicas + 1, sizeof(*is_completed));
    if (g->attempt == j->status.attempt)
        indexes_read(j->status.workers.completed_indexes, g->replicas, is_completed);
    for (int32_t i = 0; i < g->replicas; i++)
        if (is_completed[i] && g->workers[i] == NULL && worker_success_outlives_pod(j, i))
            g->workers[i] = remembered(j, i, g->attempt, a);
}

static void add_departed(struct gang *g, const struct world *w, struct arena *a)
{
    g->departed = arena_calloc(a, (size_t)g->replicas + 1, sizeof(*g->departed));
    for (size_t i = 0; i < w->departed_count; i++) {
        const struct pod_facts *p = w->departed[i];
        if (is_own(w->job, p) && is_worker(g, p) && g->workers[p->index] == NULL)
            g->departed[p->index] = p;
    }
}

void gang_init(struct gang *g, const struct world *w, int32_t attempt, struct arena *a)
{
    const struct job *j = w->job;
    *g = (struct gang){.replicas = j->spec_problem != NULL ? 0 : j->spec.replicas, .attempt = attempt};
    g->workers = arena_calloc(a, (size_t)g->replicas + 1, sizeof(*g->workers));
    g->others = arena_calloc(a, w->pod_count + 1, sizeof(*g->others));
    for (size_t i = 0; i < w->pod_count; i++) {
        const struct pod_facts *p = w->pods[i];
        if (!is_own(j, p))
            continue;
        if (p->attempt > g->newest)
            g->newest = p->attempt;
        if (is_worker(g, p))
            g->workers[p->index] = p;
        else
            g->others[g->other_count++] = p;
    }
    qsort(g->others, g->other_count, sizeof(*g->others), by_attempt_and_index);
    add_remembered(g, j, a);
    add_departed(g, w, a);
}

bool pod_is_terminal(const struct pod_facts *p)
{
    return p->phase == POD_SUCCEEDED || p->phase == POD_FAILED;
}

bool pod_is_bound(const struct pod_facts *p)
{
    return *p->node != '\0';
}

bool pod_is_alive(const struct pod_facts *p)
{
    return !pod_is_terminal(p) && (pod_is_bound(p) || !p->is_deleting);
}

bool pod_is_remembered(const struct pod_facts *p)
{
    return *p->uid == '\0';
}

bool worker_success_outlives_pod(const struct job *j, int32_t index)
{
    return index != COORDINATOR_INDEX || *j->spec.output_uri == '\0';
}

static int32_t count(const struct pod_facts *const *list, int32_t replicas)
{
    int32_t n = 0;
    for (int32_t i = 0; i < replicas; i++)
        n += list[i] != NULL ? 1 : 0;
    return n;
}

int32_t gang_present(const struct gang *g)
{
    return count(g->workers, g->replicas);
}

int32_t gang_departed(const struct gang *g)
{
    return count(g->departed, g->replicas);
}

int32_t gang_missing(const struct gang *g, const struct job_status *s)
{
    const struct status_workers *n = &s->workers;
    int32_t counted = s->attempt == g->attempt ? n->active + n->succeeded + n->failed : 0;
    if (counted > g->replicas)
        counted = g->replicas;
    return counted - gang_present(g) - gang_departed(g);
}

const struct pod_facts *gang_first_alive(const struct gang *g)
{
    for (size_t i = 0; i < g->other_count; i++)
        if (pod_is_alive(g->others[i]))
            return g->others[i];
    for (int32_t i = 0; i < g->replicas; i++)
        if (g->workers[i] != NULL && pod_is_alive(g->workers[i]))
            return g->workers[i];
    return NULL;
}

struct status_workers gang_count(const struct gang *g, struct arena *a)
{
    struct status_workers n = {.completed_indexes = ""};
    for (int32_t i = 0; i < g->replicas; i++) {
        const struct pod_facts *p = g->workers[i];
        if (p == NULL)
            continue;
        if (p->phase == POD_SUCCEEDED)
            n.succeeded++;
        else if (p->phase == POD_FAILED)
            n.failed++;
        else
            n.active++;
        if (!pod_is_terminal(p) && p->is_ready && !p->is_deleting)
            n.ready++;
    }
    n.summary = arena_printf(a, "%d/%d", (int)(n.ready + n.succeeded), (int)g->replicas);
    return n;
}

const struct node_facts *world_node(const struct world *w, const char *name)
{
    for (size_t i = 0; i < w->node_count; i++)
        if (strcmp(w->nodes[i]->name, name) == 0)
            return w->nodes[i];
    return NULL;
}

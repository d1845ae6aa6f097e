/* What becomes of a world: actions carried out, and the same in another order. */
#include "scene_int.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/status_json.h"

#include "base/banned.h"

static const struct pod_facts *created_pod(const struct job *j, const struct action *act, struct arena *a)
{
    struct pod_facts *f = arena_alloc(a, sizeof(*f));
    *f = *scene_empty_pod(j, act->index, act->attempt, a);
    f->technology = act->technology;
    f->group = act->group;
    return f;
}

static struct scene *copy(const struct scene *s, struct arena *a)
{
    struct scene *c = arena_alloc(a, sizeof(*c));
    *c = *s;
    c->pods = arena_calloc(a, s->pod_capacity, sizeof(*c->pods));
    c->nodes = arena_calloc(a, s->w.node_count + 1, sizeof(*c->nodes));
    for (size_t i = 0; i < s->pod_count; i++)
        c->pods[i] = s->pods[i];
    for (size_t i = 0; i < s->w.node_count; i++)
        c->nodes[i] = s->nodes[i];
    scene_tie(c);
    return c;
}

static size_t find_pod(const struct scene *s, const char *name)
{
    size_t i = 0;
    while (i < s->pod_count && strcmp(s->pods[i]->name, name) != 0)
        i++;
    return i;
}

static void end_group(struct scene *s, const struct action *act, struct arena *a)
{
    size_t i = find_pod(s, act->name);
    if (i == s->pod_count)
        return;
    struct pod_facts *f = arena_alloc(a, sizeof(*f));
    *f = *s->pods[i];
    f->is_group_over = true;
    s->pods[i] = f;
}

/* As the API server would: the status goes through JSON, a name exists once, a uid is checked. */
static void carry_out(struct scene *s, const struct action *act, struct arena *a)
{
    if (act->kind == ACTION_SET_STATUS) {
        status_decode(scene_keep(status_encode(act->status), a), a, &s->job.status);
    } else if (act->kind == ACTION_CREATE_SERVICE) {
        scene_add_service(s, s->job.uid);
    } else if (act->kind == ACTION_CREATE_POLICY) {
        scene_add_policy(s, s->job.uid, -1, false);
    } else if (act->kind == ACTION_UPDATE_POLICY) {
        scene_add_policy(s, s->job.uid, act->attempt, false);
    } else if (act->kind == ACTION_CREATE_POD) {
        assert_true(s->pod_count < s->pod_capacity);
        if (find_pod(s, act->name) == s->pod_count)
            s->pods[s->pod_count++] = created_pod(&s->job, act, a);
    } else if (act->kind == ACTION_DELETE_POD) {
        size_t i = find_pod(s, act->name);
        if (i < s->pod_count && strcmp(s->pods[i]->uid, act->uid) == 0)
            s->pods[i] = s->pods[--s->pod_count];
    } else if (act->kind == ACTION_ASK_AUTOSCALER) {
        if (strcmp(s->w.scaling.pod_uid, act->uid) != 0)
            s->w.scaling = (struct scaling){.pod_uid = act->uid, .message = ""};
        s->w.scaling.asked_us = SCENE_NOW_US;
    } else if (act->kind == ACTION_END_GROUP) {
        end_group(s, act, a);
    } else if (act->kind == ACTION_DELETE_SERVICE) {
        s->w.service = NULL;
    } else if (act->kind == ACTION_DELETE_POLICY) {
        s->w.policy = NULL;
    }
    scene_tie(s);
}

struct scene *scene_after(const struct scene *s, const struct action *actions, size_t count, struct arena *a)
{
    struct scene *c = copy(s, a);
    for (size_t i = 0; i < count; i++)
        carry_out(c, &actions[i], a);
    return c;
}

static void shuffle(const void **list, size_t count, unsigned seed)
{
    for (size_t i = count; i > 1; i--) {
        seed = seed * 1103515245u + 12345u;
        size_t j = (seed >> 16) % i;
        const void *t = list[i - 1];
        list[i - 1] = list[j];
        list[j] = t;
    }
}

static void reverse(const void **list, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        const void *t = list[i];
        list[i] = list[count - 1 - i];
        list[count - 1 - i] = t;
    }
}

struct scene *scene_shuffled(const struct scene *s, unsigned seed, struct arena *a)
{
    struct scene *c = copy(s, a);
    if (seed == 0) {
        reverse((const void **)c->pods, c->pod_count);
        reverse((const void **)c->nodes, c->w.node_count);
    } else {
        shuffle((const void **)c->pods, c->pod_count, seed);
        shuffle((const void **)c->nodes, c->w.node_count, seed + 1);
    }
    return c;
}

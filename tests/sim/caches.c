/*
 * The real operator/shell/expect.c over the view of one operator: the functions of
 * shell/caches.h, kube/informer.h and os/loop.h that it calls are defined here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/names.h"
#include "base/alloc.h"
#include "os/loop.h"
#include "sim.h"

#include "base/banned.h"

/* Whose expectations are looked at; the real code asks for nothing else. */
struct informer {
    struct oper *o;
    enum cache cache;
};
static struct {
    struct oper *o;
    int64_t now_ms;
} here;

int64_t clock_boot_ms(void)
{
    return here.now_ms;
}

int64_t informer_fresh_ms(const struct informer *i)
{
    return i->o->fresh_ms[i->cache];
}

void informer_relist(struct informer *i)
{
    i->o->relist[i->cache] = true;
}

const struct cached_job *caches_job(const struct caches *c, const char *namespace, const char *name)
{
    static char version[16];
    static struct cached_job job;
    (void)c;
    (void)namespace;
    (void)name;
    (void)snprintf(version, sizeof(version), "%d", here.o->job.version);
    job = (struct cached_job){.name = "digits", .resource_version = version};
    return here.o->job.number ? &job : NULL;
}

const struct pod_facts *caches_pod(const struct caches *c, const char *namespace, const char *name)
{
    static char uid[16];
    static struct pod_facts facts;
    (void)c;
    (void)namespace;
    for (size_t i = 0; i < PODS && here.o->pods[i].number; i++) {
        const struct pod *p = &here.o->pods[i];
        char this[NAME_SIZE];
        name_pod("digits", p->index, p->attempt, this);
        if (strcmp(this, name) != 0)
            continue;
        (void)snprintf(uid, sizeof(uid), "%d", p->number);
        facts = (struct pod_facts){.uid = uid, .is_deleting = p->flags & POD_DELETING};
        return &facts;
    }
    return NULL;
}

const struct child_facts *caches_service(const struct caches *c, const char *namespace, const char *name)
{
    static char uid[16];
    static struct child_facts facts;
    (void)c;
    (void)namespace;
    (void)name;
    (void)snprintf(uid, sizeof(uid), "%d", here.o->service.number);
    facts = (struct child_facts){.uid = uid};
    return here.o->service.number ? &facts : NULL;
}

const struct child_facts *caches_policy(const struct caches *c, const char *namespace, const char *name)
{
    static char uid[16], version[16];
    static struct child_facts facts;
    (void)c;
    (void)namespace;
    (void)name;
    if (!here.o->job.number || !here.o->policies[here.o->job.number - 1].number)
        return NULL;
    const struct policy *p = &here.o->policies[here.o->job.number - 1];
    (void)snprintf(uid, sizeof(uid), "%d", p->number);
    (void)snprintf(version, sizeof(version), "%d", p->version);
    facts = (struct child_facts){.uid = uid, .resource_version = version};
    return &facts;
}

/* ---- to and from the flat form ---- */

static void put(struct expectations *x, const struct simexpect *e)
{
    char name[NAME_SIZE], text[16];
    if (e->cache == CACHE_PODS)
        name_pod("digits", e->index, e->attempt, name);
    else
        (void)snprintf(name, sizeof(name), "digits");
    (void)snprintf(text, sizeof(text), "%d", e->kind == EXPECT_VERSION ? e->version : e->number);
    here.now_ms = e->since_ms;
    expect(x, (enum expectation_kind)e->kind, (enum cache)e->cache, name,
           e->kind == EXPECT_LIST ? NULL : text);
}

/* What is left is recognised by its moment and place: each write has its own. */
static bool is_left(const struct expectations *x, const struct simexpect *e)
{
    for (const struct expectation *at = x->first; at; at = at->next)
        if (at->since_ms == e->since_ms && at->kind == (enum expectation_kind)e->kind &&
            at->cache == (enum cache)e->cache)
            return true;
    return false;
}

bool view_is_current(const struct state *s, struct oper *o)
{
    struct informer informers[CACHE_COUNT];
    struct caches c = {0};
    struct expectations x = {0};
    int64_t wait_ms = 0;
    if (o->expect_count == 0)
        return true;
    here.o = o;
    for (enum cache i = 0; i < CACHE_COUNT; i++) {
        informers[i] = (struct informer){o, i};
        c.informers[i] = &informers[i];
    }
    for (uint8_t i = 0; i < o->expect_count; i++)
        put(&x, &o->expects[i]);
    here.now_ms = s->ms;
    bool are_met = expectations_are_met(&x, &c, "ml", &wait_ms);
    uint8_t kept = 0;
    for (uint8_t i = 0; i < o->expect_count; i++)
        if (is_left(&x, &o->expects[i]))
            o->expects[kept++] = o->expects[i];
    memset(&o->expects[kept], 0, (size_t)(EXPECTS - kept) * sizeof(o->expects[0]));
    o->expect_count = kept;
    expectations_fini(&x);
    return are_met;
}

void view_expect(const struct state *s, struct oper *o, enum expectation_kind kind, enum cache cache,
                 const struct simwrite *w, uint16_t number)
{
    if (o->expect_count == EXPECTS)
        abort();
    o->expects[o->expect_count++] = (struct simexpect){.kind = (uint8_t)kind,
                                                       .cache = (uint8_t)cache,
                                                       .attempt = w->attempt,
                                                       .index = w->index,
                                                       .number = kind == EXPECT_VERSION ? 0 : (uint8_t)number,
                                                       .version = kind == EXPECT_VERSION ? number : 0,
                                                       .since_ms = s->ms};
}

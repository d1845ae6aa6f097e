#include "shell/cache/expectations.h"

#include <string.h>

#include "base/alloc.h"
#include "kobj/version.h"
#include "os/loop.h"

#include "base/banned.h"

enum { PATIENCE_MS = 30 * 1000, LOOK_AGAIN_MS = 1000 };

static void expectation_free(struct expectation *x)
{
    free(x->name);
    free(x->uid);
    free(x->version);
    free(x);
}

void expectations_fini(struct expectations *x)
{
    while (x->first != NULL) {
        struct expectation *next = x->first->next;
        expectation_free(x->first);
        x->first = next;
    }
}

void expect(struct expectations *x, enum expectation_kind kind, enum cache cache, const char *name,
            const char *text)
{
    struct expectation *new = xcalloc(1, sizeof(*new));
    new->kind = kind;
    new->cache = cache;
    new->name = xstrdup(name);
    if (text != NULL)
        *(kind == EXPECT_VERSION ? &new->version : &new->uid) = xstrdup(text);
    new->since_ms = clock_boot_ms();
    new->next = x->first;
    x->first = new;
}

void expectations_note_gone(struct expectations *x, const char *uid)
{
    for (struct expectation **at = &x->first; *at != NULL;) {
        struct expectation *this = *at;
        if (this->uid != NULL && strcmp(this->uid, uid) == 0) {
            *at = this->next;
            expectation_free(this);
        } else {
            at = &this->next;
        }
    }
}

static bool is_child_there(const struct expectation *x, const struct caches *c, const char *namespace,
                           bool *ret_is_deleting)
{
    if (x->cache == CACHE_PODS) {
        const struct pod_facts *p = caches_pod(c, namespace, x->name);
        *ret_is_deleting = p != NULL && p->is_deleting;
        return p != NULL && strcmp(p->uid, x->uid) == 0;
    }
    const struct child_facts *s = x->cache == CACHE_SERVICES ? caches_service(c, namespace, x->name)
                                                             : caches_policy(c, namespace, x->name);
    *ret_is_deleting = s != NULL && s->is_deleting;
    return s != NULL && strcmp(s->uid, x->uid) == 0;
}

/* "" when the object is gone. */
static const char *version_of(const struct expectation *x, const struct caches *c, const char *namespace)
{
    if (x->cache == CACHE_POLICIES) {
        const struct child_facts *policy = caches_policy(c, namespace, x->name);
        return policy == NULL ? "" : policy->resource_version;
    }
    if (x->cache == CACHE_PODS) {
        const struct pod_facts *p = caches_pod(c, namespace, x->name);
        return p == NULL ? "" : p->resource_version;
    }
    const struct cached_job *j = caches_job(c, namespace, x->name);
    return j == NULL ? "" : j->resource_version;
}

static bool is_met(const struct expectation *x, const struct caches *c, const char *namespace)
{
    bool is_deleting = false;
    const char *version;
    if (informer_fresh_ms(c->informers[x->cache]) > x->since_ms)
        return true;
    switch (x->kind) {
    case EXPECT_VERSION:
        version = version_of(x, c, namespace);
        return version[0] == '\0' || version_is_at_least(version, x->version);
    case EXPECT_THERE: return is_child_there(x, c, namespace, &is_deleting);
    case EXPECT_LEAVING: return !is_child_there(x, c, namespace, &is_deleting) || is_deleting;
    case EXPECT_FORCED:
        return !is_child_there(x, c, namespace, &is_deleting) || caches_pod(c, namespace, x->name)->is_forced;
    case EXPECT_LIST: return false;
    }
    return false;
}

bool expectations_are_met(struct expectations *x, const struct caches *c, const char *namespace,
                          int64_t *ret_wait_ms)
{
    for (struct expectation **at = &x->first; *at != NULL;) {
        struct expectation *this = *at;
        if (is_met(this, c, namespace)) {
            *at = this->next;
            expectation_free(this);
            continue;
        }
        if (this->kind == EXPECT_LIST || clock_boot_ms() - this->since_ms > PATIENCE_MS)
            informer_relist(c->informers[this->cache]);
        at = &this->next;
    }
    *ret_wait_ms = LOOK_AGAIN_MS;
    return x->first == NULL;
}

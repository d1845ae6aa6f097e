#include "shell/cache/expectations.h"

#include <string.h>

#include "base/alloc.h"
#include "kobj/version.h"
#include "os/loop.h"

#include "base/banned.h"

enum { RELIST_AFTER_MS = 30 * 1000, RECHECK_MS = 1000 };

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
    struct expectation *added = xcalloc(1, sizeof(*added));
    added->kind = kind;
    added->cache = cache;
    added->name = xstrdup(name);
    if (text != NULL)
        *(kind == EXPECT_VERSION ? &added->version : &added->uid) = xstrdup(text);
    added->since_ms = clock_boot_ms();
    added->next = x->first;
    x->first = added;
}

void expectations_note_deleted(struct expectations *x, const char *uid)
{
    for (struct expectation **at = &x->first; *at != NULL;) {
        struct expectation *current = *at;
        if (current->uid != NULL && strcmp(current->uid, uid) == 0) {
            *at = current->next;
            expectation_free(current);
        } else {
            at = &current->next;
        }
    }
}

static bool is_child_there(const struct expectation *x, const struct caches *c, const char *ns,
                           bool *ret_is_deleting)
{
    if (x->cache == CACHE_PODS) {
        const struct pod_facts *p = caches_pod(c, ns, x->name);
        *ret_is_deleting = p != NULL && p->is_deleting;
        return p != NULL && strcmp(p->uid, x->uid) == 0;
    }
    const struct child_facts *s =
        x->cache == CACHE_SERVICES ? caches_service(c, ns, x->name) : caches_policy(c, ns, x->name);
    *ret_is_deleting = s != NULL && s->is_deleting;
    return s != NULL && strcmp(s->uid, x->uid) == 0;
}

/* "" when the object is gone. */
static const char *version_of(const struct expectation *x, const struct caches *c, const char *ns)
{
    if (x->cache == CACHE_POLICIES) {
        const struct child_facts *policy = caches_policy(c, ns, x->name);
        return policy == NULL ? "" : policy->resource_version;
    }
    if (x->cache == CACHE_PODS) {
        const struct pod_facts *p = caches_pod(c, ns, x->name);
        return p == NULL ? "" : p->resource_version;
    }
    const struct cached_job *j = caches_job(c, ns, x->name);
    return j == NULL ? "" : j->resource_version;
}

static bool is_met(const struct expectation *x, const struct caches *c, const char *ns)
{
    bool is_deleting = false;
    const char *version;
    if (informer_fresh_ms(c->informers[x->cache]) > x->since_ms)
        return true;
    switch (x->kind) {
    case EXPECT_VERSION:
        version = version_of(x, c, ns);
        return *version == '\0' || version_is_at_least(version, x->version);
    case EXPECT_THERE: return is_child_there(x, c, ns, &is_deleting);
    case EXPECT_LEAVING: return !is_child_there(x, c, ns, &is_deleting) || is_deleting;
    case EXPECT_FORCED:
        return !is_child_there(x, c, ns, &is_deleting) || caches_pod(c, ns, x->name)->is_forced;
    case EXPECT_LIST: return false;
    }
    return false;
}

bool expectations_are_met(struct expectations *x, const struct caches *c, const char *ns,
                          int64_t *ret_wait_ms)
{
    for (struct expectation **at = &x->first; *at != NULL;) {
        struct expectation *current = *at;
        if (is_met(current, c, ns)) {
            *at = current->next;
            expectation_free(current);
            continue;
        }
        if (current->kind == EXPECT_LIST || clock_boot_ms() - current->since_ms > RELIST_AFTER_MS)
            informer_relist(c->informers[current->cache]);
        at = &current->next;
    }
    *ret_wait_ms = RECHECK_MS;
    return x->first == NULL;
}

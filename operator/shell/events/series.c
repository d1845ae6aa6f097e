#include "shell/events/series.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "kube/store.h"

#include "base/banned.h"

enum {
    REFRESH_MS = 30 * 60 * 1000,
    QUIET_MS = 6 * 60 * 1000,
    REMEMBERED_MAX = 2048,
};

struct remembered {
    struct event_series s;
    char *uid, *key, *ns, *name, *event;
};

struct series_table {
    struct store *store;
    struct store *shares;      /* of size_t: how many are remembered of a namespace; never 0 */
    void *cursor;              /* of series_due */
    struct remembered *ending; /* returned by series_due and over: freed by its next call */
};

static void remembered_free(void *facts)
{
    struct remembered *r = facts;
    if (r == NULL)
        return;
    free(r->uid);
    free(r->key);
    free(r->ns);
    free(r->name);
    free(r->event);
    free(r);
}

struct series_table *series_table_new(void)
{
    struct series_table *t = xcalloc(1, sizeof(*t));
    t->store = store_new(remembered_free);
    t->shares = store_new(free);
    return t;
}

void series_table_free(struct series_table *t)
{
    if (t == NULL)
        return;
    store_free(t->store);
    store_free(t->shares);
    remembered_free(t->ending);
    free(t);
}

enum series_step series_note(struct series_table *t, const char *uid, const char *key, int64_t now_ms,
                             int64_t now_us, const struct event_series **ret)
{
    struct remembered *r = store_get(t->store, uid, key);
    *ret = NULL;
    if (r == NULL)
        return SERIES_FIRST;
    r->s.count++;
    r->s.seen_ms = now_ms;
    r->s.seen_us = now_us;
    *ret = &r->s;
    if (r->s.count > 2)
        return SERIES_MORE;
    r->s.written_count = r->s.count;
    r->s.written_ms = now_ms;
    return SERIES_SECOND;
}

/* Counts one more for this namespace; false when it has as many as there is capacity left. */
static bool reserve(struct series_table *t, const char *ns)
{
    size_t *share = store_get(t->shares, ns, "");
    if ((share == NULL ? 0 : *share) >= REMEMBERED_MAX - store_count(t->store))
        return false;
    if (share == NULL) {
        share = xcalloc(1, sizeof(*share));
        free(store_put(t->shares, ns, "", share));
    }
    ++*share;
    return true;
}

static void release(struct series_table *t, const char *ns)
{
    size_t *share = store_get(t->shares, ns, "");
    if (--*share == 0)
        free(store_take(t->shares, ns, ""));
}

static struct remembered *forget(struct series_table *t, const struct remembered *r)
{
    release(t, r->ns);
    return store_take(t->store, r->uid, r->key);
}

void series_begin(struct series_table *t, const char *uid, const char *key, const struct event_series *s)
{
    if (!reserve(t, s->ns))
        return;
    struct remembered *r = xcalloc(1, sizeof(*r));
    r->uid = xstrdup(uid);
    r->key = xstrdup(key);
    r->ns = xstrdup(s->ns);
    r->name = xstrdup(s->name);
    r->event = xstrdup(s->event);
    r->s = *s;
    r->s.ns = r->ns;
    r->s.name = r->name;
    r->s.event = r->event;
    r->s.count = r->s.written_count = 1;
    remembered_free(store_put(t->store, uid, key, r));
}

const struct event_series *series_due(struct series_table *t, int64_t now_ms)
{
    struct remembered *r;
    remembered_free(t->ending);
    t->ending = NULL;
    while ((r = store_next(t->store, &t->cursor)) != NULL) {
        bool is_over = now_ms - r->s.seen_ms >= QUIET_MS;
        bool is_unwritten = r->s.count > r->s.written_count;
        if (is_over)
            t->ending = forget(t, r);
        if (is_unwritten && (is_over || now_ms - r->s.written_ms >= REFRESH_MS)) {
            r->s.written_count = r->s.count;
            r->s.written_ms = now_ms;
            return &r->s;
        }
        remembered_free(t->ending);
        t->ending = NULL;
    }
    t->cursor = NULL;
    return NULL;
}

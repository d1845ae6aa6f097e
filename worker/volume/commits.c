#include "volume/commits.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "volume/path_names.h"
#include "volume/volume_int.h"

#include "base/banned.h"

/* Acts may follow one another faster than anybody can read: the one that is being read is not given up for
 * the newest. */
static void put_declared(struct volume *v, struct listing *l)
{
    struct listing **to = v->declared == NULL ? &v->declared : &v->next;
    listing_free(*to);
    *to = l;
}

void volume_list_declared(struct volume *v)
{
    if (!v->must_list)
        return;
    v->must_list = false;
    put_declared(v, volume_list(v, true, v->declared_name));
    v->act_serial = v->serial;
}

bool volume_is_rewritten(const struct volume *v, const struct file *f)
{
    return v->settle.is_going_on && f->burst == v->settle.burst && f->finishes > REWRITES_MAX &&
           f->finished_ms - f->first_ms < (f->finishes - 1) * REWRITE_MS;
}

/* Somebody is in the middle of writing. A file that has been open for long, such as a log, does not count. */
static bool is_writing(const struct volume *v, int64_t now_ms)
{
    for (size_t i = 0; i < v->files.count; i++) {
        const struct file *f = v->files.list[i];
        if (f->is_open && now_ms - f->opened_ms < BURST_MS && !volume_is_rewritten(v, f) &&
            !path_is_temporary(f->path) && entry_of(v, f->path) == NULL)
            return true;
    }
    return false;
}

static void put_in_place_of(struct listing **to, struct listing **from)
{
    if (*from == NULL)
        return;
    listing_free(*to);
    *to = *from;
    *from = NULL;
}

void volume_keep_longest(struct volume *v)
{
    put_in_place_of(&v->longest, &v->here);
}

void volume_stop_settling(struct volume *v)
{
    settle_reset(&v->settle);
    listing_free(v->here);
    listing_free(v->longest);
    v->here = v->longest = NULL;
}

void volume_tick(struct volume *v, int64_t now_ms)
{
    volume_list_declared(v);
    switch (settle_tick(&v->settle, now_ms, is_writing(v, now_ms))) {
    case SETTLE_NOTHING: break;
    case SETTLE_LIST:
        listing_free(v->here);
        v->here = volume_list(v, false, *v->declared_name != '\0' ? v->declared_name : v->closed_name);
        break;
    case SETTLE_OVER_HERE: put_in_place_of(&v->settled, &v->here); break;
    case SETTLE_OVER_LONGEST: put_in_place_of(&v->settled, &v->longest); break;
    }
}

/* ---- reading ---- */
struct version *volume_unread(const struct volume *v)
{
    const struct listing *all[] = {v->has_ended ? v->next : v->declared, v->has_ended ? v->declared : v->next,
                                   v->settled, v->longest, v->here};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct version *unread = all[i] == NULL ? NULL : listing_unread(all[i]);
        if (unread != NULL)
            return unread;
    }
    return NULL;
}

/* Another process still writes to it: it will be closed once more. */
static void reopen_held(struct volume *v, int64_t now_ms)
{
    for (size_t i = 0; i < v->files.count; i++) {
        struct file *f = v->files.list[i];
        if (f->version != NULL && f->version->state == VERSION_HELD && !f->is_open) {
            f->is_open = true;
            f->opened_ms = now_ms;
        }
    }
}

static bool has_lost(const struct listing *l)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->items[i].version->state == VERSION_LOST)
            return true;
    return false;
}

/* What cannot be committed as it was is dropped, and what is there now waits for a pause of its own. */
static void check(struct volume *v, struct listing **l, int64_t now_ms)
{
    if (*l == NULL)
        return;
    if (!volume_repair(v, *l)) {
        listing_free(*l);
        *l = NULL;
        v->overtaken++;
        v->is_unsure = true;
        if (settle_change(&v->settle, now_ms))
            volume_keep_longest(v);
    } else if ((*l)->read_ms < 0 && listing_unread(*l) == NULL) {
        (*l)->read_ms = now_ms;
    }
}

void volume_were_read(struct volume *v, int64_t now_ms)
{
    volume_list_declared(v);
    reopen_held(v, now_ms);
    if (v->next != NULL && v->declared != NULL && has_lost(v->declared))
        put_in_place_of(&v->declared, &v->next);
    check(v, &v->declared, now_ms);
    check(v, &v->next, now_ms);
    if (v->declared == NULL || (v->next != NULL && v->next->read_ms >= 0))
        put_in_place_of(&v->declared, &v->next);
    check(v, &v->settled, now_ms);
    check(v, &v->longest, now_ms);
    check(v, &v->here, now_ms);
}

/* ---- committing ---- */
const struct listing *volume_due(struct volume *v, int64_t now_ms)
{
    volume_were_read(v, now_ms);
    v->due = NULL;
    if (v->declared != NULL && v->declared->read_ms >= 0 && !(v->has_ended && v->next != NULL))
        v->due = v->declared;
    else if (v->declared == NULL && v->settled != NULL && v->settled->read_ms >= 0 &&
             (v->has_ended || now_ms - v->settled->read_ms >= SETTLE_MS))
        v->due = v->settled;
    return v->due;
}

void volume_committed(struct volume *v)
{
    struct listing **due = v->due == v->declared ? &v->declared : &v->settled;
    uint64_t serial = (*due)->serial;
    for (size_t i = 0; i < (*due)->count; i++)
        (*due)->items[i].version->is_settled = true;
    put_in_place_of(&v->committed, due);
    put_in_place_of(&v->declared, &v->next);
    v->due = NULL;
    if (v->settled != NULL && v->settled->serial < serial) {
        listing_free(v->settled);
        v->settled = NULL;
    }
}

const struct listing *volume_newest(const struct volume *v)
{
    return v->committed;
}

/* ---- the end ---- */
/* Whether the newest commit has the same contents under the same paths. */
static bool is_committed(const struct volume *v, const struct listing *l)
{
    if (v->committed == NULL || v->committed->count != l->count)
        return v->committed == NULL && l->count == 0;
    for (size_t i = 0; i < l->count; i++) {
        const struct listed *now = &l->items[i], *then = &v->committed->items[i];
        bool is_same_entry = now->entry == NULL ? then->entry == NULL
                                                : then->entry != NULL && strcmp(now->entry, then->entry) == 0;
        if (now->version != then->version || strcmp(now->path, then->path) != 0 || !is_same_entry)
            return false;
    }
    return true;
}

static void declare_all(struct volume *v)
{
    bool is_news = false;
    for (size_t i = 0; i < v->files.count; i++) {
        const struct file *f = v->files.list[i];
        if (f->version == NULL || path_is_temporary(f->path))
            continue;
        is_news = is_news || !f->version->is_declared;
        f->version->is_declared = true;
    }
    entries_declare_all(v);
    struct listing *all = volume_list(v, true, v->is_unsure ? v->closed_name : v->declared_name);
    if (is_news || !is_committed(v, all))
        put_declared(v, all);
    else
        listing_free(all);
}

static bool has_settled(const struct listing *l, int64_t now_ms)
{
    return l != NULL && l->read_ms >= 0 && now_ms - l->read_ms >= SETTLE_MS;
}

void volume_end(struct volume *v, bool is_success, int64_t now_ms)
{
    volume_tick(v, now_ms);
    volume_were_read(v, now_ms);
    v->has_ended = true;
    volume_stop_settling(v);
    v->has_succeeded = is_success;
    if (is_success) {
        declare_all(v);
    } else if (!has_settled(v->settled, now_ms)) {
        listing_free(v->settled);
        v->settled = NULL;
    }
}

unsigned volume_count_overtaken(struct volume *v)
{
    unsigned count = v->overtaken;
    v->overtaken = 0;
    return count;
}

void volume_each_open(const struct volume *v, void (*fn)(void *context, const char *path), void *context)
{
    for (size_t i = 0; i < v->files.count; i++)
        if (v->files.list[i]->is_open)
            fn(context, v->files.list[i]->path);
}

void volume_each_incomplete(const struct volume *v, void (*fn)(void *context, const char *path),
                            void *context)
{
    for (size_t i = 0; i < v->files.count; i++) {
        const struct file *f = v->files.list[i];
        /* What a program leaves under a temporary name when it succeeds was of no use to it any more. */
        bool is_left = v->has_succeeded && path_is_temporary(f->path);
        bool is_skipped = f->version != NULL && f->version->state == VERSION_SKIPPED;
        if (!is_left && !is_skipped && !f->is_freed &&
            (f->is_open || f->version == NULL || !f->version->is_settled))
            fn(context, f->path);
    }
}

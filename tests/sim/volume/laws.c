#include "laws.h"

#include <stdio.h>
#include <string.h>

#include "volume/path_names.h"
#include "volume/settle.h"

#include "base/banned.h"

enum { GAP_MS = 900, SAVE_MS = 25000 };

static void break_law(struct run *r, const char *law, const char *where)
{
    if (r->broken != NULL)
        return;
    r->broken = law;
    (void)snprintf(r->where, sizeof(r->where), "%s", where);
}

/* ---- contents ---- */
void *object_of(const struct life *l)
{
    return (void *)(uintptr_t)(l == NULL ? 0 : l->origin + 1);
}

static bool has_content(const struct listed *item)
{
    return item->version->object != NULL;
}

/* The act that closed it. */
static size_t origin_of(const struct listed *item)
{
    return (size_t)(uintptr_t)item->version->object - 1;
}

static int set_of(const struct run *r, const struct listed *item)
{
    return has_content(item) ? r->program.acts[origin_of(item)].set : 0;
}

static bool is_log(const struct listed *item)
{
    return strcmp(item->path, "log.txt") == 0;
}

/* ---- a commit is a state that the program had ---- */
/* The last act after which it may still stand in a commit: an earlier version stays until the new one is
 * closed. */
static size_t last_act_of(const struct run *r, const struct life *l)
{
    const struct program *p = &r->program;
    size_t at = l->died;
    if (at == STILL_THERE || p->acts[at].kind != CHANGE_WRITTEN)
        return at;
    while (at < p->count && (p->acts[at].kind != CHANGE_CLOSED || strcmp(p->acts[at].path, l->path) != 0))
        at++;
    return at == p->count ? STILL_THERE : at;
}

static void a_commit_is_a_state_that_the_program_had(struct run *r, const struct listing *l)
{
    size_t from = 0, until = STILL_THERE;
    for (size_t i = 0; i < l->count; i++) {
        const struct listed *item = &l->items[i];
        if (item->entry != NULL || item->version->is_rewritten || is_log(item) || !has_content(item))
            continue; /* an entry stays as it was declared; a log is of its own moment */
        const struct life *life = history_of(&r->history, item->path, origin_of(item));
        if (life == NULL) {
            break_law(r, "a file holds what it never held", item->path);
            return;
        }
        size_t last = last_act_of(r, life);
        from = life->born > from ? life->born : from;
        until = last < until ? last : until;
    }
    if (from >= until)
        break_law(r, "no moment of the program has this state", l->name);
}

static void a_commit_holds_only_what_was_closed(struct run *r, const struct listing *l)
{
    for (size_t i = 0; i < l->count; i++)
        if (!has_content(&l->items[i]) && !(r->has_ended && r->is_success))
            break_law(r, "what was not complete was committed", l->items[i].path);
}

/* ---- sets ---- */
static void a_declared_directory_is_of_one_save(struct run *r, const struct listing *l)
{
    for (size_t i = 1; i < l->count; i++) {
        const struct listed *item = &l->items[i], *before = &l->items[i - 1];
        if (item->entry == NULL || before->entry == NULL || strcmp(item->entry, before->entry) != 0)
            continue;
        /* Saves into the directory of the marker may leave files of earlier ones. */
        if (strncmp(item->entry, "ckpt-", 5) == 0 && set_of(r, item) != set_of(r, before))
            break_law(r, "a declared directory is of two saves", item->entry);
    }
}

static size_t closed_files_of(const struct program *p, int set)
{
    size_t count = 0;
    for (size_t i = 0; i < p->count; i++)
        count += p->acts[i].set == set && p->acts[i].kind == CHANGE_CLOSED;
    return count;
}

/* Whether the program paused in the middle of this save, or took long for it, or removed some of it. */
static bool may_be_torn(const struct program *p, int set, const char *directory)
{
    int64_t first_ms = -1, last_ms = -1;
    for (size_t i = 0; i < p->count; i++) {
        const struct act *a = &p->acts[i];
        if (a->kind == CHANGE_DELETED && path_is_below(a->path, directory))
            return true;
        if (a->set != set || (a->kind != CHANGE_WRITTEN && a->kind != CHANGE_CLOSED))
            continue;
        if (a->kind == CHANGE_WRITTEN && last_ms >= 0 && a->at_ms - last_ms >= GAP_MS)
            return true;
        first_ms = first_ms < 0 ? a->at_ms : first_ms;
        last_ms = a->at_ms;
    }
    return last_ms - first_ms >= SAVE_MS;
}

static void a_settled_set_is_whole(struct run *r, const struct listing *l)
{
    for (size_t i = 0; i < l->count; i++) {
        int set = set_of(r, &l->items[i]);
        char directory[PATH_SIZE];
        (void)snprintf(directory, sizeof(directory), "run/ckpt-%d", set);
        if (set == 0 || !path_is_below(l->items[i].path, directory) ||
            may_be_torn(&r->program, set, directory))
            continue;
        size_t have = 0;
        for (size_t k = 0; k < l->count; k++)
            have += set_of(r, &l->items[k]) == set;
        if (have < closed_files_of(&r->program, set))
            break_law(r, "a settled set is torn", directory);
    }
}

static void a_settled_file_was_left_alone_for_ten_seconds(struct run *r, const struct listing *l)
{
    int64_t until_ms = r->now_ms < r->end_ms || !r->has_ended ? r->now_ms : r->end_ms;
    for (size_t i = 0; i < l->count && !l->is_declared; i++)
        if (has_content(&l->items[i]) &&
            r->program.acts[origin_of(&l->items[i])].at_ms + SETTLE_MS > until_ms + r->slow_ms)
            break_law(r, "a settled file was not left alone for ten seconds", l->items[i].path);
}

void laws_of_commit(struct run *r, const struct listing *l)
{
    a_commit_holds_only_what_was_closed(r, l);
    a_commit_is_a_state_that_the_program_had(r, l);
    a_declared_directory_is_of_one_save(r, l);
    if (r->has_ended && r->is_success)
        return;
    a_settled_set_is_whole(r, l);
    a_settled_file_was_left_alone_for_ten_seconds(r, l);
}

/* ---- the end ---- */
/* The newest checkpoint that the program declared; NULL: none. */
static const char *newest_declared(const struct program *p)
{
    const char *newest = NULL;
    for (size_t i = 0; i < p->count; i++) {
        const struct act *a = &p->acts[i];
        if (a->kind == CHANGE_NAMED)
            newest = a->path;
        else if (a->kind == CHANGE_MOVED && path_is_marker(a->to))
            newest = "dcp";
        else if (a->kind == CHANGE_MOVED && path_is_temporary(a->path) && !path_is_temporary(a->to))
            newest = a->to;
    }
    return newest;
}

void law_of_the_end(struct run *r)
{
    const char *newest = newest_declared(&r->program);
    bool is_overtaken = volume_count_overtaken(r->volume) > 0;
    if (r->broken != NULL)
        return;
    if (volume_unread(r->volume) != NULL || !r->has_ended)
        break_law(r, "it comes to no end", "");
    if (newest != NULL && !r->is_success && !is_overtaken && strcmp(r->declared, newest) != 0)
        break_law(r, "the newest declared checkpoint was not committed", newest);
}

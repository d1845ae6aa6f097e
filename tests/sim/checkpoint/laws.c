#include "laws.h"

#include <ctype.h>
#include <string.h>

#include "agentapi/failures.h"
#include "disk.h"
#include "history.h"
#include "volume/path_names.h"

#include "base/banned.h"

enum { KEEP = 3, SETTLE_MS = 10000, COMMIT_MS = 10000, SLACK_MS = 100 };

/* ---- names ---- */
static const char *name_of(const struct item *item)
{
    return *item->group != '\0' ? item->group : item->path;
}

/* Equal but for digits. */
static bool is_of_series(const char *a, const char *b)
{
    while (*a != '\0' && *b != '\0') {
        bool is_number = isdigit((unsigned char)*a) && isdigit((unsigned char)*b);
        if (!is_number && *a != *b)
            return false;
        do
            a++;
        while (is_number && isdigit((unsigned char)*a));
        do
            b++;
        while (is_number && isdigit((unsigned char)*b));
    }
    return *a == *b;
}

static bool is_newer(const struct item *a, const struct item *b)
{
    return a->attempt != b->attempt ? a->attempt > b->attempt : a->sequence > b->sequence;
}

/* Newer ones of the item's series; declared ones, if it is declared itself. */
static int successors_of(const struct commit *c, const struct item *item)
{
    int count = 0;
    for (int i = 0; i < c->count; i++) {
        const struct item *other = &c->items[i];
        bool is_first = i == 0 || strcmp(name_of(other), name_of(&c->items[i - 1])) != 0;
        count += is_first && is_of_series(name_of(other), name_of(item)) && is_newer(other, item) &&
                 (other->is_declared || !item->is_declared);
    }
    return count;
}

static bool has_group(const struct commit *c, const char *group)
{
    for (int i = 0; i < c->count; i++)
        if (strcmp(c->items[i].group, group) == 0)
            return true;
    return false;
}

/* A directory that was declared takes the place of whatever is below it. */
static bool is_below_a_group(const struct commit *c, const char *path)
{
    for (int i = 0; i < c->count; i++)
        if (*c->items[i].group != '\0' && path_is_below(path, c->items[i].group))
            return true;
    return false;
}

/* ---- what a commit consists of ---- */
static void what_is_committed_is_whole(int number)
{
    const struct commit *c = &world.commits[number];
    for (int i = 0; i < c->count; i++) {
        const struct item *item = &c->items[i];
        const struct content *content = item->content < 0 ? NULL : &world.contents[item->content];
        if (content == NULL || content->closed_ms < 0) {
            if (!world.is_lied_to)
                break_law("what is committed is not whole", "%s in commit %d", item->path, number);
            continue;
        }
        bool is_its_name = false;
        for (int k = 0; k < content->paths; k++)
            is_its_name = is_its_name || strcmp(content->path[k], item->path) == 0;
        if (!is_its_name)
            break_law("a file has the content of another", "%s in commit %d", item->path, number);
        if (item->is_declared && !content->is_declared)
            break_law("nobody declared what is called declared", "%s in commit %d", item->path, number);
        /* What was closed before a declaring act is complete with it. */
        if (!item->is_declared && content->closed_ms + SETTLE_MS > world.now_ms &&
            content->closed_ms > world.pods[content->attempt - 1].declared_ms)
            break_law("a settled file was not left alone for ten seconds", "%s in commit %d", item->path,
                      number);
    }
}

/* Where nothing can be overtaken, what was declared is marked. */
static void what_was_declared_is_marked(const struct agent *a, int number)
{
    const struct commit *c = &world.commits[number];
    const struct pod *pod = &world.pods[a->pod];
    for (int i = 0; i < c->count && pod->program.is_simple && !pod->was_restarted; i++)
        if (!c->items[i].is_declared && c->items[i].content >= 0 && c->items[i].attempt == c->attempt)
            break_law("what was declared is called settled", "%s in commit %d", c->items[i].path, number);
}

static void commits_keep_their_distance(const struct agent *a, int number)
{
    if (a->committed_ms != 0 && world.now_ms - a->committed_ms < COMMIT_MS - SLACK_MS &&
        !world.pods[a->pod].has_ended)
        break_law("two commits in ten seconds", "commit %d", number);
}

static bool is_set(const struct commit *c, const char *group, const struct declared_set *s)
{
    int count = 0;
    for (int i = 0; i < c->count; i++) {
        bool is_there = false;
        if (strcmp(c->items[i].group, group) != 0)
            continue;
        for (int k = 0; k < s->count; k++)
            is_there = is_there || s->contents[k] == c->items[i].content;
        if (!is_there)
            return false;
        count++;
    }
    return count == s->count;
}

static void declared_sets_are_not_torn(int number)
{
    const struct commit *c = &world.commits[number];
    for (int i = 0; i < c->count; i++) {
        const char *group = c->items[i].group;
        bool is_known = *group == '\0' || (i > 0 && strcmp(c->items[i - 1].group, group) == 0);
        for (int k = 0; k < world.set_count && !is_known; k++)
            is_known = strcmp(world.sets[k].directory, group) == 0 && is_set(c, group, &world.sets[k]);
        if (!is_known && !world.is_lied_to)
            break_law("a declared set is torn", "%s in commit %d", group, number);
    }
}

/* ---- what a commit is built on ---- */
static void only_the_newest_attempt_commits(const struct agent *a, int number)
{
    const struct commit *c = &world.commits[number], *before = number == 0 ? NULL : c - 1;
    if (c->attempt != a->assignment.attempt)
        break_law("a commit says it is of another attempt", "commit %d", number);
    if (before == NULL)
        return;
    if (c->attempt < before->attempt && !world.is_head_attacked)
        break_law("an older attempt displaced a newer one's work", "commit %d", number);
    if (c->attempt == before->attempt && c->sequence <= before->sequence && !world.is_head_attacked)
        break_law("two commits of an attempt have one number", "commit %d", number);
}

/* Every commit before it can be reached. An attacker who took HEAD away before this attempt began is not seen
 * where the operator had not heard of those commits; but what the agent knew itself stays. */
static void nothing_committed_is_lost(const struct agent *a, int number)
{
    int parent = world.commits[number].parent;
    if (parent != number - 1 && !world.is_head_attacked)
        break_law("what was committed cannot be reached any more", "commit %d", number - 1);
    if (history_compare(parent, a->known) < 0)
        break_law("what the agent knew of cannot be reached any more", "commit %d", a->known);
}

/* Whether an item of the snapshot before may be absent from the next one, or replaced there. */
static bool may_leave(const struct agent *a, const struct commit *next, const struct item *was)
{
    const struct item *now = history_item(next, was->path);
    if (was->attempt == a->assignment.attempt && disk_content(&world.pods[a->pod], was->path) != was->content)
        return true; /* the program has removed it, or is writing it anew */
    if (*was->group != '\0')
        return has_group(next, was->group) || (now != NULL && now->is_declared) ||
               successors_of(next, was) >= KEEP;
    return now != NULL || is_below_a_group(next, was->path) || successors_of(next, was) >= KEEP;
}

static void what_was_there_stays(const struct agent *a, int number)
{
    const struct commit *next = &world.commits[number];
    /* What an older attempt has committed meanwhile counts as well. */
    int parent = world.is_head_attacked ? a->known : next->parent;
    const struct commit *before = parent < 0 ? NULL : &world.commits[parent];
    for (int i = 0; before != NULL && i < before->count; i++) {
        const struct item *was = &before->items[i], *now = history_item(next, was->path);
        if (now != NULL && now->content == was->content) {
            if (was->is_declared && !now->is_declared)
                break_law("what was declared is only settled now", "%s in commit %d", was->path, number);
            continue;
        }
        if (!may_leave(a, next, was))
            break_law(was->is_declared ? "a declared checkpoint was displaced"
                                       : "what was committed has left",
                      "%s in commit %d", was->path, number);
    }
}

/* What it restored and now has newer ones enough leaves. */
static void what_has_successors_leaves(const struct agent *a, int number)
{
    const struct commit *c = &world.commits[number];
    for (int i = 0; i < c->count; i++)
        if (c->items[i].attempt < a->assignment.attempt && successors_of(c, &c->items[i]) >= KEEP)
            break_law("an old checkpoint never leaves", "%s in commit %d", c->items[i].path, number);
}

void laws_of_commit(struct agent *a, int commit)
{
    what_is_committed_is_whole(commit);
    declared_sets_are_not_torn(commit);
    only_the_newest_attempt_commits(a, commit);
    nothing_committed_is_lost(a, commit);
    what_was_there_stays(a, commit);
    what_has_successors_leaves(a, commit);
    what_was_declared_is_marked(a, commit);
    commits_keep_their_distance(a, commit);
    a->found = commit;
}

/* ---- what is restored ---- */
/* The newest snapshot that this pod may begin with, from the one that HEAD led to when it was read. (The way
 * back, when an attempt is to begin before a checkpoint, belongs here.) */
static int expected(const struct agent *a)
{
    int at = a->head_seen;
    while (at >= 0 && world.commits[at].attempt >= a->assignment.attempt &&
           world.agents[world.commits[at].agent]->pod != a->pod)
        at = world.commits[at].parent;
    return at;
}

void laws_of_finding(struct agent *a, const struct manifest_ref *at)
{
    a->found = a->known = history_find(at);
    trace("agent %d begins with commit %d", a->number, a->found);
    if (at->name != NULL && a->found < 0)
        break_law("what is restored was never committed", "%s", at->name);
    if (a->found != expected(a) && !world.is_head_attacked)
        break_law("what is restored is not the newest", "%d instead of %d", a->found, expected(a));
    if (history_compare(a->found, a->anchor) < 0)
        break_law("what is restored is older than what the operator knew of", "%d instead of %d", a->found,
                  a->anchor);
}

void law_of_restored_file(const struct agent *a, const char *path, const char *text)
{
    const struct item *item = a->found < 0 ? NULL : history_item(&world.commits[a->found], path);
    if (item == NULL || item->content < 0)
        break_law("what is restored was not in the snapshot", "%s", path);
    else if (strcmp(world.contents[item->content].text, text) != 0)
        break_law("what is restored is not what was committed", "%s", path);
}

/* Of the newest declared checkpoint that was committed, at the time of its commit. */
static void the_newest_declared_is_there(const struct agent *a)
{
    for (int i = a->found; i >= 0; i = world.commits[i].parent) {
        const struct item *newest = history_item(&world.commits[i], world.commits[i].title);
        if (newest == NULL || !newest->is_declared)
            continue;
        const struct item *now = history_item(&world.commits[a->found], newest->path);
        bool is_gone = world.contents[newest->content].is_gone;
        if (!is_gone && now == NULL && successors_of(&world.commits[a->found], newest) < KEEP)
            break_law("less is restored than the newest declared checkpoint", "%s of commit %d", newest->path,
                      i);
        return;
    }
}

void laws_of_restored(const struct agent *a, size_t files)
{
    if (a->found >= 0 && files != (size_t)world.commits[a->found].count)
        break_law("a part is restored", "%zu files of commit %d", files, a->found);
    the_newest_declared_is_there(a);
}

/* ---- ends ---- */
static bool has_newer_attempt(const struct agent *a)
{
    return world.starts > world.pods[a->pod].attempt;
}

static void an_end_has_its_reason(const struct agent *a)
{
    enum failure_class failure_class = failure_of_code(a->end)->failure_class;
    if (a->is_dead)
        return;
    if (a->end == ERR_SUPERSEDED && !has_newer_attempt(a))
        break_law("nobody has superseded it", "agent %d", a->number);
    if (failure_class == CLASS_Internal)
        break_law("an end without a reason for people", "%s", err_code_name(a->end));
    if (!world.is_lied_to &&
        (failure_class == CLASS_Security || failure_class == CLASS_Data || failure_class == CLASS_Key))
        break_law("an alarm although nobody lied", "%s", err_code_name(a->end));
}

/* The newest contents that the program declared, or all if it succeeded, stand in the newest commit. */
static void all_that_is_complete_was_committed(const struct agent *a)
{
    const struct pod *pod = &world.pods[a->pod];
    const struct commit *newest = a->found < 0 ? NULL : &world.commits[a->found];
    bool is_success = pod->exit_code == 0;
    bool may_be_overtaken = !pod->program.is_simple || pod->program.is_rotating;
    if (!is_success && (may_be_overtaken || pod->was_restarted))
        return; /* it was removed before it was read, or declared while no agent was there */
    for (int i = 0; i < pod->count; i++) {
        const struct disk_file *f = &pod->files[i];
        if (path_is_temporary(f->path) || !world.contents[f->content].is_declared)
            continue;
        const struct item *item = newest == NULL ? NULL : history_item(newest, f->path);
        /* The act that declared its directory was not heard of, and an older attempt's of that name stands.
         */
        bool is_hidden = pod->was_restarted && item != NULL && *item->group != '\0' &&
                         item->attempt < a->assignment.attempt;
        if (!is_hidden && (item == NULL || item->content != f->content))
            break_law("what was complete is in no commit", "%s of attempt %d", f->path, pod->attempt);
    }
}

void laws_of_the_end(const struct agent *a)
{
    an_end_has_its_reason(a);
    if (a->end == ERR_NONE && !a->is_dead && world.pods[a->pod].has_ended)
        all_that_is_complete_was_committed(a);
}

void laws_of_the_job(void)
{
    if (!world.has_succeeded && !world.is_lied_to)
        break_law("the job did not succeed although the last attempt had no trouble", "attempt %d",
                  world.starts);
}

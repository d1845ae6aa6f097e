#include "volume/volume.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "volume/path_names.h"
#include "volume/volume_int.h"

#include "base/banned.h"

struct volume *volume_new(void)
{
    struct volume *v = xcalloc(1, sizeof(*v));
    v->declared_name = xstrdup("");
    v->closed_name = xstrdup("");
    return v;
}

void volume_free(struct volume *v)
{
    if (v == NULL)
        return;
    files_fini(&v->files);
    entries_free(v);
    listing_free(v->declared);
    listing_free(v->next);
    listing_free(v->here);
    listing_free(v->longest);
    listing_free(v->settled);
    listing_free(v->committed);
    free(v->declared_name);
    free(v->closed_name);
    free(v);
}

/* ---- changes ---- */
/* What changes inside an entry does not show until the entry is declared again; what is temporary never does.
 */
static bool is_visible(const struct volume *v, const char *path)
{
    return !path_is_temporary(path) && entry_of(v, path) == NULL;
}

/* A change that needs a pause to be complete. */
static void change_undeclared(struct volume *v, const char *path, int64_t at_ms)
{
    if (!is_visible(v, path))
        return;
    v->is_unsure = true;
    if (settle_change(&v->settle, at_ms))
        volume_keep_longest(v);
}

static void on_written(struct volume *v, const char *path, int64_t at_ms)
{
    struct file *f = files_at(&v->files, path);
    f->is_freed = false;
    if (f->is_open)
        return;
    f->is_open = true;
    f->opened_ms = at_ms;
    if (f->version != NULL)
        version_is_overwritten(f->version);
    if (is_visible(v, path) && !volume_is_rewritten(v, f) && settle_open(&v->settle, at_ms))
        volume_keep_longest(v);
}

static void take_new_version(struct volume *v, struct file *f)
{
    if (f->version != NULL && f->version->state == VERSION_READ) {
        version_release(f->previous);
        f->previous = version_share(f->version);
    }
    bool is_renewed = f->version != NULL;
    version_release(f->version);
    f->version = version_new(f->path);
    f->version->serial = ++v->version_serial;
    f->version->is_renewed = is_renewed;
    f->version->is_rewritten = volume_is_rewritten(v, f);
}

/* Closed without a write since the version was complete: nothing has changed. */
static bool is_as_it_was(const struct file *f)
{
    return !f->is_open && f->version != NULL && f->version->path != NULL;
}

static void on_closed(struct volume *v, const char *path, int64_t at_ms)
{
    struct file *f = files_at(&v->files, path);
    if (is_as_it_was(f))
        return;
    f->is_open = false;
    f->is_freed = false;
    if (is_visible(v, path)) {
        if (!v->settle.is_going_on || f->burst != v->settle.burst)
            f->finishes = 0;
        if (f->finishes++ == 0)
            f->first_ms = at_ms;
        f->finished_ms = at_ms;
        if (!volume_is_rewritten(v, f))
            change_undeclared(v, path, at_ms);
        f->burst = v->settle.burst;
        free(v->closed_name);
        v->closed_name = xstrdup(path);
    }
    take_new_version(v, f);
}

/* Everything closed so far is complete now. */
static void declare(struct volume *v, const char *name)
{
    free(v->declared_name);
    v->declared_name = xstrdup(*name == '\0' ? "." : name);
    v->must_list = true;
    v->is_unsure = false;
    v->is_tidying = true;
    volume_stop_settling(v);
}

static void on_marker(struct volume *v, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *directory CLEANUP(cleanup_free) =
        slash == NULL ? xstrdup("") : xstrndup(path, (size_t)(slash - path));
    if (!path_is_temporary(directory) && !files_is_open_below(&v->files, directory) &&
        entry_declare(v, directory))
        declare(v, directory);
}

/* with_freed: something else takes the place, so that what the agent has freed there is gone as well. */
static void remove_below(struct volume *v, const char *path, bool with_freed)
{
    for (size_t at = files_find(&v->files, path); files_next_within(&v->files, path, &at);) {
        struct file *f = v->files.list[at];
        if (f->is_freed && !with_freed) {
            at++;
            continue;
        }
        if (f->version != NULL) {
            f->version->let_go = v->is_tidying && f->version->is_declared ? v->act_serial : 0;
            version_leaves(f->version);
        }
        file_free(files_take_out(&v->files, at));
    }
    entries_remove(v, path);
}

/* The agent removes files only, so that it is the program that removes a directory. */
static void on_deleted(struct volume *v, const struct change *c)
{
    const struct file *f = files_get(&v->files, c->path);
    if (f != NULL && f->is_freed)
        return;
    bool is_shown = is_visible(v, c->path);
    remove_below(v, c->path, c->is_directory && *c->path != '\0');
    if (is_shown)
        change_undeclared(v, c->path, c->at_ms);
}

/* Whether all that is there was complete before, and under a name that shows. */
static bool is_known_below(const struct volume *v, const char *path)
{
    for (size_t at = files_find(&v->files, path); files_next_within(&v->files, path, &at); at++) {
        const struct version *version = v->files.list[at]->version;
        if (version == NULL || (!version->is_declared && !version->is_settled))
            return false;
    }
    return true;
}

static void move_files(struct volume *v, const char *from, const char *to)
{
    size_t length = strlen(from), at = files_find(&v->files, from);
    struct file **moved CLEANUP(cleanup_free) = xcalloc(v->files.count + 1, sizeof(struct file *));
    size_t count = 0;
    while (files_next_within(&v->files, from, &at))
        moved[count++] = files_take_out(&v->files, at);
    for (size_t i = 0; i < count; i++) {
        struct file *f = moved[i];
        char *path = xasprintf("%s%s", to, f->path + length);
        free(f->path);
        f->path = path;
        if (f->version != NULL && f->version->path != NULL) {
            free(f->version->path);
            f->version->path = xstrdup(path);
        }
        files_insert(&v->files, f);
    }
}

static bool declare_file(struct volume *v, const char *path)
{
    struct file *f = files_get(&v->files, path);
    if (f == NULL || f->is_open || f->version == NULL)
        return false;
    f->version->is_declared = true;
    declare(v, path);
    return true;
}

static bool declare_path(struct volume *v, const char *path)
{
    bool is_in_entry = entry_of(v, path) != NULL;
    if (!is_in_entry && declare_file(v, path))
        return true;
    if (!entry_declare(v, path))
        return false;
    declare(v, path);
    return true;
}

/* The file was renamed before anybody watched its directory. */
static void find_missed(struct volume *v, const struct change *c)
{
    if (!c->is_directory && files_get(&v->files, c->path) == NULL)
        on_closed(v, c->path, c->at_ms);
}

static void on_moved(struct volume *v, const struct change *c)
{
    find_missed(v, c);
    bool is_whole = !files_is_open_below(&v->files, c->path) &&
                    (path_is_temporary(c->path) || is_known_below(v, c->path));
    bool was_visible = is_visible(v, c->path);
    remove_below(v, c->to, true);
    move_files(v, c->path, c->to);
    entries_move(v, c->path, c->to);
    if (path_is_marker(c->to))
        on_marker(v, c->to);
    else if (path_is_temporary(c->to) || !is_whole || !declare_path(v, c->to))
        change_undeclared(v, was_visible ? c->path : c->to, c->at_ms);
}

static bool is_declaring(const struct change *c)
{
    return c->kind == CHANGE_MOVED || c->kind == CHANGE_NAMED;
}

bool volume_apply(struct volume *v, const struct change *c)
{
    if (!is_declaring(c))
        volume_list_declared(v);
    v->is_tidying = v->is_tidying && c->kind == CHANGE_DELETED;
    switch (c->kind) {
    case CHANGE_WRITTEN: on_written(v, c->path, c->at_ms); break;
    case CHANGE_CLOSED:
        on_closed(v, c->path, c->at_ms);
        if (path_is_marker(c->path))
            on_marker(v, c->path);
        break;
    case CHANGE_MOVED: on_moved(v, c); break;
    case CHANGE_DELETED: on_deleted(v, c); break;
    case CHANGE_NAMED: return declare_path(v, c->path);
    }
    return true;
}

bool volume_remember(struct volume *v, const char *path, void *object, bool is_declared)
{
    struct file *f = files_get(&v->files, path);
    if (f == NULL || f->is_open)
        return false;
    version_release(f->version);
    f->version = version_new(path);
    f->version->state = VERSION_READ;
    f->version->object = object;
    f->version->is_declared = is_declared;
    f->version->is_settled = true;
    return true;
}

const struct version *volume_closed_version(const struct volume *v, const char *path)
{
    const struct file *f = files_get(&v->files, path);
    return f == NULL || f->is_open ? NULL : f->version;
}

void volume_remember_entry(struct volume *v, const char *path)
{
    (void)entry_declare(v, path);
}

bool volume_release(struct volume *v, const char *path)
{
    struct file *f = files_get(&v->files, path);
    if (f == NULL || f->is_open || f->version == NULL || !f->version->is_settled || f->is_freed)
        return false;
    f->is_freed = f->version->is_freed = true;
    return true;
}

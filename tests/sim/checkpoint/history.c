#include "history.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "laws.h"
#include "seal/head_store.h"
#include "seal/manifest_store.h"
#include "seal/object_read.h"
#include "store.h"
#include "volume/path_names.h"

#include "base/banned.h"

/* ---- files ---- */
int history_new_content(int attempt, const struct act *a, int before)
{
    int number = world.content_count++;
    struct content *c = &world.contents[number];
    *c = (struct content){.attempt = attempt, .step = a->step, .closed_ms = -1, .paths = 1};
    (void)snprintf(c->path[0], sizeof(c->path[0]), "%s", a->path);
    (void)snprintf(c->text, sizeof(c->text), "%.300scontent %d of %s, step %d\n",
                   a->is_append && before >= 0 ? world.contents[before].text : "", number, a->path, a->step);
    return number;
}

void history_content_moved(int content, const char *path)
{
    struct content *c = &world.contents[content];
    if (c->paths < (int)ARRAY_LEN(c->path))
        (void)snprintf(c->path[c->paths++], sizeof(c->path[0]), "%s", path);
}

void history_content_is_gone(int content)
{
    world.contents[content].is_gone = true;
}

static bool is_whole(int content)
{
    return world.contents[content].closed_ms >= 0;
}

static void declare_directory(const struct pod *pod, const char *directory)
{
    if (world.set_count == SETS_MAX)
        abort();
    struct declared_set *s = &world.sets[world.set_count];
    *s = (struct declared_set){.count = 0};
    (void)snprintf(s->directory, sizeof(s->directory), "%s", directory);
    for (int i = 0; i < pod->count; i++) {
        const struct disk_file *f = &pod->files[i];
        if (!path_is_below(f->path, directory) || f->fd >= 0 || !is_whole(f->content))
            continue;
        world.contents[f->content].is_declared = true;
        s->contents[s->count++] = f->content;
    }
    world.set_count += s->count > 0;
}

static void declare_file(const struct pod *pod, const char *path, bool only_if_known)
{
    for (int i = 0; i < pod->count; i++) {
        const struct disk_file *f = &pod->files[i];
        struct content *c = &world.contents[f->content];
        if (strcmp(f->path, path) == 0 && f->fd < 0 && is_whole(f->content) &&
            (!only_if_known || c->is_settled))
            c->is_declared = true;
    }
}

void history_declare(const struct pod *pod, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *directory CLEANUP(cleanup_free) =
        slash == NULL ? xstrdup("") : xstrndup(path, (size_t)(slash - path));
    declare_directory(pod, path_is_marker(path) ? directory : path);
    declare_file(pod, path, false);
}

void history_declare_known(const struct pod *pod, const char *path)
{
    declare_file(pod, path, true);
}

void history_declare_everything(const struct pod *pod)
{
    for (int i = 0; i < pod->count; i++)
        if (!path_is_temporary(pod->files[i].path))
            declare_file(pod, pod->files[i].path, false);
    for (int i = 0, count = world.set_count; i < count; i++) {
        bool is_last = true;
        for (int k = i + 1; k < count; k++)
            is_last = is_last && strcmp(world.sets[i].directory, world.sets[k].directory) != 0;
        if (is_last)
            declare_directory(pod, world.sets[i].directory);
    }
}

/* ---- the store ---- */
void history_head_was_read(struct agent *a)
{
    a->head_seen = world.commit_count - 1;
}

int history_find(const struct manifest_ref *at)
{
    for (int i = world.commit_count; at->name != NULL && i-- > 0;)
        if (strcmp(world.commits[i].name, at->name) == 0 && strcmp(world.commits[i].sha256, at->sha256) == 0)
            return i;
    return -1;
}

int history_compare(int commit, int other)
{
    if (commit < 0 || other < 0)
        return commit >= 0 ? 1 : other >= 0 ? -1 : 0;
    const struct commit *a = &world.commits[commit], *b = &world.commits[other];
    int64_t order = a->attempt != b->attempt ? a->attempt - b->attempt : a->sequence - b->sequence;
    return (order > 0) - (order < 0);
}

const struct item *history_item(const struct commit *c, const char *path)
{
    for (int i = 0; i < c->count; i++)
        if (strcmp(c->items[i].path, path) == 0)
            return &c->items[i];
    return NULL;
}

static int collect(void *context, const void *bytes, size_t length, struct err *e)
{
    (void)e;
    strbuf_add(context, bytes, length);
    return 0;
}

/* Which content that text is; CONTENT_NONE: it is no whole one. */
static int content_of_text(const char *text)
{
    int number = 0;
    const char *last = NULL;
    for (const char *at = text; (at = strstr(at, "content ")) != NULL; at++)
        last = at + strlen("content ");
    if (last != NULL)
        number = (int)strtol(last, NULL, 10);
    return last != NULL && number < world.content_count && strcmp(world.contents[number].text, text) == 0
               ? number
               : CONTENT_NONE;
}

static int content_of_object(const struct blob *b, const char *folder, const char *path)
{
    struct seal_context seal;
    struct err ignored CLEANUP(err_fini) = {0};
    struct strbuf text = STRBUF(1 << 16);
    char *associated_data CLEANUP(cleanup_free) = manifest_associated_data(strchr(folder, '/') + 1, path);
    const struct seal_item item = {.object = {.name = b->name, .size = b->size, .generation = b->generation},
                                   .associated_data = associated_data};
    ghost_open(&seal);
    int content = seal_read(&seal, &item, (struct byte_sink){collect, &text}, &ignored) < 0
                      ? CONTENT_NONE
                      : content_of_text(strbuf_text(&text));
    strbuf_fini(&text);
    seal_close(&seal);
    return content;
}

/* Where it is stored, as lib/seal/manifest_entry.h says. */
static int content_of(const struct manifest_entry *entry, const char *own)
{
    const char *folder = entry->folder != NULL ? entry->folder : own;
    const char *path = entry->stored_path != NULL ? entry->stored_path : entry->path;
    char *name CLEANUP(cleanup_free) = xasprintf(SIM_PREFIX "%s/data/%s", folder, path);
    struct blob *b = store_find(name);
    if (b != NULL && b->content == CONTENT_UNKNOWN)
        b->content = content_of_object(b, folder, path);
    return b == NULL ? CONTENT_NONE : b->content;
}

static void note_items(struct commit *c, const struct manifest *m, const char *name)
{
    char *own CLEANUP(cleanup_free) = xstrndup(name, strlen(name) - strlen("/manifest"));
    for (size_t i = 0; i < m->count && c->count < ITEMS_MAX; i++) {
        const struct manifest_entry *entry = &m->entries[i];
        struct item *item = &c->items[c->count++];
        *item = (struct item){.content = content_of(entry, own),
                              .is_declared = entry->is_declared,
                              .attempt = entry->attempt,
                              .sequence = entry->sequence};
        (void)snprintf(item->path, sizeof(item->path), "%s", entry->path);
        (void)snprintf(item->group, sizeof(item->group), "%s", entry->group == NULL ? "" : entry->group);
        if (item->content >= 0)
            world.contents[item->content].is_settled = true;
    }
}

static void note_commit(struct agent *a, const struct head *head, const struct manifest *m)
{
    struct commit *c = &world.commits[world.commit_count];
    *c = (struct commit){.attempt = m->attempt,
                         .sequence = m->sequence,
                         .parent = history_find(&m->parent),
                         .agent = a->number};
    (void)snprintf(c->name, sizeof(c->name), "%s", head->manifest.name);
    (void)snprintf(c->sha256, sizeof(c->sha256), "%s", head->manifest.sha256);
    (void)snprintf(c->title, sizeof(c->title), "%s", m->name);
    note_items(c, m, head->manifest.name);
    world.commit_count++;
    trace("agent %d commits %lld/%lld on %d: %s", a->number, (long long)c->attempt, (long long)c->sequence,
          c->parent, c->title);
    laws_of_commit(a, world.commit_count - 1);
}

void history_head_was_moved(struct agent *a)
{
    struct seal_context seal;
    struct head head = {.generation = 0};
    struct manifest m = {.kind = NULL};
    struct err e CLEANUP(err_fini) = {0};
    ghost_open(&seal);
    if (world.commit_count == COMMITS_MAX || head_read(&seal, &head, &e) < 0 ||
        manifest_read(&seal, &head.manifest, &m, &e) < 0) {
        char *text CLEANUP(cleanup_free) = err_text(&e);
        break_law("HEAD refers to nothing that can be read", "%s", text);
    } else {
        note_commit(a, &head, &m);
    }
    manifest_fini(&m);
    head_fini(&head);
    seal_close(&seal);
}

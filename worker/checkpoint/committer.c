#include "checkpoint/committer.h"

#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/rfc3339.h"
#include "checkpoint/ancestry.h"
#include "os/file.h"
#include "os/loop.h"
#include "seal/head_store.h"
#include "seal/manifest_store.h"
#include "seal/object_write.h"
#include "volume/path_names.h"

#include "base/banned.h"

/* FOLDER_MAX: "<attempt>/<id>/data/". */
enum { MOVE_TRIES = 10, OBJECT_NAME_MAX = 1024, FOLDER_MAX = 20 + 1 + MANIFEST_ID_SIZE + 6 };

struct committer {
    struct committer_id id;
    struct seal_context seal;
    struct head head;
    struct manifest base;
    int64_t sequence;
    char batch[MANIFEST_ID_SIZE]; /* id of the next manifest; beside it is stored what it is the first to need
                                   */
};

struct committer *committer_new(const struct committer_id *id, struct seal_context *seal, struct head *head,
                                struct manifest *base)
{
    struct committer *c = xcalloc(1, sizeof(*c));
    *c = (struct committer){.id = *id, .seal = *seal, .head = *head, .base = *base};
    if (c->base.attempt == id->attempt)
        c->sequence = c->base.sequence;
    *seal = (struct seal_context){.keys = NULL};
    *head = (struct head){.generation = 0};
    *base = (struct manifest){.kind = NULL};
    manifest_make_id(c->batch);
    return c;
}

void committer_free(struct committer *c)
{
    if (c == NULL)
        return;
    seal_close(&c->seal);
    head_fini(&c->head);
    manifest_fini(&c->base);
    free(c);
}

const struct head *committer_head(const struct committer *c)
{
    return &c->head;
}

struct lineage committer_newest(const struct committer *c)
{
    return (struct lineage){c->id.attempt, c->sequence};
}

char *committer_uri(const struct committer *c)
{
    char *name CLEANUP(cleanup_free) = seal_object_name(&c->seal, c->head.manifest.name);
    return gcs_uri(c->seal.bucket.name, name);
}

/* ---- storing ---- */
bool committer_may_store(const struct committer *c, const char *path)
{
    return strlen(c->seal.prefix) + FOLDER_MAX + strlen(path) <= OBJECT_NAME_MAX;
}

static int store_once(struct committer *c, const char *path, int fd, uint64_t bytes, struct stored *ret,
                      struct err *e)
{
    char *folder CLEANUP(cleanup_free) = xasprintf("%lld/%s", (long long)c->id.attempt, c->batch);
    char *below CLEANUP(cleanup_free) = xasprintf("%s/data/%s", folder, path);
    char *name CLEANUP(cleanup_free) = seal_object_name(&c->seal, below);
    char *associated_data CLEANUP(cleanup_free) = manifest_associated_data(c->batch, path);
    struct seal_target target = {.name = name, .associated_data = associated_data};
    struct stat st;
    int64_t modified_ns = fstat(fd, &st) == 0 ? stat_modified_ns(&st) : 0;
    if (seal_write_file(&c->seal, &target, fd, bytes, &ret->entry.sealed, e) < 0)
        return -1;
    ret->entry.path = xstrdup(path);
    ret->entry.modified_ns = modified_ns;
    ret->entry.folder = TAKE_PTR(folder);
    return 0;
}

struct stored *committer_store(struct committer *c, const char *path, int fd, uint64_t bytes, struct err *e)
{
    struct stored *s = xcalloc(1, sizeof(*s));
    int result = store_once(c, path, fd, bytes, s, e);
    if (result < 0 && e->code == ERR_CONFLICT) {
        /* An earlier version of the file is stored there, which no manifest has needed yet. */
        err_fini(e);
        manifest_make_id(c->batch);
        result = store_once(c, path, fd, bytes, s, e);
    }
    if (result == 0)
        return s;
    stored_free(s);
    return NULL;
}

struct stored *committer_store_link(const char *path, const char *target)
{
    struct stored *s = xcalloc(1, sizeof(*s));
    s->entry = (struct manifest_entry){.path = xstrdup(path), .link = xstrdup(target)};
    return s;
}

/* ---- committing ---- */
static void fill(const struct committer *c, const char *name, struct manifest *m)
{
    char now[RFC3339_SIZE];
    rfc3339_format_seconds(clock_wall_us(), now);
    memcpy(m->id, c->batch, sizeof(m->id));
    m->kind = xstrdup("checkpoint");
    m->job_namespace = xstrdup(c->id.job_namespace);
    m->job = xstrdup(c->id.job);
    m->job_uid = xstrdup(c->id.job_uid);
    m->pod_uid = xstrdup(c->id.pod_uid);
    m->attempt = c->id.attempt;
    m->index = c->id.index;
    m->sequence = c->sequence + 1;
    m->base = c->sequence > 0 ? (struct lineage){c->id.attempt, c->sequence}
                              : (struct lineage){c->base.attempt, c->base.sequence};
    m->name = xstrdup(name);
    m->step = path_step(name);
    m->time = xstrdup(now);
}

/*
 * Somebody else has moved HEAD. A pod of an older attempt that still runs may do so until our first
 * checkpoint, and is overruled. A newer attempt, or another pod in our place, overrules us. Anybody who can
 * write to the bucket can do so, too, and is not believed.
 */
static int judge_mover(const struct committer *c, const struct head *there, struct err *e)
{
    struct manifest m;
    if (ancestry_read(&c->seal, c->id.job_uid, &there->manifest, &m, e) < 0)
        return err_wrap(e, "looking who has moved HEAD");
    int result = ancestry_check_head(&c->seal, there, &m, e);
    manifest_fini(&m);
    if (result == 0 && ancestry_is_replaced(there, c->id.attempt, c->id.pod_uid))
        result = ancestry_fail_replaced(there, c->id.attempt, e);
    return result;
}

static int check_who_moved(struct committer *c, struct err *e)
{
    struct head there;
    if (head_read(&c->seal, &there, e) < 0)
        return -1;
    if (there.generation == 0) {
        c->head.generation = 0; /* it was deleted: what it led to goes on from here */
        return 0;
    }
    if (judge_mover(c, &there, e) < 0) {
        head_fini(&there);
        return -1;
    }
    head_fini(&c->head);
    c->head = there;
    return 0;
}

static int move_head(struct committer *c, const struct manifest *m, const struct manifest_ref *at,
                     struct err *e)
{
    struct head next = {.manifest = manifest_ref_copy(at),
                        .attempt = m->attempt,
                        .pod_uid = xstrdup(c->id.pod_uid),
                        .name = xstrdup(m->name),
                        .step = m->step,
                        .time = xstrdup(m->time),
                        .generation = c->head.generation};
    if (head_move(&c->seal, &next, e) < 0) {
        head_fini(&next);
        return -1;
    }
    head_fini(&c->head);
    c->head = next;
    return 0;
}

/* One try: the manifest's parent is HEAD as it is known now. */
static int try_commit(struct committer *c, struct manifest *m, struct err *e)
{
    char *folder CLEANUP(cleanup_free) = xasprintf("%lld/%s", (long long)m->attempt, m->id);
    struct manifest_ref at;
    manifest_ref_fini(&m->parent);
    m->parent = manifest_ref_copy(&c->head.manifest);
    if (manifest_write(&c->seal, m, folder, &at, e) < 0)
        return -1;
    int result = move_head(c, m, &at, e);
    manifest_ref_fini(&at);
    return result;
}

static int commit(struct committer *c, struct manifest *m, struct err *e)
{
    for (int tries = 0;; tries++) {
        if (try_commit(c, m, e) == 0)
            return 0;
        if (e->code != ERR_SUPERSEDED || tries == MOVE_TRIES)
            return -1;
        err_fini(e);
        if (check_who_moved(c, e) < 0)
            return -1;
        manifest_make_id(m->id); /* the objects name the folder that they are in */
    }
}

int committer_commit(struct committer *c, const struct listing *listing, struct manifest *ret, struct err *e)
{
    struct manifest m = {.kind = NULL};
    fill(c, listing->name, &m);
    snapshot_make(&c->base, listing, SNAPSHOT_KEEP, &m);
    if (commit(c, &m, e) < 0) {
        manifest_fini(&m);
        return -1;
    }
    c->sequence = m.sequence;
    manifest_make_id(c->batch);
    *ret = m;
    return 0;
}

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
    int64_t sequence;             /* of the newest commit that was tried */
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
    return (struct lineage){c->id.attempt, c->base.attempt == c->id.attempt ? c->base.sequence : 0};
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
    m->sequence = c->sequence;
    m->base = manifest_lineage(&c->base);
    m->name = xstrdup(name);
    m->step = path_step(name);
    m->time = xstrdup(now);
}

/* Whether that HEAD goes on from the one that we know; any writer of the bucket can put an old one back. */
static int goes_on(const struct committer *c, const struct manifest *theirs, bool *ret, struct err *e)
{
    struct manifest known = {.kind = NULL};
    if (c->head.manifest.name != NULL &&
        ancestry_read(&c->seal, c->id.job_uid, &c->head.manifest, &known, e) < 0)
        return -1;
    *ret = lineage_compare(manifest_lineage(theirs), manifest_lineage(&known)) > 0;
    manifest_fini(&known);
    return 0;
}

/* It was the newest, and may be what our own snapshots begin with: then they begin with that one now. (Where
 * an attempt had to begin with an older one, they go on from that.) Takes both. */
static void go_on_from(struct committer *c, struct head *there, struct manifest *theirs)
{
    bool is_base = c->head.manifest.name == NULL || strcmp(c->base.id, c->head.manifest.id) == 0;
    if (theirs->attempt == c->id.attempt) { /* our own */
        c->base.attempt = theirs->attempt;
        c->base.sequence = theirs->sequence;
    } else if (is_base) {
        manifest_fini(&c->base);
        c->base = *theirs;
        *theirs = (struct manifest){.kind = NULL};
    }
    head_fini(&c->head);
    c->head = *there;
    *there = (struct head){.generation = 0};
}

/*
 * Somebody else has moved HEAD. A pod of an older attempt that still runs may do so until our first
 * checkpoint, and is overruled; ours builds on its own. A newer attempt, or another pod in our place,
 * overrules us. Anybody who can write to the bucket can do so, too, and is not believed.
 */
static int judge_mover(struct committer *c, struct head *there, struct manifest *theirs, struct err *e)
{
    bool is_next = false;
    if (ancestry_check_head(&c->seal, there, theirs, e) < 0)
        return -1;
    if (ancestry_is_replaced(there, c->id.attempt, c->id.pod_uid))
        return ancestry_fail_replaced(there, c->id.attempt, e);
    if (goes_on(c, theirs, &is_next, e) < 0)
        return -1;
    c->head.generation = there->generation;
    if (is_next)
        go_on_from(c, there, theirs);
    return 0;
}

/* Afterwards HEAD as it is known has the generation of the one that is there, and leads to the newest
 * manifest: that one's, or ours, where HEAD was deleted or rolled back. */
static int check_who_moved(struct committer *c, struct err *e)
{
    struct head there;
    struct manifest theirs = {.kind = NULL};
    int result = 0;
    if (head_read(&c->seal, &there, e) < 0)
        return -1;
    if (there.generation == 0)
        c->head.generation = 0;
    else if (ancestry_read(&c->seal, c->id.job_uid, &there.manifest, &theirs, e) < 0)
        result = err_wrap(e, "looking who has moved HEAD");
    else
        result = judge_mover(c, &there, &theirs, e);
    manifest_fini(&theirs);
    head_fini(&there);
    return result;
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

static int write_and_move(struct committer *c, struct manifest *m, struct err *e)
{
    char *folder CLEANUP(cleanup_free) = xasprintf("%lld/%s", (long long)m->attempt, m->id);
    struct manifest_ref at;
    m->parent = manifest_ref_copy(&c->head.manifest);
    if (manifest_write(&c->seal, m, folder, &at, e) < 0)
        return -1;
    int result = move_head(c, m, &at, e);
    manifest_ref_fini(&at);
    return result;
}

/* Whether a try that failed was carried out is not known: the name of its manifest is not used again, and
 * nothing has left the base for it. */
static int try_commit(struct committer *c, const struct listing *listing, struct manifest *ret, struct err *e)
{
    struct manifest m = {.kind = NULL}, base = {.kind = NULL};
    manifest_add_copies(&base, &c->base);
    fill(c, listing->name, &m);
    snapshot_make(&base, listing, SNAPSHOT_KEEP, &m);
    int result = write_and_move(c, &m, e);
    if (result == 0) {
        base.attempt = m.attempt;
        base.sequence = m.sequence;
        manifest_fini(&c->base);
        c->base = base;
        *ret = m;
    } else {
        manifest_fini(&base);
        manifest_fini(&m);
    }
    manifest_make_id(c->batch);
    return result;
}

int committer_commit(struct committer *c, const struct listing *listing, struct manifest *ret, struct err *e)
{
    c->sequence++;
    for (int tries = 1; try_commit(c, listing, ret, e) < 0; tries++) {
        if (e->code != ERR_SUPERSEDED)
            return -1;
        err_fini(e);
        if (tries == MOVE_TRIES)
            return FAIL(e, ERR_UNAVAILABLE, "somebody else moves HEAD again and again");
        if (check_who_moved(c, e) < 0)
            return -1;
    }
    return 0;
}

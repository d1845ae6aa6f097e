/*
 * Commits: stores versions of files and moves HEAD from snapshot to snapshot.
 *
 * What is stored counts only once a manifest refers to it and HEAD to the manifest, so that a committer may
 * end at any moment. It owns its place in the bucket, HEAD as it knows it, and the snapshot that its own
 * begin with. Blocking; one thread. Errors: SUPERSEDED (a newer attempt, or another pod in our place, has
 * committed), OUTPUT_DENIED, OUTPUT_CHANGED (the file changed while it was stored), those of gcp/call.h, and
 * those of checkpoint/ancestry.h when somebody has moved HEAD.
 */
#ifndef CHECKPOINT_COMMITTER_H
#define CHECKPOINT_COMMITTER_H

#include "checkpoint/snapshot.h"
#include "seal/context.h"
#include "seal/head.h"

/* Who commits. Borrowed. */
struct committer_id {
    const char *job_namespace, *job, *job_uid, *pod_uid;
    int64_t attempt, index;
};

struct committer;

/*
 * Takes seal, head and base and leaves them empty. base: the snapshot that our own begin with (no entries:
 * there is none); after a restart of the agent that is our own newest one.
 */
struct committer *committer_new(const struct committer_id *id, struct seal_context *seal, struct head *head,
                                struct manifest *base) MUST_CHECK RETURNS_NONNULL;
void committer_free(struct committer *c); /* NULL is fine */

/* Whether an object can be named after the path. */
bool committer_may_store(const struct committer *c, const char *path);
/* Stores the file's bytes. NULL with *e set on failure; else for struct version.object. */
struct stored *committer_store(struct committer *c, const char *path, int fd, uint64_t bytes,
                               struct err *e) MUST_CHECK;
/* The same for a link; stores nothing. */
struct stored *committer_store_link(const char *path, const char *target) MUST_CHECK RETURNS_NONNULL;
/* Commits the listing, all of whose versions are stored. *ret: the manifest; the caller frees it. */
int committer_commit(struct committer *c, const struct listing *listing, struct manifest *ret,
                     struct err *e) MUST_CHECK;

/* Of the newest commit; sequence 0: there was none yet. */
struct lineage committer_newest(const struct committer *c);
/* HEAD as it was read or moved last. */
const struct head *committer_head(const struct committer *c);
/* The URI of the manifest that HEAD refers to; the caller frees it. */
char *committer_uri(const struct committer *c) MUST_CHECK;

#endif

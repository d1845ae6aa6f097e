/*
 * Snapshots: what the next manifest consists of. An attempt's snapshots begin with the whole one before it;
 * what the program writes takes the place of what had its name, and what has enough newer successors leaves.
 * Pure; nothing fails.
 */
#ifndef CHECKPOINT_SNAPSHOT_H
#define CHECKPOINT_SNAPSHOT_H

#include "seal/footprint.h"
#include "seal/manifest.h"
#include "volume/listing.h"

/* What is stored of a version: the object of a struct version. Owns its texts. */
struct stored {
    struct manifest_entry entry; /* its path is the one under which it was stored */
    int64_t sequence;            /* of the first snapshot that it stands in; 0: of none yet */
};

/* How many newer entries of a series make an older one leave. */
enum { SNAPSHOT_KEEP = 3 };

void stored_free(void *stored); /* NULL is fine; for version_on_free */

/*
 * base: the newest snapshot of the attempts before, less what has left it since; entries that leave now are
 * taken out of it. listing: all of its versions are stored. keep: how many newer successors (paths that
 * differ in digits only; declared ones, for what was declared itself) make an entry of base, or one that the
 * agent has freed, leave. ret's attempt and sequence are set; its entries are filled in, in no order.
 */
void snapshot_make(struct manifest *base, const struct listing *listing, unsigned keep, struct manifest *ret);

/* The newest checkpoint of a snapshot: of those that were declared where there are any. NULL: it is empty. */
const struct manifest_entry *snapshot_newest(const struct manifest *m);
/* "checkpoint-500": the directory that is one checkpoint, or the file. */
const char *snapshot_name(const struct manifest_entry *entry);

/* What its files and links need when they are restored. Entries are in the order of their paths. */
struct footprint snapshot_footprint(const struct manifest *m);
/*
 * Takes the oldest checkpoints that have a newer one of their series out of *m, until there is room for its
 * files or none may leave any more. Returns how many were taken out.
 */
size_t snapshot_fit(struct manifest *m, const struct footprint_room *room);

#endif

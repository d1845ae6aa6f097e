/*
 * What to read, and what to commit when.
 *
 * The caller tells the changes so far (volume/volume.h), then the time; reads versions one by one until none
 * is wanted, and commits the listing that is due. At the end it does the same once more. Pure; nothing fails.
 */
#ifndef VOLUME_COMMITS_H
#define VOLUME_COMMITS_H

#include "volume/listing.h"
#include "volume/volume.h"

/* Time passes while the program runs. Call it after the changes that are known. */
void volume_tick(struct volume *v, int64_t now_ms);
/* The program has ended. With success, all that it closed is declared; else what has not settled never will.
 */
void volume_end(struct volume *v, bool is_success, int64_t now_ms);

/* The next version that a listing needs; NULL: none. The caller reads version->path and sets state and
 * object. */
struct version *volume_unread(const struct volume *v);
/* After versions were read, or found held or lost. */
void volume_were_read(struct volume *v, int64_t now_ms);
/* The listing to commit now; NULL: none. It stays the volume's until volume_committed() is called. */
const struct listing *volume_due(struct volume *v, int64_t now_ms);
/* The listing that was due stands in the bucket. */
void volume_committed(struct volume *v);

/* Calls fn for each file that the program has open for writing, as far as changes tell. fn may tell changes
 * of that file. */
void volume_each_open(const struct volume *v, void (*fn)(void *context, const char *path), void *context);

/* The newest listing that was committed; NULL: none. */
const struct listing *volume_newest(const struct volume *v);
/* Listings that could not be read in time, since the last call. */
unsigned volume_count_overtaken(struct volume *v);
/* Calls fn for each file that has no complete version in what was committed, or a newer one that is not
 * complete; not for what cannot be stored. */
void volume_each_incomplete(const struct volume *v, void (*fn)(void *context, const char *path),
                            void *context);

#endif

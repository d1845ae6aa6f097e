/*
 * Which entries of the checkpoint directory are finished, oldest first. Part of
 * agent/checkpoints.h; the scanner owns its inotify descriptor.
 */
#ifndef AGENT_CHECKPOINT_SCANNER_H
#define AGENT_CHECKPOINT_SCANNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct scanner;

struct scanner *scanner_new(const char *directory, struct err *e) MUST_CHECK;
void scanner_free(struct scanner *f); /* NULL is fine */
int scanner_hint_fd(const struct scanner *f);
/* Names, by time of change and then name; the caller frees each and the array. */
int scanner_scan(struct scanner *f, bool is_final, char ***ret_names, size_t *ret_count,
                 struct err *e) MUST_CHECK;
/* Is this a name for something that is still being written? */
bool scanner_name_is_temporary(const char *name);
/* The number at the end of the name's stem: "epoch-12.ckpt" -> 12; -1 without one. */
long long scanner_step(const char *name);
/*
 * What the entry is: another value once it was replaced, or anything in it was written to, added or removed.
 * 0: it is not there.
 */
uint64_t scanner_stamp(const struct scanner *f, const char *name);
/* rm -r of what had that stamp, without following links. What has taken its place meanwhile stays. */
int scanner_remove(struct scanner *f, const char *name, uint64_t stamp, struct err *e) MUST_CHECK;

#endif

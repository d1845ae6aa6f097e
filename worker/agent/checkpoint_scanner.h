/*
 * Which entries of the checkpoint directory are finished, oldest first. Part of
 * agent/checkpoints.h. The scanner owns its inotify descriptor.
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
/* The names of finished entries, by modification time and then name. The caller frees each and the array. */
int scanner_scan(struct scanner *f, bool is_final, char ***ret_names, size_t *ret_count,
                 struct err *e) MUST_CHECK;
/* Whether programs use such names for what they are still writing. */
bool scanner_name_is_temporary(const char *name);
/* The number at the end of the name's stem: "epoch-12.ckpt" -> 12; -1 without one. */
long long scanner_step(const char *name);
/*
 * Identifies the content of an entry: the value changes when the entry is replaced, or when anything in it is
 * written, added or removed. 0: there is no such entry.
 */
uint64_t scanner_stamp(const struct scanner *f, const char *name);
/* Removes the entry with that stamp recursively, without following links. If it was replaced meanwhile, it
 * stays. */
int scanner_remove(struct scanner *f, const char *name, uint64_t stamp, struct err *e) MUST_CHECK;

#endif

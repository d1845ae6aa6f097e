/*
 * A few values out of JSON text, without a tree of it: what is not asked for is
 * skipped over. For texts of which thousands are read and little is wanted of each.
 *
 * The text is not validated: what is no JSON gives empty views or less members, and
 * never a read beyond its end. Views borrow from the text. Nothing is allocated.
 */
#ifndef DATA_SKIM_H
#define DATA_SKIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/view.h"

/* A value as it stands in the text: `"a"`, `1`, `{"b":2}`. Absent and null are the empty view. */

/* Steps through the members of an object, or with empty names through the elements of an array. */
struct skim {
    struct view rest;
};

struct skim skim_open(struct view value);
/*
 * The same text need not be gone over twice: skim_name() stops before the value of the next member (or the
 * next element), which is then to be taken by skim_value(), skim_hash() or steps through its own members
 * with the same cursor, skim_enter() first. False at the end, which is then behind the cursor. Names are as
 * written: those with escapes match nothing.
 */
bool skim_name(struct skim *s, struct view *ret_name);
bool skim_enter(struct skim *s); /* false: it is neither object nor array, and was taken */
struct view skim_value(struct skim *s);
/* Of what the value means: the order of members and the ways to escape do not count. Null is 0. */
uint64_t skim_hash(struct skim *s);
uint64_t skim_hash_text(struct view text);
uint64_t skim_hash_mix(uint64_t h);
/* skim_name and skim_value. */
bool skim_next(struct skim *s, struct view *ret_name, struct view *ret_value);

/* The members of those names, in one go over the object; absent ones are empty. */
void skim_members(struct view object, const char *const *names, size_t count, struct view *ret);
/* The value at "a.b.c". */
struct view skim_at(struct view object, const char *path);

/* What stands between the quotes of a string, perhaps with escapes; empty when it is none. */
struct view skim_text(struct view value);
bool skim_is(struct view value, const char *text);
/* Escapes resolved, terminated; out has room for text.len + 1 bytes. Returns the length. */
size_t skim_unescape(struct view text, char *out);
int64_t skim_int(struct view value, int64_t fallback);

#endif

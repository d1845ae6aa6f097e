/*
 * Reads a few values from JSON text without building a tree (an on-demand parser): the
 * rest of the text is skipped. For thousands of texts of which few values are needed.
 *
 * The text is not validated. Malformed JSON yields empty views or fewer members, and
 * never a read past its end. Views borrow from the text. Nothing is allocated, except
 * for the hash of a string with escapes.
 */
#ifndef DATA_SKIM_H
#define DATA_SKIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/view.h"

/* A value is a view of its text: `"a"`, `1`, `{"b":2}`. An absent value and null are the empty view. */

/* A cursor over the members of an object, or, with empty names, the elements of an array. */
struct skim {
    struct view rest;
};

struct skim skim_open(struct view value);
/*
 * One pass over nested text: skim_name() stops before the value of the next member (or the next element). The
 * caller must then consume that value with skim_value(), skim_hash(), or skim_enter() and a loop over its own
 * members with the same cursor. False at the end of the object or array, which it consumes. Names are
 * compared as written, so a name with escapes matches nothing.
 */
bool skim_name(struct skim *s, struct view *ret_name);
bool skim_enter(struct skim *s); /* false: neither object nor array; it was consumed */
struct view skim_value(struct skim *s);
/* A hash of the value's meaning: independent of the order of members and of escapes. 0 for null. */
uint64_t skim_hash(struct skim *s);
uint64_t skim_hash_text(struct view text);
uint64_t skim_hash_mix(uint64_t h);
/* skim_name followed by skim_value. */
bool skim_next(struct skim *s, struct view *ret_name, struct view *ret_value);

/* The values of `count` members, in one pass; absent ones are empty. */
void skim_members(struct view object, const char *const *names, size_t count, struct view *ret);
/* The value at path "a.b.c". */
struct view skim_at(struct view object, const char *path);

/* The text between a string's quotes, escapes included; empty when the value is not a string. */
struct view skim_text(struct view value);
bool skim_is(struct view value, const char *text);
/* Resolves the escapes of a string's text; out has room for text.len + 1 bytes and gets terminated. Returns
 * the length. */
size_t skim_unescape(struct view text, char *out);
int64_t skim_int(struct view value, int64_t fallback);

#endif

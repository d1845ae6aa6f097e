/*
 * JSON by jansson, with this tree's errors: parsing with a limit, values at
 * dotted paths, compact text. A tree returned is owned by the caller
 * (json_decref, or CLEANUP(js_free)); texts borrow from the tree.
 */
#ifndef DATA_JS_H
#define DATA_JS_H

#include <jansson.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/view.h"

/* Once per process that reads secrets: whatever jansson frees is wiped. */
void js_wipe_on_free(void);
/* ERR_PROTOCOL when the text is not JSON; what names the text in the message. NULL with *e set. */
json_t *js_parse(struct view text, const char *what, struct err *e) MUST_CHECK;
/* The same for objects that anybody may have written. A text may hold NUL, which ends it for
 * json_string_value; ERR_INVALID when it is JSON that jansson cannot hold (a member's name with NUL, a number
 * of more than 64 bits). */
json_t *js_parse_foreign(struct view text, const char *what, struct err *e) MUST_CHECK;
/* The value at "a.b.c"; NULL when a part is missing or null. */
json_t *js_at(const json_t *object, const char *path) MUST_CHECK;
/* The text there, or "". */
const char *js_text(const json_t *object, const char *path) MUST_CHECK RETURNS_NONNULL;
/* The whole number there, also when written as a decimal text (Google's int64); fallback otherwise. */
int64_t js_int(const json_t *object, const char *path, int64_t fallback) MUST_CHECK;
bool js_bool(const json_t *object, const char *path, bool fallback) MUST_CHECK;
/* Compact; the caller frees it. */
char *js_dump(const json_t *value) MUST_CHECK RETURNS_NONNULL;
void js_free(json_t **value);
/* Hands the tree to the arena, which frees it with everything else. Returns it. */
json_t *js_keep(struct arena *a, json_t *tree);

#endif

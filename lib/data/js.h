/*
 * JSON with jansson: parsing with errors of base/err.h, values at dotted paths, compact
 * output. The caller owns a returned tree (json_decref, or CLEANUP(js_free)); strings
 * are borrowed from it.
 */
#ifndef DATA_JS_H
#define DATA_JS_H

#include <jansson.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/view.h"

/* Once per process that reads secrets: makes jansson wipe whatever it frees. */
void js_wipe_on_free(void);
/* Parses text, which errors call `what`. NULL with *e set to ERR_PROTOCOL when it is not JSON. */
json_t *js_parse(struct view text, const char *what, struct err *e) MUST_CHECK;
/* The same for untrusted text. A string may contain NUL, which ends it for json_string_value. ERR_INVALID for
 * JSON that jansson cannot represent: a name with NUL, a number that needs more than 64 bits. */
json_t *js_parse_foreign(struct view text, const char *what, struct err *e) MUST_CHECK;
/* The value at path "a.b.c"; NULL when a part of it is absent or null. */
json_t *js_at(const json_t *object, const char *path) MUST_CHECK;
/* The string at path, or "". */
const char *js_text(const json_t *object, const char *path) MUST_CHECK RETURNS_NONNULL;
/* The integer at path, also when it is written as a string (as Google writes int64); fallback otherwise. */
int64_t js_int(const json_t *object, const char *path, int64_t fallback) MUST_CHECK;
bool js_bool(const json_t *object, const char *path, bool fallback) MUST_CHECK;
/* Compact; the caller frees it. */
char *js_dump(const json_t *value) MUST_CHECK RETURNS_NONNULL;
void js_free(json_t **value);
/* Lets the arena free the tree; returns it. */
json_t *js_keep(struct arena *a, json_t *tree);

#endif

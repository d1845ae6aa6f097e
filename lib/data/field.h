/*
 * Field tables: one row a field, for reading JSON into a struct and back.
 *
 * Decoding borrows strings from the tree and leaves a member alone when its field
 * is absent or null, so the caller puts defaults there first. Encoding leaves out
 * empty texts, unset times and, without `keep`, zero numbers; objects on the way
 * to a nested field are made as needed.
 */
#ifndef DATA_FIELD_H
#define DATA_FIELD_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/err.h"

enum field_kind {
    FIELD_TEXT,     /* const char * */
    FIELD_INT32,    /* int32_t */
    FIELD_INT64,    /* int64_t */
    FIELD_BOOL,     /* bool */
    FIELD_TIME,     /* int64_t, microseconds; RFC 3339 in JSON, whole seconds */
    FIELD_QUANTITY, /* int64_t; decoding only */
    FIELD_OBJECT,   /* const json_t *, decoding only */
    FIELD_ARRAY,    /* const json_t *, decoding only */
};

struct field {
    const char *path; /* "trainer.image" */
    enum field_kind kind;
    size_t offset;
    bool keep; /* write zero as well */
};

/* -1 when a field has another type, and all others are read; the message names the path of the first below
 * `where`. */
int fields_decode(const struct field *table, size_t count, const json_t *object, const char *where, void *ret,
                  struct err *e) MUST_CHECK;
/* The same for an object that somebody else may have written: a field of another type is skipped. */
void fields_decode_valid(const struct field *table, size_t count, const json_t *object, void *ret);
/* Adds the fields to `object`. */
void fields_encode(const struct field *table, size_t count, const void *from, json_t *object);

#endif

/*
 * Field tables: one row per field, for decoding JSON into a struct and encoding it.
 *
 * Decoding borrows strings from the tree. It leaves a member unchanged when its field
 * is absent or null, so the caller sets defaults first. Encoding omits empty strings,
 * unset times, absent objects and, without `keep`, zero numbers and the first of the
 * words; it creates the objects around a nested field.
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
    FIELD_WORD,     /* an enum of the size of int, an index of `words`; an unknown word is read as 0 */
    FIELD_OBJECT,   /* const json_t *; NULL: absent */
    FIELD_ARRAY,    /* const json_t *; NULL: absent */
};

struct field {
    const char *path; /* "trainer.image" */
    enum field_kind kind;
    size_t offset;
    bool keep;                /* write zero as well */
    const char *const *words; /* of FIELD_WORD, ended by NULL */
};

/* Decodes all fields that have the right type. -1 with ERR_INVALID when one has not; the message has its
 * path, prefixed with `where`. */
int fields_decode(const struct field *table, size_t count, const json_t *object, const char *where, void *ret,
                  struct err *e) MUST_CHECK;
/* The same for untrusted objects: a field of the wrong type counts as absent. */
void fields_decode_valid(const struct field *table, size_t count, const json_t *object, void *ret);
/* Sets the fields in `object`. */
void fields_encode(const struct field *table, size_t count, const void *from, json_t *object);

#endif

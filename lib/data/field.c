#include "data/field.h"

#include <stdint.h>
#include <string.h>

#include "data/quantity.h"
#include "base/rfc3339.h"
#include "data/js.h"

#include "base/banned.h"

#define PART_SIZE 64

/* Copies the first part of a dotted path and returns the rest, or NULL at the end. */
static const char *path_part(const char *path, char part[PART_SIZE])
{
    const char *dot = strchr(path, '.');
    size_t n = dot != NULL ? (size_t)(dot - path) : strlen(path);
    if (n >= PART_SIZE)
        n = PART_SIZE - 1;
    memcpy(part, path, n);
    part[n] = '\0';
    return dot != NULL ? dot + 1 : NULL;
}

static const char *kind_name(enum field_kind kind)
{
    switch (kind) {
    case FIELD_TEXT: return "a string";
    case FIELD_INT32:
    case FIELD_INT64: return "an integer";
    case FIELD_BOOL: return "a boolean";
    case FIELD_TIME: return "a time";
    case FIELD_WORD: return "a word";
    case FIELD_QUANTITY: return "a quantity such as 512Mi or 4Gi";
    case FIELD_OBJECT: return "an object";
    case FIELD_ARRAY: return "a list";
    }
    return "";
}

static int read_int32(const json_t *value, int32_t *ret)
{
    json_int_t n = json_integer_value(value);
    if (!json_is_integer(value) || n < INT32_MIN || n > INT32_MAX)
        return -1;
    *ret = (int32_t)n;
    return 0;
}

static int read_time(const json_t *value, int64_t *ret)
{
    return json_is_string(value) ? rfc3339_parse(view_from(json_string_value(value)), ret) : -1;
}

static int read_word(const char *const *words, const json_t *value, int *ret)
{
    int i = 0;
    if (!json_is_string(value))
        return -1;
    while (words[i] != NULL && strcmp(words[i], json_string_value(value)) != 0)
        i++;
    *ret = words[i] != NULL ? i : 0;
    return 0;
}

static int read_field(const struct field *f, const json_t *value, void *member)
{
    switch (f->kind) {
    case FIELD_TEXT:
        if (!json_is_string(value))
            return -1;
        *(const char **)member = json_string_value(value);
        return 0;
    case FIELD_INT32: return read_int32(value, member);
    case FIELD_INT64:
        if (!json_is_integer(value))
            return -1;
        *(int64_t *)member = json_integer_value(value);
        return 0;
    case FIELD_BOOL:
        if (!json_is_boolean(value))
            return -1;
        *(bool *)member = json_is_true(value);
        return 0;
    case FIELD_TIME: return read_time(value, member);
    case FIELD_WORD: return read_word(f->words, value, member);
    case FIELD_QUANTITY: return quantity_from_json(value, member);
    case FIELD_OBJECT:
    case FIELD_ARRAY:
        if (f->kind == FIELD_OBJECT ? !json_is_object(value) : !json_is_array(value))
            return -1;
        *(const json_t **)member = value;
        return 0;
    }
    return -1;
}

int fields_decode(const struct field *table, size_t count, const json_t *object, const char *where, void *ret,
                  struct err *e)
{
    int rc = 0;
    for (size_t i = 0; i < count; i++) {
        const json_t *value = js_at(object, table[i].path);
        if (value != NULL && read_field(&table[i], value, (char *)ret + table[i].offset) < 0 && rc == 0)
            rc = FAIL(e, ERR_INVALID, "%s%s must be %s", where, table[i].path, kind_name(table[i].kind));
    }
    return rc;
}

static json_t *write_time(int64_t us)
{
    char text[RFC3339_SIZE];
    rfc3339_format_seconds(us, text);
    return json_string(text);
}

/* NULL when the field is omitted. */
static json_t *write_field(const struct field *f, const void *member)
{
    switch (f->kind) {
    case FIELD_TEXT: {
        const char *text = *(const char *const *)member;
        return text != NULL && *text != '\0' ? json_string(text) : NULL;
    }
    case FIELD_INT32: {
        int32_t n = *(const int32_t *)member;
        return n != 0 || f->keep ? json_integer(n) : NULL;
    }
    case FIELD_INT64: {
        int64_t n = *(const int64_t *)member;
        return n != 0 || f->keep ? json_integer(n) : NULL;
    }
    case FIELD_BOOL: return json_boolean(*(const bool *)member);
    case FIELD_TIME: {
        int64_t us = *(const int64_t *)member;
        return us != 0 ? write_time(us) : NULL;
    }
    case FIELD_WORD: {
        int word = *(const int *)member;
        return word != 0 || f->keep ? json_string(f->words[word]) : NULL;
    }
    case FIELD_OBJECT:
    case FIELD_ARRAY: return json_deep_copy(*(const json_t *const *)member);
    case FIELD_QUANTITY: return NULL;
    }
    return NULL;
}

static void put_at(json_t *object, const char *path, json_t *value)
{
    char part[PART_SIZE];
    for (const char *rest = path_part(path, part); rest != NULL; rest = path_part(rest, part)) {
        json_t *inner = json_object_get(object, part);
        if (inner == NULL) {
            inner = json_object();
            json_object_set_new(object, part, inner);
        }
        object = inner;
    }
    json_object_set_new(object, part, value);
}

void fields_decode_valid(const struct field *table, size_t count, const json_t *object, void *ret)
{
    (void)!fields_decode(table, count, object, "", ret, NULL);
}

void fields_encode(const struct field *table, size_t count, const void *from, json_t *object)
{
    for (size_t i = 0; i < count; i++) {
        json_t *value = write_field(&table[i], (const char *)from + table[i].offset);
        if (value != NULL)
            put_at(object, table[i].path, value);
    }
}

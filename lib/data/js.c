#include "data/js.h"

#include <string.h>

#include "base/alloc.h"
#include "base/secret.h"

#include "base/banned.h"

static void *checked_malloc(size_t size)
{
    return xmalloc(size);
}

void js_wipe_on_free(void)
{
    json_set_alloc_funcs(checked_malloc, wiping_free);
}

/* jansson drops a NUL that follows a number: "[1\0,2]" would be a list. NULL with *problem set. */
static json_t *load(struct view text, size_t flags, json_error_t *problem)
{
    const char *nul = text.len > 0 ? memchr(text.ptr, '\0', text.len) : NULL;
    if (nul != NULL) {
        *problem = (json_error_t){.position = (int)(nul - text.ptr), .text = "NUL"};
        return NULL;
    }
    return json_loadb(text.len > 0 ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES | flags, problem);
}

json_t *js_parse(struct view text, const char *what, struct err *e)
{
    json_error_t problem;
    json_t *value = load(text, 0, &problem);
    if (value == NULL)
        err_set(e, ERR_PROTOCOL, what, "%s is not JSON: %s at byte %d", what, problem.text, problem.position);
    return value;
}

json_t *js_parse_foreign(struct view text, const char *what, struct err *e)
{
    json_error_t problem;
    json_t *value = load(text, JSON_ALLOW_NUL, &problem);
    if (value != NULL)
        return value;
    enum json_error_code code = json_error_code(&problem);
    bool is_unsupported = code == json_error_null_byte_in_key || code == json_error_numeric_overflow;
    err_set(e, is_unsupported ? ERR_INVALID : ERR_PROTOCOL, what, "%s cannot be parsed: %s at byte %d", what,
            problem.text, problem.position);
    return NULL;
}

json_t *js_at(const json_t *object, const char *path)
{
    struct view rest = view_from(path);
    json_t *at = NULL;
    while (rest.len > 0) {
        struct view part = view_cut(rest, '.', &rest);
        char key[128];
        if (part.len >= sizeof(key))
            return NULL;
        memcpy(key, part.ptr, part.len);
        key[part.len] = '\0';
        at = json_object_get(object, key);
        if (at == NULL)
            return NULL;
        object = at;
    }
    return json_is_null(at) ? NULL : at;
}

const char *js_text(const json_t *object, const char *path)
{
    const char *text = json_string_value(js_at(object, path));
    return text == NULL ? "" : text;
}

int64_t js_int(const json_t *object, const char *path, int64_t fallback)
{
    const json_t *value = js_at(object, path);
    uint64_t number;
    if (json_is_integer(value))
        return json_integer_value(value);
    if (json_is_string(value) && view_to_u64(view_from(json_string_value(value)), &number) &&
        number <= INT64_MAX)
        return (int64_t)number;
    return fallback;
}

bool js_bool(const json_t *object, const char *path, bool fallback)
{
    const json_t *value = js_at(object, path);
    return json_is_boolean(value) ? json_is_true(value) : fallback;
}

char *js_dump(const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (text == NULL)
        abort();
    return text;
}

void js_free(json_t **value)
{
    json_decref(*value);
    *value = NULL;
}

static void release(void *tree)
{
    json_decref(tree);
}

json_t *js_keep(struct arena *a, json_t *tree)
{
    arena_defer(a, release, tree);
    return tree;
}

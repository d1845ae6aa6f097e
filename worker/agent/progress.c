#include "agent/progress.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "data/js.h"

#include "base/banned.h"

/* As the job's status has room for. */
enum { METRICS_MAX = 64, NAME_MAX_BYTES = 128, VALUE_MAX_BYTES = 64, PERCENT_MAX = 100, WORD_MAX = 256 };

void progress_fini(struct progress *p)
{
    json_decref(p->latest);
    p->latest = NULL;
}

/* ---- objects ---- */
static int take_number(const json_t *status, const char *name, int32_t most, json_t *ret, struct err *e)
{
    const json_t *value = json_object_get(status, name);
    double number = json_number_value(value);
    if (value == NULL || json_is_null(value))
        return 0;
    if (!json_is_number(value) || !(number >= 0 && number <= most))
        return FAIL(e, ERR_INVALID, "%s must be a number from 0 to %d", name, (int)most);
    json_object_set_new(ret, name, json_integer((json_int_t)number));
    return 0;
}

/* Numbers are written out, as Trainer's own clients do. NULL when it is neither text nor number. */
static json_t *value_as_text(json_t *value)
{
    char text[32];
    if (json_is_string(value))
        return json_incref(value);
    if (json_is_integer(value))
        (void)snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        (void)snprintf(text, sizeof(text), "%.9g", json_real_value(value));
    else
        return NULL;
    return json_string(text);
}

/* They end up in a status and on terminals. */
static bool has_controls(const json_t *text)
{
    const char *at = json_string_value(text);
    for (size_t i = 0; i < json_string_length(text); i++)
        if ((unsigned char)at[i] < 0x20 || at[i] == 0x7f)
            return true;
    return false;
}

static int take_metric(const json_t *metric, size_t at, json_t *ret, struct err *e)
{
    json_t *name = json_object_get(metric, "name");
    json_t *value CLEANUP(js_free) = value_as_text(json_object_get(metric, "value"));
    size_t name_bytes = json_string_length(name), value_bytes = json_string_length(value);
    if (name_bytes == 0 || name_bytes > NAME_MAX_BYTES)
        return FAIL(e, ERR_INVALID, "metrics[%zu].name must be a string of 1 to %d bytes", at,
                    NAME_MAX_BYTES);
    if (value_bytes == 0 || value_bytes > VALUE_MAX_BYTES)
        return FAIL(e, ERR_INVALID, "metrics[%zu].value must be a string of 1 to %d bytes", at,
                    VALUE_MAX_BYTES);
    if (has_controls(name) || has_controls(value))
        return FAIL(e, ERR_INVALID, "metrics[%zu] must not contain control characters", at);
    json_array_append_new(ret, json_pack("{s:O, s:O}", "name", name, "value", value));
    return 0;
}

static int take_metrics(const json_t *list, json_t *ret, struct err *e)
{
    json_t *metrics CLEANUP(js_free) = json_array();
    if (list != NULL && !json_is_null(list) && !json_is_array(list))
        return FAIL(e, ERR_INVALID, "metrics must be an array");
    for (size_t i = 0; i < json_array_size(list) && i < METRICS_MAX; i++)
        if (take_metric(json_array_get(list, i), i, metrics, e) < 0)
            return -1;
    if (json_array_size(metrics) > 0)
        json_object_set(ret, "metrics", metrics);
    return 0;
}

int progress_take(struct progress *p, const json_t *status, struct err *e)
{
    json_t *taken CLEANUP(js_free) = json_object();
    if (!json_is_object(status))
        return FAIL(e, ERR_INVALID, "trainerStatus must be an object");
    if (take_number(status, "progressPercentage", PERCENT_MAX, taken, e) < 0 ||
        take_number(status, "estimatedRemainingSeconds", INT32_MAX, taken, e) < 0 ||
        take_metrics(json_object_get(status, "metrics"), taken, e) < 0)
        return -1;
    if (json_object_size(taken) == 0)
        return FAIL(e, ERR_INVALID, "no known progress field");
    json_decref(p->latest);
    p->latest = json_incref(taken);
    return 0;
}

/* ---- lines ---- */
static int take_object(struct progress *p, struct view line, struct err *e)
{
    json_t *tree CLEANUP(js_free) = js_parse(line, "the line", e);
    const json_t *inner = json_object_get(tree, "trainerStatus");
    return tree == NULL ? -1 : progress_take(p, inner != NULL ? inner : tree, e);
}

/* "40", "40.5", "40%" */
static json_t *number_of(struct view text)
{
    char digits[32];
    char *end = NULL;
    if (view_has_suffix(text, "%"))
        text.len--;
    if (text.len == 0 || text.len >= sizeof(digits))
        return NULL;
    memcpy(digits, text.ptr, text.len);
    digits[text.len] = '\0';
    double number = strtod(digits, &end);
    return *end == '\0' && isfinite(number) ? json_real(number) : NULL;
}

static int take_word(struct view word, json_t *status, json_t *metrics, struct err *e)
{
    struct view value, key = view_cut(word, '=', &value);
    const char *field =
        view_equal_text(key, "progress") || view_equal_text(key, "progressPercentage") ? "progressPercentage"
        : view_equal_text(key, "remaining") || view_equal_text(key, "estimatedRemainingSeconds")
            ? "estimatedRemainingSeconds"
            : NULL;
    json_t *name CLEANUP(js_free) = json_stringn(key.ptr, key.len);
    json_t *taken CLEANUP(js_free) = field != NULL ? number_of(value) : json_stringn(value.ptr, value.len);
    if (key.len == 0 || key.len == word.len || word.len > WORD_MAX || name == NULL || taken == NULL)
        return FAIL(e, ERR_INVALID, "%.*s is not NAME=VALUE", (int)(word.len < 64 ? word.len : 64), word.ptr);
    if (field != NULL)
        return json_object_set(status, field, taken);
    json_array_append_new(metrics, json_pack("{s:O, s:O}", "name", name, "value", taken));
    return 0;
}

static int take_words(struct progress *p, struct view line, struct err *e)
{
    json_t *status CLEANUP(js_free) = json_object(), *metrics = json_array();
    json_object_set_new(status, "metrics", metrics);
    while (line.len > 0) {
        struct view word = view_cut(line, ' ', &line);
        if (word.len > 0 && take_word(word, status, metrics, e) < 0)
            return -1;
    }
    return progress_take(p, status, e);
}

bool progress_cut_checkpoint(struct view *line, struct view *ret_path)
{
    static const char WORD[] = "checkpoint=";
    struct view rest = *line;
    if (view_has_prefix(view_trim(*line), "{"))
        return false;
    while (rest.len > 0 && !view_has_prefix(rest, WORD))
        (void)view_cut(rest, ' ', &rest);
    if (rest.len == 0)
        return false;
    line->len -= rest.len;
    *ret_path = view_trim(view_skip(rest, strlen(WORD)));
    return true;
}

int progress_take_line(struct progress *p, struct view line, struct err *e)
{
    line = view_trim(line);
    return view_has_prefix(line, "{") ? take_object(p, line, e) : take_words(p, line, e);
}

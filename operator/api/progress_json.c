#include "api/progress_json.h"

#include <stddef.h>

#include "data/field.h"
#include "data/js.h"

#include "base/banned.h"

/* As in the CRD. */
enum { METRICS_MAX = 64, METRIC_NAME_MAX = 128, METRIC_VALUE_MAX = 64, PERCENTAGE_MAX = 100 };

static const struct field progress_time[] = {
    {"lastUpdatedTime", FIELD_TIME, offsetof(struct status_progress, updated_us), false, NULL},
};

/* -1 when it is not a number from 0 to `most`. */
static int32_t number_of(const json_t *object, const char *name, int32_t most)
{
    const json_t *value = json_object_get(object, name);
    double number = json_number_value(value);
    return json_is_number(value) && number >= 0 && number <= most ? (int32_t)number : -1;
}

static bool is_text(const json_t *value, size_t most)
{
    return json_is_string(value) && json_string_length(value) > 0 && json_string_length(value) <= most;
}

static json_t *metrics_of(const json_t *list)
{
    json_t *metrics = json_array();
    for (size_t i = 0; i < json_array_size(list) && json_array_size(metrics) < METRICS_MAX; i++) {
        json_t *name = json_object_get(json_array_get(list, i), "name");
        json_t *value = json_object_get(json_array_get(list, i), "value");
        if (is_text(name, METRIC_NAME_MAX) && is_text(value, METRIC_VALUE_MAX))
            json_array_append_new(metrics, json_pack("{s:O, s:O}", "name", name, "value", value));
    }
    return metrics;
}

bool progress_decode(const json_t *object, struct arena *a, struct status_progress *ret)
{
    *ret = PROGRESS_NONE;
    ret->percentage = number_of(object, "progressPercentage", PERCENTAGE_MAX);
    ret->remaining_seconds = number_of(object, "estimatedRemainingSeconds", INT32_MAX);
    (void)!fields_decode(progress_time, ARRAY_LEN(progress_time), object, "", ret, NULL);
    json_t *metrics = js_keep(a, metrics_of(json_object_get(object, "metrics")));
    if (json_array_size(metrics) > 0)
        ret->metrics = metrics;
    return ret->percentage >= 0 || ret->remaining_seconds >= 0 || ret->metrics != NULL;
}

bool progress_equal(const struct status_progress *a, const struct status_progress *b)
{
    bool has_same_metrics = a->metrics != NULL && b->metrics != NULL ? json_equal(a->metrics, b->metrics) == 1
                                                                     : a->metrics == b->metrics;
    return a->percentage == b->percentage && a->remaining_seconds == b->remaining_seconds && has_same_metrics;
}

json_t *progress_encode(const struct status_progress *p)
{
    json_t *o = json_object();
    if (p->percentage >= 0)
        json_object_set_new(o, "progressPercentage", json_integer(p->percentage));
    if (p->remaining_seconds >= 0)
        json_object_set_new(o, "estimatedRemainingSeconds", json_integer(p->remaining_seconds));
    if (p->metrics != NULL)
        json_object_set_new(o, "metrics", json_deep_copy(p->metrics));
    fields_encode(progress_time, ARRAY_LEN(progress_time), p, o);
    return o;
}

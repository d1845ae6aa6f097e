#include "core/model/scaling.h"

#include <string.h>

#include "data/js.h"

#include "base/banned.h"

static enum scaling_word word_of(const json_t *event)
{
    const char *reason = js_text(event, "reason");
    return strcmp(reason, "TriggeredScaleUp") == 0    ? SCALING_UP
           : strcmp(reason, "NotTriggerScaleUp") == 0 ? SCALING_REFUSED
                                                      : SCALING_UNKNOWN;
}

/* Old and new event recorders use different fields; RFC 3339 in UTC sorts as text. */
static const char *time_of(const json_t *event)
{
    static const char *const fields[] = {"lastTimestamp", "series.lastObservedTime", "eventTime"};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (*js_text(event, fields[i]) != '\0')
            return js_text(event, fields[i]);
    return "";
}

struct scaling scaling_of_events(const json_t *list)
{
    struct scaling newest = {.pod_uid = "", .message = ""};
    const char *time = "";
    const json_t *items = json_object_get(list, "items");
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *event = json_array_get(items, i);
        if (word_of(event) == SCALING_UNKNOWN || strcmp(time_of(event), time) < 0)
            continue;
        time = time_of(event);
        newest.word = word_of(event);
        newest.message = js_text(event, "message");
    }
    return newest;
}

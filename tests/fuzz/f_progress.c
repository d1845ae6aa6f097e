/* Lines of progress: the program writes them, so whatever is taken has names, values and numbers within the
 * limits. */
#include <string.h>

#include "agent/progress.h"
#include "base/arena.h"
#include "api/progress_json.h"
#include "data/js.h"
#include "fuzz.h"

#include "base/banned.h"

static bool is_printable(const json_t *text)
{
    const char *at = json_string_value(text);
    for (size_t i = 0; i < json_string_length(text); i++)
        if ((unsigned char)at[i] < 0x20 || at[i] == 0x7f)
            return false;
    return true;
}

static void check_number(const json_t *progress, const char *name, json_int_t most)
{
    const json_t *number = json_object_get(progress, name);
    CHECK(number == NULL || json_is_integer(number));
    CHECK(json_integer_value(number) >= 0 && json_integer_value(number) <= most);
}

static void check_progress(const json_t *progress)
{
    size_t i;
    json_t *metric;
    check_number(progress, "progressPercentage", 100);
    check_number(progress, "estimatedRemainingSeconds", INT32_MAX);
    CHECK(json_array_size(json_object_get(progress, "metrics")) <= 64);
    json_array_foreach(json_object_get(progress, "metrics"), i, metric)
    {
        const json_t *name = json_object_get(metric, "name"), *value = json_object_get(metric, "value");
        CHECK(json_string_length(name) >= 1 && json_string_length(name) <= 128 && is_printable(name));
        CHECK(json_string_length(value) >= 1 && json_string_length(value) <= 64 && is_printable(value));
    }
}

/* What the agent has taken, the operator understands, and the agent would take again. */
static void check_accepted(const json_t *progress)
{
    struct err e = {0};
    struct arena *a CLEANUP(cleanup_arena) = arena_new();
    struct status_progress status;
    struct progress again = {0};
    CHECK(progress_decode(progress, a, &status));
    CHECK(progress_take(&again, progress, &e) == 0 && json_equal(again.latest, progress));
    progress_fini(&again);
}

/* What names a checkpoint is cut off the line; the rest is progress as before. */
static void cut_checkpoint(struct view *line)
{
    struct view before = *line, path = {0};
    if (!progress_cut_checkpoint(line, &path)) {
        CHECK(view_equal(*line, before));
        return;
    }
    CHECK(fuzz_is_within(*line, before) && fuzz_is_within(path, before) && line->ptr == before.ptr);
    CHECK(line->len + strlen("checkpoint=") + path.len <= before.len);
    CHECK(!progress_cut_checkpoint(line, &path)); /* one for each line */
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct view rest = view_of(bytes, length);
    struct progress p = {0};
    while (rest.len > 0) {
        struct err e = {0};
        struct view line = view_cut(rest, '\n', &rest);
        json_t *before = json_incref(p.latest);
        cut_checkpoint(&line);
        if (progress_take_line(&p, line, &e) == 0) {
            check_progress(p.latest);
            check_accepted(p.latest);
        } else {
            CHECK(p.latest == before);
            fuzz_check_error(&e);
        }
        json_decref(before);
    }
    progress_fini(&p);
    return 0;
}

/* Texts for people, in the arena. */
#include "core/plan/planner_int.h"

#include <ctype.h>
#include <string.h>

#include "base/rfc3339.h"
#include "base/strbuf.h"

#include "base/banned.h"

const char *text_clip(struct arena *a, const char *text, size_t max)
{
    size_t n = strlen(text);
    if (n <= max)
        return text;
    n = max;
    /* A byte 10xxxxxx continues a character. */
    while (n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80)
        n--;
    return arena_view_dup(a, (struct view){text, n});
}

const char *text_capitalize(struct arena *a, const char *text)
{
    char *copy = arena_strdup(a, text);
    copy[0] = (char)toupper((unsigned char)copy[0]);
    return copy;
}

const char *text_list(struct arena *a, const char *const *names, size_t count, size_t max)
{
    struct strbuf text CLEANUP(strbuf_fini) = STRBUF(max);
    for (size_t i = 0; i < count; i++)
        strbuf_addf(&text, "%s%s", i > 0 ? ", " : "", names[i]);
    return arena_printf(a, "%s%s", strbuf_text(&text), strbuf_overflowed(&text) ? " and others" : "");
}

const char *text_time(struct arena *a, int64_t us)
{
    char time[RFC3339_SIZE];
    rfc3339_format_seconds(us, time);
    return arena_strdup(a, time);
}

#include "api/indexes.h"

#include "base/strbuf.h"

#include "base/banned.h"

/* As in the CRD; every second one of a thousand workers takes less than half of it. */
#define INDEXES_TEXT_MAX ((size_t)4096)

void indexes_read(const char *text, int32_t count, bool *ret)
{
    struct view rest = view_from(text);
    while (rest.len > 0) {
        struct view last_text, range = view_cut(rest, ',', &rest);
        uint64_t first = 0, last = 0;
        struct view first_text = view_cut(range, '-', &last_text);
        if (!view_to_u64(first_text, &first))
            continue;
        if (!view_to_u64(last_text, &last))
            last = first;
        for (uint64_t i = first; i <= last && i < (uint64_t)count; i++)
            ret[i] = true;
    }
}

const char *indexes_text(const bool *set, int32_t count, struct arena *a)
{
    struct strbuf text CLEANUP(strbuf_fini) = STRBUF(INDEXES_TEXT_MAX);
    for (int32_t first = 0, last; first < count; first = last + 1) {
        last = first;
        if (!set[first])
            continue;
        while (last + 1 < count && set[last + 1])
            last++;
        strbuf_addf(&text, "%s%d", text.len > 0 ? "," : "", (int)first);
        if (last > first)
            strbuf_addf(&text, "-%d", (int)last);
    }
    return arena_strdup(a, strbuf_text(&text));
}

#include "gcp/byte_range.h"

#include <string.h>

#include "base/banned.h"

bool byte_range_read_part(struct view text, uint64_t *ret_first, uint64_t *ret_total)
{
    static const char UNIT[] = "bytes ";
    struct view total_text, last_text, range = view_cut(view_skip(text, strlen(UNIT)), '/', &total_text);
    uint64_t first, last, total = UINT64_MAX;
    bool has_total = !view_equal_text(total_text, "*");
    if (!view_has_prefix(text, UNIT) || !view_to_u64(view_cut(range, '-', &last_text), &first) ||
        !view_to_u64(last_text, &last) || (has_total && !view_to_u64(total_text, &total)))
        return false;
    if (last < first || last >= total)
        return false;
    *ret_first = first;
    if (has_total)
        *ret_total = total;
    return true;
}

bool byte_range_read_arrived(struct view text, uint64_t *ret_end)
{
    struct view last_text;
    uint64_t last;
    if (text.len == 0) {
        *ret_end = 0;
        return true;
    }
    if (!view_equal_text(view_cut(text, '-', &last_text), "bytes=0") || !view_to_u64(last_text, &last) ||
        last == UINT64_MAX)
        return false;
    *ret_end = last + 1;
    return true;
}

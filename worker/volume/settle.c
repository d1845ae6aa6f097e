#include "volume/settle.h"

#include "base/banned.h"

static bool end_pause(struct settle *s, int64_t at_ms)
{
    int64_t pause_ms = at_ms - s->active_ms;
    bool is_longest = s->is_listed && pause_ms > s->longest_ms;
    if (is_longest) {
        s->longest_ms = pause_ms;
        s->after_ms = at_ms;
    }
    s->is_listed = false;
    s->active_ms = at_ms;
    return is_longest;
}

bool settle_change(struct settle *s, int64_t at_ms)
{
    if (s->is_going_on)
        return end_pause(s, at_ms);
    *s = (struct settle){.burst = s->burst + 1, .is_going_on = true, .begun_ms = at_ms, .active_ms = at_ms};
    return false;
}

bool settle_open(struct settle *s, int64_t at_ms)
{
    return s->is_going_on && end_pause(s, at_ms);
}

void settle_reset(struct settle *s)
{
    *s = (struct settle){.burst = s->burst};
}

/* What came after the longest pause is the beginning of the next burst. */
static void cut_burst(struct settle *s)
{
    *s = (struct settle){.burst = s->burst + 1,
                         .is_going_on = true,
                         .is_listed = s->is_listed,
                         .begun_ms = s->after_ms,
                         .active_ms = s->active_ms};
}

enum settle_step settle_tick(struct settle *s, int64_t now_ms, bool is_writing)
{
    int64_t pause_ms = now_ms - s->active_ms;
    if (!s->is_going_on)
        return SETTLE_NOTHING;
    if (!s->is_listed && !is_writing && pause_ms >= PAUSE_MIN_MS) {
        s->is_listed = true;
        return SETTLE_LIST;
    }
    bool is_cut = now_ms - s->begun_ms > BURST_MS;
    if (s->is_listed && (pause_ms >= SETTLE_MS || (is_cut && pause_ms > s->longest_ms))) {
        settle_reset(s);
        return SETTLE_OVER_HERE;
    }
    if (!is_cut || s->longest_ms == 0)
        return SETTLE_NOTHING;
    cut_burst(s);
    return SETTLE_OVER_LONGEST;
}

#include "agent/gate_words.h"

#include <string.h>

#include "agentapi/gate_protocol.h"
#include "base/alloc.h"

#include "base/banned.h"

enum { EXIT_CODES = 256 };

/* words: "CODE", or "CODE terminated". */
static bool read_exit(struct view words, struct gate_word *w)
{
    struct view rest, code = view_cut(words, ' ', &rest);
    uint64_t number;
    if (!view_to_u64(code, &number) || number >= EXIT_CODES)
        return false;
    w->has_exited = true;
    w->exit_code = (int)number;
    w->is_terminated = view_equal_text(rest, GATE_TERMINATED);
    return true;
}

/* words: "VERSION STATE", or "VERSION exited CODE ..." */
static void read_hello(struct view words, struct gate_word *w)
{
    struct view rest, version = view_cut(words, ' ', &rest), state = view_cut(rest, ' ', &rest);
    w->kind = GATE_WORD_HELLO;
    w->is_other_version = !view_equal_text(version, GATE_VERSION);
    w->is_waiting = view_equal_text(state, GATE_IS_WAITING);
    w->is_swapped = view_equal_text(state, GATE_IS_SWAPPED);
    if (view_equal_text(state, GATE_IS_EXITED))
        (void)read_exit(rest, w);
}

struct gate_word gate_word_read(struct view line)
{
    struct gate_word w = {.kind = GATE_WORD_NONE};
    struct view second, rest, verb = view_cut(line, ' ', &rest);
    if (view_equal_text(verb, GATE_HELLO)) {
        read_hello(rest, &w);
    } else if (view_equal_text(verb, GATE_USAGE)) {
        struct view first = view_cut(rest, ' ', &second);
        if (view_to_u64(first, &w.memory_bytes) && view_to_u64(second, &w.cpu_us))
            w.kind = GATE_WORD_USAGE;
    } else if (view_equal_text(verb, GATE_EXITED) && read_exit(rest, &w)) {
        w.kind = GATE_WORD_EXITED;
    }
    return w;
}

char *gate_take_line(struct strbuf *input, size_t *ret_length)
{
    struct view rest, line = view_cut(strbuf_view(input), '\n', &rest);
    if (line.len == input->len)
        return NULL; /* no end yet */
    char *copy = view_dup(line);
    *ret_length = line.len;
    strbuf_consume(input, line.len + 1);
    return copy;
}

/*
 * The gate between the agent and cloister-exec: both ends cut the same bytes into the same lines, however
 * they arrive, and a word that was read is read as the same when it is written as cloister-exec writes it.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/gate_words.h"
#include "agentapi/gate_protocol.h"
#include "base/alloc.h"
#include "exec/link.h"
#include "fuzz.h"

#include "base/banned.h"

enum { LINES_TEXT_MAX = 64 * 1024 };

/* ---- words ---- */
static bool is_same_word(const struct gate_word *a, const struct gate_word *b)
{
    return a->kind == b->kind && a->is_other_version == b->is_other_version &&
           a->is_waiting == b->is_waiting && a->is_swapped == b->is_swapped &&
           a->has_exited == b->has_exited && a->is_terminated == b->is_terminated &&
           a->exit_code == b->exit_code && a->memory_bytes == b->memory_bytes && a->cpu_us == b->cpu_us;
}

/* As worker/exec/main.c says it. */
static char *say(const struct gate_word *w)
{
    const char *end = w->is_terminated ? " " GATE_TERMINATED : "";
    switch (w->kind) {
    case GATE_WORD_USAGE:
        return xasprintf(GATE_USAGE " %llu %llu", (unsigned long long)w->memory_bytes,
                         (unsigned long long)w->cpu_us);
    case GATE_WORD_EXITED: return xasprintf(GATE_EXITED " %d%s", w->exit_code, end);
    case GATE_WORD_HELLO:
        if (w->has_exited)
            return xasprintf(GATE_HELLO " " GATE_VERSION " " GATE_IS_EXITED " %d%s", w->exit_code, end);
        return xasprintf(GATE_HELLO " " GATE_VERSION " %s", w->is_waiting   ? GATE_IS_WAITING
                                                            : w->is_swapped ? GATE_IS_SWAPPED
                                                                            : GATE_IS_RUNNING);
    case GATE_WORD_NONE: break;
    }
    return xstrdup("");
}

static void check_word(struct view line)
{
    struct gate_word w = gate_word_read(line), again;
    CHECK(w.exit_code >= 0 && w.exit_code < 256 && (w.has_exited || (w.exit_code == 0 && !w.is_terminated)));
    CHECK(w.kind != GATE_WORD_NONE || !w.has_exited);
    CHECK(!(w.is_waiting && w.is_swapped) && !(w.has_exited && (w.is_waiting || w.is_swapped)));
    if (w.kind == GATE_WORD_NONE || w.is_other_version)
        return;
    char *text CLEANUP(cleanup_free) = say(&w);
    again = gate_word_read(view_from(text));
    CHECK(is_same_word(&w, &again));
}

/* ---- lines ---- */
/* What was cut into lines, each with an end that no line has. */
struct lines {
    struct strbuf text;
    bool is_dropped; /* a line was too long */
};

static void add_line(struct lines *l, struct view line)
{
    struct view rest;
    strbuf_add_view(&l->text, view_cut(line, '\0', &rest)); /* exec's lines end at a NUL */
    strbuf_add_char(&l->text, '\n');
}

/* As the agent reads them, from pieces as they come from a socket. */
static void read_as_agent(struct view bytes, size_t piece, struct lines *ret)
{
    struct strbuf input = STRBUF(GATE_LINE_BYTES);
    size_t length;
    *ret = (struct lines){.text = STRBUF(LINES_TEXT_MAX)};
    while (bytes.len > 0 && !ret->is_dropped) {
        struct view part = view_of(bytes.ptr, bytes.len < piece ? bytes.len : piece);
        strbuf_add_view(&input, part);
        ret->is_dropped = strbuf_overflowed(&input);
        for (char *line; !ret->is_dropped && (line = gate_take_line(&input, &length)) != NULL; free(line)) {
            check_word(view_of(line, length));
            add_line(ret, view_of(line, length));
        }
        bytes = view_skip(bytes, part.len);
    }
    strbuf_fini(&input);
}

static void on_line(void *context, char *line)
{
    add_line(context, view_from(line));
}

static void read_as_exec(struct view bytes, size_t piece, struct lines *ret)
{
    int fds[2];
    struct agent_link l = {.path = "", .fd = -1};
    *ret = (struct lines){.text = STRBUF(LINES_TEXT_MAX)};
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
    l.fd = fds[0];
    bool is_connected = true;
    for (size_t length; bytes.len > 0 && is_connected; bytes = view_skip(bytes, length)) {
        length = bytes.len < piece ? bytes.len : piece;
        CHECK(write(fds[1], bytes.ptr, length) == (ssize_t)length);
        is_connected = agent_link_receive(&l, on_line, ret);
    }
    CHECK(shutdown(fds[1], SHUT_WR) == 0);
    while (is_connected) /* it takes what it has room for */
        is_connected = agent_link_receive(&l, on_line, ret);
    ret->is_dropped = l.held == sizeof(l.line);
    agent_link_close(&l);
    close(fds[1]);
}

static void check_same(const struct lines *a, const struct lines *b)
{
    if (!a->is_dropped && !b->is_dropped)
        CHECK(view_equal(strbuf_view(&a->text), strbuf_view(&b->text)));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct view text = view_of(bytes, length);
    size_t piece = fuzz_cut(bytes, length) % 512 + 1; /* as much as the agent takes at once */
    struct lines whole, pieces, other;
    read_as_agent(text, 512, &whole);
    read_as_agent(text, piece, &pieces);
    read_as_exec(text, piece, &other);
    check_same(&whole, &pieces);
    check_same(&whole, &other);
    strbuf_fini(&whole.text);
    strbuf_fini(&pieces.text);
    strbuf_fini(&other.text);
    return 0;
}

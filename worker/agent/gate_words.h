/*
 * What cloister-exec says at the gate (agentapi/gate_protocol.h): bytes into lines, lines
 * into words. It runs in the trainer's container, so nothing of it is trusted: what is no
 * word of the protocol has no meaning. Pure; nothing fails.
 */
#ifndef AGENT_GATE_WORDS_H
#define AGENT_GATE_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/strbuf.h"
#include "base/view.h"

enum gate_word_kind {
    GATE_WORD_NONE, /* no word of the protocol */
    GATE_WORD_HELLO,
    GATE_WORD_USAGE,
    GATE_WORD_EXITED,
};

struct gate_word {
    enum gate_word_kind kind;
    /* of HELLO */
    bool is_other_version;
    bool is_waiting; /* the program has not been started */
    bool is_swapped; /* it is not going to be: the container's memory could be swapped */
    /* of EXITED, and of HELLO when the program has ended */
    bool has_exited;
    bool is_terminated; /* it was told to end before, because the pod ends */
    int exit_code;      /* 0 to 255 */
    /* of USAGE */
    uint64_t memory_bytes, cpu_us;
};

/* line: without its end. */
struct gate_word gate_word_read(struct view line);
/* Cuts the first whole line off the bytes that have arrived; without its end, and the caller frees it. NULL
 * when there is none yet. */
char *gate_take_line(struct strbuf *input, size_t *ret_length) MUST_CHECK;

#endif

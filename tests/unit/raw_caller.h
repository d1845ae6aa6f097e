/*
 * A caller that is no HTTP client of ours: it says what it is told to, over TLS that checks nothing or
 * without, in a thread of its own.
 */
#ifndef TESTS_UNIT_RAW_CALLER_H
#define TESTS_UNIT_RAW_CALLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct loop_source;

enum { PIECE_MAX = 16 * 1024, ENDLESS_BYTES = 64 * 1024 * 1024, ANSWER_MAX = 4096, SILENT_MAX = 400 };

struct raw_caller {
    uint16_t port;    /* of 127.0.0.1 */
    const char *text; /* what it says first */
    size_t piece;     /* then it says so many bytes again and again; 0: no more */
    long pause_us;    /* between them */
    bool is_plain;    /* without TLS */
    /* Further connections that say nothing: opened before it says something, or before it listens. */
    size_t silent_before, silent_after;
    int patience_ms; /* so long a silence of the server ends the call; 0: 300 */
    size_t sent;
    char answer[ANSWER_MAX]; /* of what says no more: all that came until the server was silent */
    size_t silent_left;      /* of those connections, as many are still open then */
    struct loop *loop;
    struct loop_source *done;
};

/* Runs the loop until the caller has given up or was refused. */
void raw_call(struct raw_caller *c, struct loop *loop);

#endif

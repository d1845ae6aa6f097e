/*
 * The event loop: libevent behind four kinds of source. One thread.
 *
 * A source is owned by whoever made it; freeing it guarantees that its callback
 * runs no more, also from inside its own callback. Callbacks return quickly,
 * never block and never run the loop. Times are milliseconds on CLOCK_BOOTTIME
 * or microseconds of wall time where the name says so. Nothing here fails;
 * exhaustion of memory or descriptors ends the process.
 */
#ifndef OS_LOOP_H
#define OS_LOOP_H

#include <stdint.h>

#include "base/attr.h"

struct loop;
struct loop_source;
struct event_base;

enum loop_io {
    LOOP_READ = 1,
    LOOP_WRITE = 2,
};

struct loop *loop_new(void) MUST_CHECK RETURNS_NONNULL;
void loop_free(struct loop *l);
/* Runs until loop_stop; returns the code given to it. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l, int exit_code);

typedef void loop_fn(void *context);
typedef void loop_io_fn(void *context, int fd, unsigned events);

struct loop_source *loop_add_io(struct loop *l, int fd, unsigned events, loop_io_fn *fn,
                                void *context) MUST_CHECK RETURNS_NONNULL;
/* One-shot, disarmed until loop_timer_set. */
struct loop_source *loop_add_timer(struct loop *l, loop_fn *fn, void *context) MUST_CHECK RETURNS_NONNULL;
/* Arms or re-arms; 0 means as soon as possible; -1 disarms. */
void loop_timer_set(struct loop_source *timer, int64_t delay_ms);
struct loop_source *loop_add_signal(struct loop *l, int signal_number, loop_fn *fn,
                                    void *context) MUST_CHECK RETURNS_NONNULL;
/* Runs fn on the loop once per call of loop_wake (coalesced); loop_wake is thread-safe. */
struct loop_source *loop_add_wake(struct loop *l, loop_fn *fn, void *context) MUST_CHECK RETURNS_NONNULL;
void loop_wake(struct loop_source *wake);
void loop_source_free(struct loop_source *s); /* NULL is fine */

/* For the two files that put libcurl and evhttp on the loop. */
struct event_base *loop_event_base(struct loop *l);

int64_t clock_boot_ms(void);
int64_t clock_wall_us(void);

#endif

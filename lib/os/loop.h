/*
 * The event loop: libevent with four kinds of event source (I/O, timer, signal, wake).
 * For one thread.
 *
 * The caller of loop_add_* owns the source. Once it is freed, which is allowed inside
 * its own callback, the callback is not called again. Callbacks return quickly, never
 * block and never run the loop. Times are milliseconds of CLOCK_BOOTTIME, or
 * microseconds of wall time where the name says so. Nothing here fails; the process
 * aborts when memory or descriptors are exhausted.
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
/* Runs until loop_stop and returns its exit_code. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l, int exit_code);

typedef void loop_fn(void *context);
typedef void loop_io_fn(void *context, int fd, unsigned events);

struct loop_source *loop_add_io(struct loop *l, int fd, unsigned events, loop_io_fn *fn,
                                void *context) MUST_CHECK RETURNS_NONNULL;
/* A one-shot timer, disarmed until loop_timer_set. */
struct loop_source *loop_add_timer(struct loop *l, loop_fn *fn, void *context) MUST_CHECK RETURNS_NONNULL;
/* Arms or re-arms the timer; 0: as soon as possible; -1: disarms it. */
void loop_timer_set(struct loop_source *timer, int64_t delay_ms);
struct loop_source *loop_add_signal(struct loop *l, int signal_number, loop_fn *fn,
                                    void *context) MUST_CHECK RETURNS_NONNULL;
/* Calls fn on the loop after loop_wake, once for several calls in a row. loop_wake is thread-safe. */
struct loop_source *loop_add_wake(struct loop *l, loop_fn *fn, void *context) MUST_CHECK RETURNS_NONNULL;
void loop_wake(struct loop_source *wake);
void loop_source_free(struct loop_source *s); /* NULL is fine */

/* For lib/net, which runs evhttp on the loop. */
struct event_base *loop_event_base(struct loop *l);

int64_t clock_boot_ms(void);
int64_t clock_wall_us(void);

#endif

#include "os/loop.h"

#include <event2/event.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"

#include "base/banned.h"

struct loop {
    struct event_base *base;
    int exit_code;
};

struct loop_source {
    struct event *event;
    loop_fn *fn;
    loop_io_fn *io_fn;
    void *context;
    int wake_fd; /* -1 unless this is a wake source */
};

struct loop *loop_new(void)
{
    struct loop *l = xcalloc(1, sizeof(*l));
    struct event_config *config = event_config_new();
    if (config == NULL)
        abort();
    l->base = event_base_new_with_config(config);
    event_config_free(config);
    if (l->base == NULL)
        abort();
    return l;
}

void loop_free(struct loop *l)
{
    if (l == NULL)
        return;
    event_base_free(l->base);
    free(l);
}

int loop_run(struct loop *l)
{
    event_base_loop(l->base, EVLOOP_NO_EXIT_ON_EMPTY);
    return l->exit_code;
}

void loop_stop(struct loop *l, int exit_code)
{
    l->exit_code = exit_code;
    event_base_loopbreak(l->base);
}

struct event_base *loop_event_base(struct loop *l)
{
    return l->base;
}

static void on_event(evutil_socket_t fd, short what, void *context)
{
    struct loop_source *s = context;
    if (s->wake_fd >= 0) {
        uint64_t count = 0;
        (void)!read(s->wake_fd, &count, sizeof(count)); /* resets the counter */
    }
    if (s->io_fn != NULL)
        s->io_fn(s->context, fd, (what & EV_READ ? LOOP_READ : 0u) | (what & EV_WRITE ? LOOP_WRITE : 0u));
    else
        s->fn(s->context);
}

static struct loop_source *source_new(struct loop *l, int fd, short what, loop_fn *fn, void *context)
{
    struct loop_source *s = xcalloc(1, sizeof(*s));
    *s = (struct loop_source){.fn = fn, .context = context, .wake_fd = -1};
    s->event = event_new(l->base, fd, what, on_event, s);
    if (s->event == NULL)
        abort();
    return s;
}

struct loop_source *loop_add_io(struct loop *l, int fd, unsigned events, loop_io_fn *fn, void *context)
{
    short what =
        (short)((events & LOOP_READ ? EV_READ : 0) | (events & LOOP_WRITE ? EV_WRITE : 0) | EV_PERSIST);
    struct loop_source *s = source_new(l, fd, what, NULL, context);
    s->io_fn = fn;
    event_add(s->event, NULL);
    return s;
}

struct loop_source *loop_add_timer(struct loop *l, loop_fn *fn, void *context)
{
    return source_new(l, -1, 0, fn, context);
}

void loop_timer_set(struct loop_source *timer, int64_t delay_ms)
{
    if (delay_ms < 0) {
        event_del(timer->event);
        return;
    }
    struct timeval delay = {.tv_sec = delay_ms / 1000, .tv_usec = delay_ms % 1000 * 1000};
    event_add(timer->event, &delay);
}

struct loop_source *loop_add_signal(struct loop *l, int signal_number, loop_fn *fn, void *context)
{
    struct loop_source *s = source_new(l, signal_number, EV_SIGNAL | EV_PERSIST, fn, context);
    event_add(s->event, NULL);
    return s;
}

struct loop_source *loop_add_wake(struct loop *l, loop_fn *fn, void *context)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        abort();
    struct loop_source *s = source_new(l, fd, EV_READ | EV_PERSIST, fn, context);
    s->wake_fd = fd;
    event_add(s->event, NULL);
    return s;
}

void loop_wake(struct loop_source *wake)
{
    const uint64_t one = 1;
    (void)!write(wake->wake_fd, &one,
                 sizeof(one)); /* fails only when the counter is full: then it is awake already */
}

void loop_source_free(struct loop_source *s)
{
    if (s == NULL)
        return;
    event_free(s->event);
    if (s->wake_fd >= 0)
        close(s->wake_fd);
    free(s);
}

int64_t clock_boot_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_wall_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

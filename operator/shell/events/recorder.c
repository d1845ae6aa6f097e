#include "shell/events/recorder.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/rfc3339.h"
#include "core/render/event.h"
#include "data/js.h"
#include "os/loop.h"
#include "shell/events/event_sink.h"
#include "shell/events/series.h"

#include "base/banned.h"

enum { FLUSH_MS = 60 * 1000 };

struct recorder {
    const char *instance;
    struct event_sink *sink;
    struct series_table *series;
    struct loop_source *flush; /* writes the counts of series */
    int64_t named_us;          /* the time in the name of the last event; each name gets a later one */
};

/* ---- series ---- */
static json_t *make_patch(const struct event_series *s)
{
    char time[RFC3339_SIZE];
    rfc3339_format_micros(s->seen_us, time);
    return json_pack("{s:{s:I, s:s}}", "series", "count", (json_int_t)s->count, "lastObservedTime", time);
}

static void write_series(struct recorder *r, const struct event_series *s)
{
    json_t *patch CLEANUP(js_free) = make_patch(s);
    json_t *event CLEANUP(js_free) = js_parse(view_from(s->event), "an event", NULL);
    json_object_update(event, patch);
    event_sink_put(r->sink, s->ns, s->name, event, patch);
}

/* ---- events ---- */
static void write_first(struct recorder *r, const struct job *job, json_t *event, const char *name,
                        const char *key, int64_t now_us)
{
    char *text CLEANUP(cleanup_free) = js_dump(event);
    struct event_series s = {.ns = job->ns,
                             .name = name,
                             .event = text,
                             .seen_ms = clock_boot_ms(),
                             .written_ms = clock_boot_ms(),
                             .seen_us = now_us};
    series_begin(r->series, job->uid, key, &s);
    event_sink_put(r->sink, job->ns, name, event, NULL);
}

void recorder_event(struct recorder *r, const struct job *job, const struct action *a)
{
    const struct event_series *s;
    int64_t now_us = clock_wall_us();
    char *key CLEANUP(cleanup_free) = event_key(a);
    switch (series_note(r->series, job->uid, key, clock_boot_ms(), now_us, &s)) {
    case SERIES_FIRST: break;
    case SERIES_SECOND: write_series(r, s); return;
    case SERIES_MORE: return;
    }
    r->named_us = now_us > r->named_us ? now_us : r->named_us + 1;
    /* As client-go does: nanoseconds in hexadecimal. */
    char *name CLEANUP(cleanup_free) =
        xasprintf("%s.%llx", job->name, (unsigned long long)r->named_us * 1000);
    json_t *event CLEANUP(js_free) = event_render(job, a, name, r->instance, now_us);
    write_first(r, job, event, name, key, now_us);
}

static void on_flush(void *context)
{
    struct recorder *r = context;
    const struct event_series *s;
    while ((s = series_due(r->series, clock_boot_ms())) != NULL)
        write_series(r, s);
    loop_timer_set(r->flush, FLUSH_MS);
}

/* ---- life ---- */
struct recorder *recorder_new(struct loop *loop, struct kube_client *client, const char *instance,
                              struct telemetry *telemetry)
{
    struct recorder *r = xcalloc(1, sizeof(*r));
    r->instance = instance;
    r->sink = event_sink_new(loop, client, telemetry);
    r->series = series_table_new();
    r->flush = loop_add_timer(loop, on_flush, r);
    loop_timer_set(r->flush, FLUSH_MS);
    return r;
}

void recorder_free(struct recorder *r)
{
    if (r == NULL)
        return;
    event_sink_free(r->sink);
    series_table_free(r->series);
    loop_source_free(r->flush);
    free(r);
}

bool recorder_is_idle(const struct recorder *r)
{
    return event_sink_is_idle(r->sink);
}

#include "kube/informer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/alloc.h"
#include "base/backoff.h"
#include "data/js.h"
#include "data/skim.h"
#include "kobj/status.h"
#include "kube/framer.h"
#include "kube/object_ref.h"
#include "net/url.h"
#include "os/loop.h"

#include "base/banned.h"

enum {
    PAGE = 500,
    ITEM_MAX = 8 * 1024 * 1024,
    PATH_MAX_BYTES = 16 * 1024, /* continue tokens are long */
    BACKOFF_FIRST_MS = 800,
    BACKOFF_MOST_MS = 30 * 1000,
    HEALTHY_MS = 1000, /* a watch that ends sooner without an event has failed */
    LIST_IDLE_MS = 60 * 1000,
    LIST_TOTAL_MS = 600 * 1000, /* of a page, in case it only trickles */
    WATCH_IDLE_MS = 150 * 1000, /* without even a bookmark, which come every minute: the connection is dead */
    WATCH_LEAST_S = 300,
    WATCH_SPAN_S = 300,
    WATCH_SLACK_MS = 30 * 1000,
};

struct informer {
    struct loop *loop;
    struct kube_client *client;
    const struct informer_kind *kind;
    struct store *store;
    struct framer framer;
    struct loop_source *timer; /* the next list or watch */
    struct kube_call *call;    /* the list or watch in flight */
    struct backoff backoff;
    char *version; /* resourceVersion to watch from; NULL: list first */
    char *page;    /* continue token of the next page, or NULL */
    bool is_whole; /* the next list is requested without pages */
    bool is_started, is_listing, is_synced;
    bool has_events; /* the current watch has delivered an event */
    int64_t list_started_ms, watch_started_ms, fresh_ms;
    int64_t held_until_ms; /* the server's Retry-After, on the boot clock */
};

static void list_page(struct informer *i);

/* ---- the store ---- */
static void change(struct informer *i, void *before, const void *after)
{
    if (i->kind->on_change != NULL && (before != NULL || after != NULL))
        i->kind->on_change(i->kind->context, before, after);
    if (before != NULL)
        i->kind->free_facts(before);
}

static void put(struct informer *i, struct view object, const struct object_ref *ref)
{
    void *facts = i->kind->reduce(object, store_get(i->store, ref->ns, ref->name));
    if (facts == NULL) {
        i->kind->on_undecodable(i->kind->context, i->kind, ref->ns, ref->name);
        change(i, store_take(i->store, ref->ns, ref->name), NULL);
        return;
    }
    void *before = store_put(i->store, ref->ns, ref->name, facts);
    change(i, before, facts);
}

static void forget_version(struct informer *i)
{
    free(i->version);
    i->version = NULL;
}

static void set_version(struct informer *i, const char *version)
{
    if (*version == '\0')
        return;
    forget_version(i);
    i->version = xstrdup(version);
}

/* ---- items ---- */
/* A watch from the same version would only get the same error again. */
static int on_error_event(struct informer *i, struct view object, struct err *e)
{
    json_t *status CLEANUP(js_free) = js_parse(object, i->kind->path, e);
    forget_version(i);
    return status == NULL ? -1 : status_object_to_err(status, e);
}

static int on_event(struct informer *i, struct view event, struct err *e)
{
    static const char *const names[] = {"type", "object"};
    struct view v[ARRAY_LEN(names)], type, object;
    struct object_ref ref;
    skim_members(event, names, ARRAY_LEN(names), v);
    type = v[0], object = v[1];
    if (type.len == 0 || object.len == 0)
        return FAIL(e, ERR_PROTOCOL, "the API server sent a malformed watch event");
    if (skim_is(type, "ERROR"))
        return on_error_event(i, object, e);
    i->has_events = true;
    object_ref_read(object, &ref);
    if (skim_is(type, "ADDED") || skim_is(type, "MODIFIED"))
        put(i, object, &ref);
    else if (skim_is(type, "DELETED"))
        change(i, store_take(i->store, ref.ns, ref.name), NULL);
    else if (!skim_is(type, "BOOKMARK"))
        return 0;
    set_version(i, ref.version);
    return 0;
}

static int on_item(void *context, struct view item, struct err *e)
{
    struct informer *i = context;
    struct object_ref ref;
    if (!i->is_listing)
        return on_event(i, item, e);
    object_ref_read(item, &ref);
    put(i, item, &ref);
    return 0;
}

static void on_protobuf(void *context)
{
    struct informer *i = context;
    framer_expect_protobuf(&i->framer, i->kind->message);
}

static int on_bytes(void *context, const void *bytes, size_t length, struct err *e)
{
    struct informer *i = context;
    return framer_feed(&i->framer, bytes, length, e);
}

/* ---- requests ---- */
static void add_parameter(struct strbuf *path, const char *name, const char *value)
{
    if (value == NULL)
        return;
    strbuf_addf(path, "&%s=", name);
    url_add_encoded(path, view_from(value));
}

static void request(struct informer *i, struct strbuf *path, kube_done_fn *on_done, int idle_ms, int total_ms)
{
    add_parameter(path, "labelSelector", i->kind->label_selector);
    add_parameter(path, "fieldSelector", i->kind->field_selector);
    struct kube_stream s = {.path = strbuf_text(path),
                            .on_protobuf = i->kind->message != NULL ? on_protobuf : NULL,
                            .on_bytes = on_bytes,
                            .on_done = on_done,
                            .context = i,
                            .idle_timeout_ms = idle_ms,
                            .total_timeout_ms = total_ms};
    framer_reset(&i->framer, i->is_listing ? FRAMER_LIST : FRAMER_WATCH);
    i->call = kube_start_stream(i->client, &s);
    strbuf_fini(path);
}

static void forget_page(struct informer *i)
{
    free(i->page);
    i->page = NULL;
}

static void on_failed(struct informer *i, const struct kube_answer *answer, const struct err *e)
{
    i->kind->on_error(i->kind->context, i->kind, e);
    int64_t delay_ms = backoff_next_ms(&i->backoff), least_ms = answer->retry_after_ms;
    i->held_until_ms = clock_boot_ms() + least_ms;
    loop_timer_set(i->timer, delay_ms > least_ms ? delay_ms : least_ms);
}

/* ---- list ---- */
static void end_list(struct informer *i)
{
    void *gone;
    forget_page(i);
    while ((gone = store_take_old(i->store)) != NULL)
        change(i, gone, NULL);
    i->is_listing = i->is_whole = false;
    i->is_synced = true;
    i->fresh_ms = i->list_started_ms;
    backoff_reset(&i->backoff);
    loop_timer_set(i->timer, 0);
    if (i->kind->on_listed != NULL)
        i->kind->on_listed(i->kind->context);
}

/* 1: another page follows. 0: the list is complete and i->version is set. */
static int read_head(struct informer *i, struct err *e)
{
    if (!i->framer.is_complete)
        return FAIL(e, ERR_UNAVAILABLE, "the list is incomplete: the connection was closed");
    json_t *head CLEANUP(js_free) = js_parse(strbuf_view(&i->framer.head), i->kind->path, e);
    if (head == NULL)
        return -1;
    const char *page = js_text(head, "metadata.continue");
    forget_page(i);
    if (*page != '\0') {
        i->page = xstrdup(page);
        return 1;
    }
    set_version(i, js_text(head, "metadata.resourceVersion"));
    return i->version != NULL ? 0 : FAIL(e, ERR_PROTOCOL, "the list has no resourceVersion");
}

static void on_page(void *context, const struct kube_answer *answer, const struct err *e)
{
    struct informer *i = context;
    struct err trouble CLEANUP(err_fini) = {0};
    int more = -1;
    i->call = NULL;
    if (e == NULL) {
        more = read_head(i, &trouble);
        e = &trouble;
    } else if (e->code == ERR_GONE) {
        /* The snapshot behind the continue token has expired: too many objects to list in pages. */
        i->is_whole = true;
    }
    if (more > 0) {
        list_page(i);
    } else if (more == 0) {
        end_list(i);
    } else {
        forget_page(i);
        forget_version(i);
        on_failed(i, answer, e);
    }
}

/* Without a resourceVersion: the most recent state, and a single snapshot for all pages. */
static void list_page(struct informer *i)
{
    struct strbuf path = STRBUF(PATH_MAX_BYTES);
    strbuf_addf(&path, "%s?limit=%d", i->kind->path, i->is_whole ? 0 : PAGE);
    add_parameter(&path, "continue", i->page);
    request(i, &path, on_page, LIST_IDLE_MS, LIST_TOTAL_MS);
}

static void start_list(struct informer *i)
{
    i->is_listing = true;
    i->list_started_ms = clock_boot_ms();
    forget_page(i);
    store_mark_all_old(i->store);
    list_page(i);
}

/* ---- watch ---- */
static void on_watch_end(void *context, const struct kube_answer *answer, const struct err *e)
{
    struct informer *i = context;
    bool is_healthy = i->has_events || clock_boot_ms() - i->watch_started_ms >= HEALTHY_MS;
    i->call = NULL;
    if (is_healthy)
        backoff_reset(&i->backoff);
    if (e == NULL && is_healthy) {
        loop_timer_set(i->timer, 0);
        return;
    }
    struct err silent CLEANUP(err_fini) = {0};
    if (e == NULL) {
        err_set(&silent, ERR_UNAVAILABLE, NULL, "the watch was closed at once");
        e = &silent;
    }
    /* The history has expired, or the watch cannot continue after this response: list again. */
    if (e->code == ERR_GONE || e->code == ERR_NOT_FOUND || e->code == ERR_INVALID ||
        e->code == ERR_PROTOCOL || e->code == ERR_TOO_LARGE)
        forget_version(i);
    on_failed(i, answer, e);
}

static unsigned random_below(unsigned limit)
{
    unsigned value = 0; /* only spreads the load, so that a failure does no harm */
    return getrandom(&value, sizeof(value), GRND_NONBLOCK) == (ssize_t)sizeof(value) ? value % limit : 0;
}

static void start_watch(struct informer *i)
{
    struct strbuf path = STRBUF(PATH_MAX_BYTES);
    int seconds = WATCH_LEAST_S + (int)random_below(WATCH_SPAN_S);
    i->has_events = false;
    i->watch_started_ms = clock_boot_ms();
    strbuf_addf(&path, "%s?watch=1&allowWatchBookmarks=true&timeoutSeconds=%d", i->kind->path, seconds);
    add_parameter(&path, "resourceVersion", i->version);
    request(i, &path, on_watch_end, WATCH_IDLE_MS, seconds * 1000 + WATCH_SLACK_MS);
}

/* ---- life ---- */
static void on_timer(void *context)
{
    struct informer *i = context;
    if (i->version == NULL)
        start_list(i);
    else
        start_watch(i);
}

struct informer *informer_new(struct loop *loop, struct kube_client *client, const struct informer_kind *kind)
{
    struct informer *i = xcalloc(1, sizeof(*i));
    i->loop = loop;
    i->client = client;
    i->kind = kind;
    i->store = store_new(kind->free_facts);
    i->timer = loop_add_timer(loop, on_timer, i);
    i->backoff = (struct backoff)BACKOFF(BACKOFF_FIRST_MS, BACKOFF_MOST_MS);
    framer_init(&i->framer, FRAMER_LIST, ITEM_MAX, on_item, i);
    return i;
}

void informer_free(struct informer *i)
{
    if (i == NULL)
        return;
    kube_call_cancel(i->call);
    loop_source_free(i->timer);
    store_free(i->store);
    framer_fini(&i->framer);
    free(i->version);
    free(i->page);
    free(i);
}

void informer_start(struct informer *i)
{
    if (i->is_started)
        return;
    i->is_started = true;
    loop_timer_set(i->timer, 0);
}

void informer_relist(struct informer *i)
{
    int64_t held_ms = i->held_until_ms - clock_boot_ms();
    if (!i->is_started || (i->is_listing && i->call == NULL))
        return;
    kube_call_cancel(i->call);
    i->call = NULL;
    i->is_listing = true; /* from now on the store is not current */
    forget_version(i);
    loop_timer_set(i->timer, held_ms > 0 ? held_ms : 0);
}

bool informer_is_current(const struct informer *i)
{
    return i->is_synced && !i->is_listing;
}

bool informer_is_synced(const struct informer *i)
{
    return i->is_synced;
}

int64_t informer_fresh_ms(const struct informer *i)
{
    return i->fresh_ms;
}

const struct store *informer_store(const struct informer *i)
{
    return i->store;
}

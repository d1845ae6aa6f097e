#include "rig.h"

#include <stdlib.h>
#include <string.h>

#include "api/names.h"
#include "base/alloc.h"
#include "os/log.h"
#include "os/loop.h"

#include "base/banned.h"

/* PAGE: the server gives as few objects at once as it likes. */
enum { PAGE = 2, TEXT_MAX = 64 * 1024, OBJECTS = PODS + NODES };

struct loop_source {
    loop_fn *fn;
    void *context;
    bool is_armed;
};

struct kube_call {
    struct kube_stream stream;
    char *path;
};

static struct {
    const struct state *s;
    struct oper *o;
    struct caches *caches;
    struct loop_source timers[CACHE_COUNT]; /* of the informers, in the order of enum cache */
    struct kube_call *calls[CACHE_COUNT];
    unsigned versions[CACHE_COUNT]; /* what a watch must go on from */
    bool is_put_up[CACHE_COUNT];
    bool is_restoring;
    bool is_in_pages; /* the next list is to be of the page that follows */
    size_t timer_count;
    int64_t now_ms;
} rig;
static const char *broken;

/* ---- what the real code calls ---- */

int64_t clock_boot_ms(void)
{
    return rig.now_ms;
}

/* Only measures how long phases take. */
int64_t clock_wall_us(void)
{
    return SIM_EPOCH_US;
}

void log_warning(const char *message, ...)
{
    (void)message;
}

void log_failure(enum log_level level, const struct err *e, const char *message, ...)
{
    (void)level;
    (void)e;
    (void)message;
}

struct loop_source *loop_add_timer(struct loop *l, loop_fn *fn, void *context)
{
    struct loop_source *timer = &rig.timers[rig.timer_count++];
    (void)l;
    *timer = (struct loop_source){.fn = fn, .context = context};
    return timer;
}

void loop_timer_set(struct loop_source *timer, int64_t delay_ms)
{
    timer->is_armed = delay_ms >= 0;
}

void loop_source_free(struct loop_source *s)
{
    (void)s;
}

static enum cache cache_of(const void *informer)
{
    enum cache cache = 0;
    while (rig.timers[cache].context != informer)
        cache++;
    return cache;
}

static bool is_watch(const struct kube_call *call)
{
    return strstr(call->path, "watch=1") != NULL;
}

/* Of lists and watches, what the API promises for those parameters and the operator relies on. */
static void check_request(enum cache cache, const struct kube_call *call)
{
    const char *version = strstr(call->path, "resourceVersion=");
    if (!is_watch(call) && version != NULL)
        broken = "a list does not ask for the newest state, and may be answered from the past";
    if (is_watch(call) &&
        (version == NULL || strtoul(version + strlen("resourceVersion="), NULL, 10) != rig.versions[cache]))
        broken = "a watch does not go on from where the cache is: changes are lost, or come again";
    if (!is_watch(call) && rig.is_in_pages != (strstr(call->path, "continue=next") != NULL))
        broken = "a list does not go on with the page that follows";
    if (rig.calls[cache] != NULL)
        broken = "an informer has two requests on their way";
}

struct kube_call *kube_start_stream(struct kube_client *c, const struct kube_stream *s)
{
    struct kube_call *call = xcalloc(1, sizeof(*call));
    enum cache cache = cache_of(s->context);
    (void)c;
    call->stream = *s;
    call->path = xstrdup(s->path);
    check_request(cache, call);
    rig.calls[cache] = call;
    return call;
}

static void free_call(struct kube_call *call)
{
    free(call->path);
    free(call);
}

void kube_call_cancel(struct kube_call *call)
{
    for (enum cache i = 0; call != NULL && i < CACHE_COUNT; i++)
        if (rig.calls[i] == call) {
            rig.calls[i] = NULL;
            free_call(call);
            return;
        }
}

static void fire(enum cache cache)
{
    struct loop_source *timer = &rig.timers[cache];
    while (timer->is_armed) {
        timer->is_armed = false;
        timer->fn(timer->context);
    }
}

/* ---- who is told ---- */

static void enqueue(void *context, const char *ns, const char *name)
{
    (void)context;
    bool is_meant =
        (ns == NULL || strcmp(ns, NAMESPACE) == 0) && (name == NULL || strcmp(name, JOB_NAME) == 0);
    if (!rig.is_restoring && is_meant)
        rig.o->due = 1;
}

static void on_child_deleted(void *context, const char *ns, const char *job_name, const char *uid)
{
    (void)context;
    if (!rig.is_restoring && strcmp(ns, NAMESPACE) == 0 && strcmp(job_name, JOB_NAME) == 0)
        view_note_gone(rig.o, uid);
}

static void on_pod_deleted(void *context, const struct pod_facts *last)
{
    const struct seen_pod *seen = (const void *)last;
    (void)context;
    if (!rig.is_restoring)
        operator_note_departed(rig.o, &seen->pod);
}

static void on_job_changed(void *context, const struct cached_job *before, const struct cached_job *after)
{
    (void)context;
    (void)before;
    (void)after;
}

/* ---- what the server sends ---- */

static void end_call(enum cache cache, bool gone)
{
    struct kube_call *call = rig.calls[cache];
    const struct kube_answer answer = {.status = 200};
    struct err e CLEANUP(err_fini) = {0};
    if (gone)
        err_set(&e, ERR_GONE, NULL, "too old resource version");
    rig.calls[cache] = NULL;
    call->stream.on_done(call->stream.context, &answer, gone ? &e : NULL);
    free_call(call);
    fire(cache);
}

static void send(enum cache cache, const struct strbuf *text)
{
    struct err e CLEANUP(err_fini) = {0};
    struct kube_call *call = rig.calls[cache];
    struct view v = strbuf_view(text);
    if (call->stream.on_bytes(call->stream.context, v.ptr, v.len, &e) != 0)
        broken = "an informer does not take what the server sends";
}

/* What a list holds, one after the other; false at the end. */
static bool next_object(enum cache cache, bool of_view, size_t *at, struct strbuf *to)
{
    const struct oper *o = rig.o;
    const struct simjob *job = of_view ? &o->job : &o->job_answer;
    const struct pod *pods = of_view ? o->pods : o->pods_answer;
    const struct service *service = of_view ? &o->service : &rig.s->service;
    const struct policy *policies = of_view ? o->policies : rig.s->policies;
    const struct simnode *nodes = of_view ? o->nodes : rig.s->nodes;
    size_t i = (*at)++;
    switch (cache) {
    case CACHE_JOBS: return i == 0 && job->number && (wire_job(to, job), true);
    case CACHE_PODS: return i < PODS && pods[i].number && (wire_pod(to, &pods[i]), true);
    case CACHE_SERVICES: return i == 0 && service->number && (wire_service(to, service), true);
    case CACHE_POLICIES:
        while (i < JOBS && !policies[i].number)
            i = (*at)++;
        return i < JOBS && (wire_policy(to, &policies[i], i), true);
    case CACHE_NODES:
        while (i < NODES && !nodes[i].exists)
            i = (*at)++;
        return i < NODES && (wire_node(to, &nodes[i], i), true);
    case CACHE_NAMESPACES: return i == 0 && (wire_namespace(to), true);
    case CACHE_COUNT: break;
    }
    return false;
}

static void send_list(enum cache cache, bool of_view)
{
    size_t at = 0;
    struct strbuf next = STRBUF(TEXT_MAX), text = STRBUF(TEXT_MAX);
    bool has_next = next_object(cache, of_view, &at, &next);
    bool is_last;
    rig.versions[cache] = cache == CACHE_JOBS ? (of_view ? rig.o->job.version : rig.s->last_version) : 1;
    do {
        strbuf_clear(&text);
        strbuf_add_text(&text, "{\"kind\":\"List\",\"items\":[");
        for (int i = 0; i < PAGE && has_next; i++) {
            strbuf_addf(&text, "%s%s", i ? "," : "", strbuf_text(&next));
            strbuf_clear(&next);
            has_next = next_object(cache, of_view, &at, &next);
        }
        is_last = !has_next;
        strbuf_addf(&text, "],\"metadata\":{\"resourceVersion\":\"%u\"%s}}", rig.versions[cache],
                    has_next ? ",\"continue\":\"next\"" : "");
        send(cache, &text);
        rig.is_in_pages = has_next;
        end_call(cache, false);
    } while (!is_last && rig.calls[cache] != NULL && !is_watch(rig.calls[cache]));
    strbuf_fini(&next);
    strbuf_fini(&text);
}

void rig_list(enum cache cache)
{
    send_list(cache, false);
}

void rig_event(enum cache cache, const char *type, const char *object)
{
    struct strbuf text = STRBUF(TEXT_MAX);
    const char *version = strstr(object, "resourceVersion\":\"");
    strbuf_addf(&text, "{\"type\":\"%s\",\"object\":%s}\n", type, object);
    rig.versions[cache] = (unsigned)strtoul(version + strlen("resourceVersion\":\""), NULL, 10);
    send(cache, &text);
    strbuf_fini(&text);
    /* Each watch ends after one event: the next one must go on from there. */
    rig_end_watch(cache, false);
}

void rig_forget_queue(struct oper *o, enum cache cache)
{
    if (cache == CACHE_JOBS) {
        memset(o->job_queue, 0, sizeof(o->job_queue));
        o->jobs_queued = 0;
    } else if (cache == CACHE_PODS) {
        memset(o->pod_queue, 0, sizeof(o->pod_queue));
        o->pods_queued = 0;
    }
}

void rig_end_watch(enum cache cache, bool gone)
{
    end_call(cache, gone);
}

/* ---- up and down ---- */

static void restore(enum cache cache)
{
    const struct oper *o = rig.o;
    struct informer *i = rig.caches->informers[cache];
    rig.is_put_up[cache] = true;
    if (o->calls[cache] == CALL_NONE) /* started when the real code says so */
        return;
    rig.now_ms = o->is_synced[cache] ? o->fresh_ms[cache] : o->asked_ms[cache];
    informer_start(i);
    fire(cache);
    if (!o->is_synced[cache])
        return;
    send_list(cache, true);
    if (o->calls[cache] == CALL_WATCH)
        return;
    rig.now_ms = o->asked_ms[cache];
    informer_relist(i);
    fire(cache);
}

struct caches *rig_up(const struct state *s, struct oper *o, enum cache cache)
{
    static const struct caches_listener listener = {.enqueue = enqueue,
                                                    .on_child_deleted = on_child_deleted,
                                                    .on_pod_deleted = on_pod_deleted,
                                                    .on_job_changed = on_job_changed};
    memset(&rig, 0, sizeof(rig));
    rig.s = s;
    rig.o = o;
    rig.is_restoring = true;
    rig.caches = caches_new(NULL, NULL, "", &listener);
    for (enum cache i = 0; i < CACHE_COUNT; i++)
        if (cache == CACHE_COUNT || cache == i)
            restore(i);
    rig.is_restoring = false;
    rig.now_ms = s->ms;
    return rig.caches;
}

static void read_pods(const struct store *store, struct oper *o)
{
    const struct seen_pod *seen;
    void *cursor = NULL;
    memset(o->pods, 0, sizeof(o->pods));
    while ((seen = store_next(store, &cursor)) != NULL)
        put_pod(o->pods, seen->pod);
}

static void read_policies(const struct store *store, struct oper *o)
{
    for (size_t i = 0; i < JOBS; i++) {
        char name[NAME_SIZE], uid[16];
        (void)snprintf(uid, sizeof(uid), "job-%zu", i + 1);
        name_policy(JOB_NAME, uid, name);
        const struct seen_policy *seen = store_get(store, NAMESPACE, name);
        o->policies[i] = seen != NULL ? seen->policy : (struct policy){0};
    }
}

static void read_nodes(const struct store *store, struct oper *o)
{
    for (size_t i = 0; i < NODES; i++) {
        const struct node_facts *node = store_get(store, "", node_name(i));
        o->nodes[i] = (struct simnode){node != NULL, node != NULL && node->is_ready};
    }
}

static void read_cache(enum cache cache, struct oper *o)
{
    const struct informer *i = rig.caches->informers[cache];
    const struct store *store = informer_store(i);
    const struct cached_job *job = cache == CACHE_JOBS ? store_get(store, NAMESPACE, JOB_NAME) : NULL;
    const struct seen_service *service =
        cache == CACHE_SERVICES ? store_get(store, NAMESPACE, JOB_NAME "-workers") : NULL;
    if (cache == CACHE_JOBS)
        o->job = job != NULL ? seen_simjob(job) : (struct simjob){0};
    else if (cache == CACHE_PODS)
        read_pods(store, o);
    else if (cache == CACHE_SERVICES)
        o->service = service != NULL ? service->service : (struct service){0};
    else if (cache == CACHE_POLICIES)
        read_policies(store, o);
    else if (cache == CACHE_NODES)
        read_nodes(store, o);
    o->is_synced[cache] = informer_is_synced(i);
    o->fresh_ms[cache] = (uint32_t)informer_fresh_ms(i);
}

static void read_call(enum cache cache, struct oper *o)
{
    const struct kube_call *call = rig.calls[cache];
    bool is_list = call != NULL && !is_watch(call);
    if (is_list && o->calls[cache] != CALL_LIST && o->calls[cache] != CALL_ANSWER) {
        o->calls[cache] = CALL_LIST;
        o->asked_ms[cache] = rig.s->ms;
        rig_forget_queue(o, cache);
    } else if (call != NULL && !is_list) {
        o->calls[cache] = CALL_WATCH;
    }
}

const char *rig_broken_law(void)
{
    const char *law = broken;
    broken = NULL;
    return law;
}

void rig_down(void)
{
    struct oper *o = rig.o;
    for (enum cache i = 0; i < CACHE_COUNT; i++) {
        if (!rig.is_put_up[i])
            continue;
        fire(i);
        read_call(i, o);
        read_cache(i, o);
    }
    rig.is_restoring = true;
    caches_free(rig.caches);
}

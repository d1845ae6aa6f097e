/* One notification as an HTTP request, and what the answer means. */
#include <string.h>

#include "api/reasons.h"
#include "base/alloc.h"
#include "core/render/cloud_event.h"
#include "data/js.h"
#include "gcp/call.h"
#include "net/http_loop.h"
#include "os/file.h"
#include "shell/cache/caches.h"
#include "shell/events/recorder.h"
#include "shell/notify/notifier_int.h"

#include "base/banned.h"

enum {
    CONNECT_MS = 5 * 1000,
    TOTAL_MS = 10 * 1000,
    ANSWER_MAX = 64 * 1024,
    AUTHORIZATION_MAX = 8 * 1024,
    HEADERS_MAX = 2,
    NOTE_MAX = 1000,
};

#define USER_AGENT "cloister-operator/" CLOISTER_VERSION
/* Errors do not contain the URL of a webhook, which may hold a secret. */
#define WEBHOOK_LABEL "webhook"

/* ---- targets ---- */
void target_init(struct target *t, struct notifier *n, const struct notify_target *config)
{
    const struct config *c = n->options.config;
    const char *ca = config->topic != NULL ? c->ca_bundle : config->ca_bundle;
    t->notifier = n;
    t->config = config;
    t->tls = (struct http_tls){.ca_pem = *ca != '\0' ? ca : NULL};
    /* Its own connections, since they were checked and verified with the settings of this target. */
    t->http = http_loop_new(n->options.loop, &t->tls);
    t->url = config->topic != NULL ? xasprintf("%s/v1/%s:publish", c->pubsub_url, config->topic)
                                   : xstrdup(config->url);
}

void target_fini(struct target *t)
{
    http_loop_free(t->http);
    free(t->url);
}

/* ---- the job ---- */
struct decoded_job {
    struct arena *arena;
    json_t *tree;
    struct job job;
};

static void decoded_job_fini(struct decoded_job *r)
{
    json_decref(r->tree);
    arena_free(r->arena);
}

/* The job as it is cached; false when it was deleted, or cannot be decoded. */
static bool decode_job(const struct delivery *d, struct decoded_job *ret)
{
    const struct caches *c = d->target->notifier->options.caches;
    const struct cached_job *cached = caches_job(c, d->job->ns, d->job->name);
    struct err ignored CLEANUP(err_fini) = {0};
    if (cached == NULL)
        return false;
    ret->arena = arena_new();
    return cached_job_read(cached, ret->arena, &ret->tree, &ret->job, &ignored) == 0;
}

static const struct status_notification *find_pending(const struct job *job, const struct delivery *d)
{
    for (size_t i = 0; i < job->status.notification_count; i++) {
        const struct status_notification *n = &job->status.notifications[i];
        for (size_t k = 0; k < n->target_count; k++)
            if (strcmp(n->id, d->id) == 0 && strcmp(n->targets[k], d->target->config->name) == 0)
                return n;
    }
    return NULL;
}

/* ---- requests ---- */

/* Read for each request, so that a changed Secret takes effect without a restart. */
static int read_authorization(const struct target *t, struct secret *ret, struct err *e)
{
    if (file_read_secret(t->config->authorization_file, AUTHORIZATION_MAX, ret, e) < 0)
        return -1;
    while (ret->len > 0 && strchr(" \t\r\n", ret->bytes[ret->len - 1]) != NULL)
        ret->len--;
    for (size_t i = 0; i < ret->len; i++)
        if (ret->bytes[i] < ' ')
            return FAIL(e, ERR_INVALID, "%s has more than one line", t->config->authorization_file);
    return ret->len > 0 ? 0 : FAIL(e, ERR_INVALID, "%s is empty", t->config->authorization_file);
}

static char *render(const struct target *t, const struct job *job, const struct status_notification *pending)
{
    const char *source = t->notifier->options.targets->source;
    json_t *body CLEANUP(js_free) = t->config->topic != NULL ? cloud_event_render_pubsub(job, pending, source)
                                                             : cloud_event_render(job, pending, source);
    return js_dump(body);
}

enum send_result delivery_send(struct delivery *d,
                               void (*on_done)(void *delivery, const struct http_response *r,
                                               const struct err *e),
                               struct err *e)
{
    struct target *t = d->target;
    bool is_pubsub = t->config->topic != NULL;
    struct decoded_job decoded CLEANUP(decoded_job_fini) = {0};
    struct secret authorization CLEANUP(secret_free) = {0};
    const struct status_notification *pending =
        decode_job(d, &decoded) ? find_pending(&decoded.job, d) : NULL;
    if (pending == NULL)
        return SEND_NOT_PENDING;
    if (*t->config->authorization_file != '\0' && read_authorization(t, &authorization, e) < 0)
        return SEND_FAILED;
    char *body CLEANUP(cleanup_free) = render(t, &decoded.job, pending);
    const struct http_header headers[HEADERS_MAX] = {
        {"Content-Type", is_pubsub ? "application/json; charset=utf-8" : CLOUD_EVENT_CONTENT_TYPE},
        {"User-Agent", USER_AGENT}};
    const struct http_request q = {.method = "POST",
                                   .url = t->url,
                                   .label = is_pubsub ? NULL : WEBHOOK_LABEL,
                                   .headers = headers,
                                   .header_count = HEADERS_MAX,
                                   .bearer = is_pubsub ? loop_token_get(t->notifier->token) : NULL,
                                   .authorization = authorization.len > 0 ? &authorization : NULL,
                                   .body = view_from(body),
                                   .max_body_bytes = ANSWER_MAX,
                                   .connect_timeout_ms = CONNECT_MS,
                                   .total_timeout_ms = TOTAL_MS,
                                   .refused = &t->notifier->options.targets->refused};
    d->call = http_start(t->http, &q, on_done, d);
    return SEND_STARTED;
}

/* ---- answers ---- */
int delivery_check_answer(const struct delivery *d, const struct http_response *r,
                          const struct err *transport, struct err *e)
{
    const struct target *t = d->target;
    /* The status counts even when reading the body failed. */
    bool is_answered = r->status >= 200;
    if (is_answered && r->status < 300)
        return 0;
    if (!is_answered && transport != NULL) {
        char *text CLEANUP(cleanup_free) = err_text(transport);
        return FAIL(e, transport->code, "%s", text);
    }
    if (t->config->topic != NULL) {
        if (r->status == 401)
            loop_token_forget(t->notifier->token);
        return reply_refusal(REPLY_PUBLISH, &(struct http_request){.method = "POST", .url = t->url}, r, e);
    }
    if (r->status >= 300 && r->status < 400)
        return FAIL(e, ERR_PROTOCOL, "the target answered %d; redirects are not followed", r->status);
    return FAIL(e, r->status == 429 ? ERR_THROTTLED : ERR_UNAVAILABLE, "the target answered %d", r->status);
}

/* The answer of a target may be in it: cut it to what an event may hold, and to printable ASCII. */
static void sanitize(char *text)
{
    for (size_t i = 0; text[i] != '\0'; i++) {
        if (i == NOTE_MAX) {
            text[i] = '\0';
            return;
        }
        if (text[i] < ' ' || text[i] > '~')
            text[i] = '?';
    }
}

void delivery_record_failure(const struct delivery *d, const struct err *e)
{
    const char *target = d->target->config->name;
    struct decoded_job decoded CLEANUP(decoded_job_fini) = {0};
    if (!decode_job(d, &decoded))
        return;
    char *text CLEANUP(cleanup_free) = err_text(e);
    char *part CLEANUP(cleanup_free) = xasprintf("spec.notifications{%s}", target);
    char *note CLEANUP(cleanup_free) =
        xasprintf("A notification to target %s could not be delivered and is retried: %s", target, text);
    sanitize(note);
    const struct action event = {.kind = ACTION_EVENT,
                                 .type = "Warning",
                                 .reason = REASON_NotificationFailed,
                                 .part = part,
                                 .note = note};
    recorder_event(d->target->notifier->options.recorder, &decoded.job, &event);
}

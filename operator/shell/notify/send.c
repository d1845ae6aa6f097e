/* One notification as a request, and what its answer means. */
#include <string.h>

#include "api/reasons.h"
#include "base/alloc.h"
#include "core/render/cloud_event.h"
#include "data/js.h"
#include "gcp/call.h"
#include "net/http_loop.h"
#include "os/file.h"
#include "shell/cache/caches.h"
#include "shell/notify/notifier_int.h"
#include "shell/events/recorder.h"

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
/* What errors call the URL of a webhook, which may hold a secret; who it belongs to is said beside them. */
#define WEBHOOK_LABEL "its URL"

/* ---- targets ---- */
void target_init(struct target *t, struct notifier *n, const struct notify_target *config)
{
    const struct config *c = n->options.config;
    const char *ca = config->topic != NULL ? c->ca_bundle : config->ca_bundle;
    t->notifier = n;
    t->config = config;
    t->tls = (struct http_tls){.ca_pem = *ca != '\0' ? ca : NULL};
    /* A loop of its own: its connections were judged and verified for this target. */
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
struct reading {
    struct arena *arena;
    json_t *tree;
    struct job job;
};

static void reading_fini(struct reading *r)
{
    json_decref(r->tree);
    arena_free(r->arena);
}

/* The delivery's job as it is cached; false when it is gone (or no pass can read it either). */
static bool read_job(const struct delivery *x, struct reading *ret)
{
    const struct caches *c = x->target->notifier->options.caches;
    const struct cached_job *cached = caches_job(c, x->job->ns, x->job->name);
    struct err ignored CLEANUP(err_fini) = {0};
    if (cached == NULL)
        return false;
    ret->arena = arena_new();
    return cached_job_read(cached, ret->arena, &ret->tree, &ret->job, &ignored) == 0;
}

static const struct status_notification *find_pending(const struct job *job, const struct delivery *x)
{
    for (size_t i = 0; i < job->status.notification_count; i++) {
        const struct status_notification *n = &job->status.notifications[i];
        for (size_t k = 0; k < n->target_count; k++)
            if (strcmp(n->id, x->id) == 0 && strcmp(n->targets[k], x->target->config->name) == 0)
                return n;
    }
    return NULL;
}

/* ---- requests ---- */

/* Read each time: a Secret that is changed is seen without a restart. */
static int read_authorization(const struct target *t, struct secret *ret, struct err *e)
{
    if (file_read_secret(t->config->authorization_file, AUTHORIZATION_MAX, ret, e) < 0)
        return -1;
    while (ret->len > 0 && strchr(" \t\r\n", ret->bytes[ret->len - 1]) != NULL)
        ret->len--;
    for (size_t i = 0; i < ret->len; i++)
        if (ret->bytes[i] < ' ')
            return FAIL(e, ERR_INVALID, "%s holds more than one line", t->config->authorization_file);
    return ret->len > 0 ? 0 : FAIL(e, ERR_INVALID, "%s is empty", t->config->authorization_file);
}

static char *render(const struct target *t, const struct job *job, const struct status_notification *debt)
{
    const char *source = t->notifier->options.targets->source;
    json_t *body CLEANUP(js_free) = t->config->topic != NULL ? cloud_event_render_pubsub(job, debt, source)
                                                             : cloud_event_render(job, debt, source);
    return js_dump(body);
}

enum send_result delivery_send(struct delivery *x,
                               void (*on_done)(void *delivery, const struct http_response *r,
                                               const struct err *e),
                               struct err *e)
{
    struct target *t = x->target;
    bool is_pubsub = t->config->topic != NULL;
    struct reading reading CLEANUP(reading_fini) = {0};
    struct secret authorization CLEANUP(secret_free) = {0};
    const struct status_notification *debt = read_job(x, &reading) ? find_pending(&reading.job, x) : NULL;
    if (debt == NULL)
        return SEND_NOT_PENDING;
    if (*t->config->authorization_file != '\0' && read_authorization(t, &authorization, e) < 0)
        return SEND_FAILED;
    char *body CLEANUP(cleanup_free) = render(t, &reading.job, debt);
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
    x->call = http_start(t->http, &q, on_done, x);
    return SEND_STARTED;
}

/* ---- answers ---- */
int delivery_judge(const struct delivery *x, const struct http_response *r, const struct err *transport,
                   struct err *e)
{
    const struct target *t = x->target;
    /* Once the answer's head is there, it counts, whatever became of its body. */
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
        return gcp_fail_from_reply("POST", t->url, r, e);
    }
    if (r->status >= 300 && r->status < 400)
        return FAIL(e, ERR_PROTOCOL, "POST " WEBHOOK_LABEL ": it answered %d; redirects are not followed",
                    r->status);
    return FAIL(e, r->status == 429 ? ERR_THROTTLED : ERR_UNAVAILABLE,
                "POST " WEBHOOK_LABEL ": it answered %d", r->status);
}

/* What strangers answer may be in it: at most as much as an event takes, and nothing but plain text. */
static void make_presentable(char *text)
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

void delivery_record_failure(const struct delivery *x, const struct err *e)
{
    const char *target = x->target->config->name;
    struct reading reading CLEANUP(reading_fini) = {0};
    if (!read_job(x, &reading))
        return;
    char *text CLEANUP(cleanup_free) = err_text(e);
    char *part CLEANUP(cleanup_free) = xasprintf("spec.notifications{%s}", target);
    char *note CLEANUP(cleanup_free) = xasprintf(
        "The target %s has not taken a notification, which is sent again until it does: %s", target, text);
    make_presentable(note);
    const struct action event = {.kind = ACTION_EVENT,
                                 .type = "Warning",
                                 .reason = REASON_NotificationFailed,
                                 .part = part,
                                 .note = note};
    recorder_event(x->target->notifier->options.recorder, &reading.job, &event);
}

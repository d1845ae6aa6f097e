/*
 * Requests to the API server: on an event loop for the operator, one blocking GET
 * for the kubectl plugin.
 *
 * The client borrows loop and config, which must outlive it. A call's path, body
 * and strings are copied. Refusals arrive as errors (kobj/status.h has the codes),
 * as do those of the HTTP layer (net/http.h) and of the credentials. A 401 makes
 * the next request ask for a new token; nothing is repeated here, because only the
 * caller knows whether a write may be repeated.
 */
#ifndef KUBE_CLIENT_H
#define KUBE_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/attr.h"
#include "base/err.h"
#include "kube/kube_config.h"
#include "net/http.h"

struct loop;
struct kube_client;
struct kube_call;

/* user_agent is borrowed. */
struct kube_client *kube_client_new(struct loop *loop, struct kube_config *config,
                                    const char *user_agent) MUST_CHECK RETURNS_NONNULL;
/* Ends what is in flight; no callback runs any more. NULL is fine. */
void kube_client_free(struct kube_client *c);

/* Told of each request that was answered, or not: status is 0 then. method is borrowed. */
typedef void kube_observer_fn(void *context, const char *method, int status);
void kube_client_observe(struct kube_client *c, kube_observer_fn *fn, void *context);

struct kube_answer {
    int status;             /* of HTTP; 0 when no answer came */
    const json_t *object;   /* the body of a success; borrowed; NULL otherwise */
    int64_t retry_after_ms; /* what the server asked to wait, a minute at most; 0 = it did not say */
    bool is_unknown;        /* the request may have been carried out although it failed */
};

typedef void kube_done_fn(void *context, const struct kube_answer *answer, const struct err *e);

/* path: from the slash, with query. body: NULL or JSON; with PATCH a merge patch. on_done runs once, from the
 * loop; e is NULL on success. */
struct kube_call *kube_start(struct kube_client *c, const char *method, const char *path, const json_t *body,
                             kube_done_fn *on_done, void *context) MUST_CHECK RETURNS_NONNULL;
/* The same for a write of which only the outcome counts: the answer's object has no more than metadata.uid
 * and metadata.resourceVersion, and neither side spends time on the rest. */
struct kube_call *kube_start_write(struct kube_client *c, const char *method, const char *path,
                                   const json_t *body, kube_done_fn *on_done,
                                   void *context) MUST_CHECK RETURNS_NONNULL;
/* The same, where the body is text already. */
struct kube_call *kube_start_write_text(struct kube_client *c, const char *method, const char *path,
                                        struct view body, kube_done_fn *on_done,
                                        void *context) MUST_CHECK RETURNS_NONNULL;
/* on_done runs no more; what was sent may still be carried out. NULL is fine. */
void kube_call_cancel(struct kube_call *call);

/* A long answer, given piece by piece as it comes. Returning -1 ends it with that error. */
typedef int kube_bytes_fn(void *context, const void *bytes, size_t length, struct err *e);

struct kube_stream {
    const char *path;
    /* Before the first bytes, when the server chose protobuf; NULL: it is not offered, the answer is JSON. */
    void (*on_protobuf)(void *context);
    kube_bytes_fn *on_bytes;
    kube_done_fn *on_done; /* its answer has no object */
    void *context;
    int idle_timeout_ms;  /* no byte for that long ends it */
    int total_timeout_ms; /* 0: none */
};

struct kube_call *kube_start_stream(struct kube_client *c,
                                    const struct kube_stream *s) MUST_CHECK RETURNS_NONNULL;

/* Blocking GET of one object or small list; the caller owns *ret. */
int kube_get_blocking(struct kube_config *config, const char *path, json_t **ret, struct err *e) MUST_CHECK;

#endif

/*
 * Requests to the API server: on an event loop for the operator, and one blocking GET
 * for the kubectl plugin.
 *
 * The client borrows loop and config, which must outlive it. A call's path, body and
 * strings are copied. Error responses arrive as errors (kobj/status.h has the codes), as
 * do errors of the HTTP layer (net/http.h) and of the credentials. After a 401 the next
 * request gets a new token. Nothing is retried here, because only the caller knows
 * whether a write may be repeated.
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
/* Cancels the calls in flight; no callback runs afterwards. NULL is fine. */
void kube_client_free(struct kube_client *c);

/* Called after each request; status is 0 when there was no response. method is borrowed. */
typedef void kube_observer_fn(void *context, const char *method, int status);
void kube_client_observe(struct kube_client *c, kube_observer_fn *fn, void *context);

struct kube_answer {
    int status;             /* of HTTP; 0 when there was no response */
    const json_t *object;   /* the body of a successful response, borrowed; NULL otherwise */
    int64_t retry_after_ms; /* the server's Retry-After, at most a minute; 0: none */
    bool is_unknown;        /* the request failed, but may have been carried out */
};

typedef void kube_done_fn(void *context, const struct kube_answer *answer, const struct err *e);

/* path begins with the slash and includes the query; body is NULL or JSON, for PATCH a merge patch. on_done
 * runs once, from the loop; e is NULL on success. */
struct kube_call *kube_start(struct kube_client *c, const char *method, const char *path, const json_t *body,
                             kube_done_fn *on_done, void *context) MUST_CHECK RETURNS_NONNULL;
/* The same for a write whose resulting object is not needed: the answer's object has metadata.uid and
 * metadata.resourceVersion only, which is cheaper for both sides. */
struct kube_call *kube_start_write(struct kube_client *c, const char *method, const char *path,
                                   const json_t *body, kube_done_fn *on_done,
                                   void *context) MUST_CHECK RETURNS_NONNULL;
/* The same with the body as text. */
struct kube_call *kube_start_write_text(struct kube_client *c, const char *method, const char *path,
                                        struct view body, kube_done_fn *on_done,
                                        void *context) MUST_CHECK RETURNS_NONNULL;
/* on_done does not run afterwards; a request that was sent may still be carried out. NULL is fine. */
void kube_call_cancel(struct kube_call *call);

/* Gets a long response in pieces, as they arrive. Returns -1 with *e set to end it. */
typedef int kube_bytes_fn(void *context, const void *bytes, size_t length, struct err *e);

struct kube_stream {
    const char *path;
    /* Called before the first bytes if the response is protobuf. NULL: only JSON is accepted. */
    void (*on_protobuf)(void *context);
    kube_bytes_fn *on_bytes;
    kube_done_fn *on_done; /* the answer has no object */
    void *context;
    int idle_timeout_ms;  /* ends it after this long without a byte */
    int total_timeout_ms; /* 0: none */
};

struct kube_call *kube_start_stream(struct kube_client *c,
                                    const struct kube_stream *s) MUST_CHECK RETURNS_NONNULL;

/* Gets one object or a small list, blocking; the caller owns *ret. */
int kube_get_blocking(struct kube_config *config, const char *path, json_t **ret, struct err *e) MUST_CHECK;

#endif

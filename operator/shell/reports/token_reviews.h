/*
 * Whose token is it? Asked of the API server (TokenReview), with the audience of
 * reports, and remembered for a few minutes under the token's digest.
 *
 * Borrows the client. An answer names the pod that the token is bound to; a token
 * that is not bound to a pod, or has another audience, is refused with ERR_DENIED.
 * ERR_THROTTLED when too many questions are out already; else the errors of
 * kube/client.h.
 */
#ifndef REPORTS_TOKEN_REVIEWS_H
#define REPORTS_TOKEN_REVIEWS_H

#include "kube/client.h"

struct token_reviews;

/* Valid for the call. */
struct reviewed_pod {
    const char *ns;
    const char *name;
    const char *uid;
};

/* pod is NULL exactly when e is set. */
typedef void review_fn(void *context, const struct reviewed_pod *pod, const struct err *e);

struct token_reviews *token_reviews_new(struct kube_client *client) MUST_CHECK RETURNS_NONNULL;
/* What is being asked is given up; no fn runs any more. NULL is fine. */
void token_reviews_free(struct token_reviews *r);
/* fn runs once, at once or from the loop. The token is copied. */
void token_reviews_ask(struct token_reviews *r, struct view token, review_fn *fn, void *context);

#endif

/*
 * Verifies the service account token of a pod with a TokenReview, for the audience of reports, and caches the
 * result for a few minutes under the token's digest.
 *
 * Borrows the client. A token that is not bound to a pod, or has another audience, is rejected with
 * ERR_DENIED. ERR_THROTTLED when too many reviews are in flight; otherwise the errors of kube/client.h.
 */
#ifndef REPORTS_TOKEN_REVIEWS_H
#define REPORTS_TOKEN_REVIEWS_H

#include "kube/client.h"

struct token_reviews;

/* The pod that a token is bound to. Valid for the call. */
struct reviewed_pod {
    const char *ns;
    const char *name;
    const char *uid;
};

/* pod is NULL exactly when e is set. */
typedef void review_fn(void *context, const struct reviewed_pod *pod, const struct err *e);

struct token_reviews *token_reviews_new(struct kube_client *client) MUST_CHECK RETURNS_NONNULL;
/* Cancels the reviews in flight; no fn runs any more. NULL is fine. */
void token_reviews_free(struct token_reviews *r);
/* fn runs once, before this returns or from the loop. The token is copied. */
void token_reviews_ask(struct token_reviews *r, struct view token, review_fn *fn, void *context);

#endif

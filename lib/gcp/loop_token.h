/*
 * The process's own access token on an event loop: fetched from the metadata
 * server without blocking. For the operator; gcp/credentials.h may block.
 *
 * One token is cached, and fetched again when less than a fifth of its life is
 * left. The object borrows the loop. Failures are passed to on_settled, with the
 * codes of gcp/credentials.h; nothing is retried here.
 */
#ifndef GCP_LOOP_TOKEN_H
#define GCP_LOOP_TOKEN_H

#include "base/attr.h"
#include "base/err.h"
#include "base/secret.h"

struct loop;
struct loop_token;

/* on_settled runs on the loop when a fetch has ended; e is NULL when there is a token now. */
struct loop_token *loop_token_new(struct loop *loop, const char *endpoint,
                                  void (*on_settled)(void *context, const struct err *e),
                                  void *context) MUST_CHECK RETURNS_NONNULL;
void loop_token_free(struct loop_token *t); /* NULL is fine */
/* A valid token, borrowed until the loop runs again. NULL when there is none yet: then one is being fetched,
 * and on_settled runs. */
const struct secret *loop_token_get(struct loop_token *t) MUST_CHECK;
/* Drops the token after a 401: the next loop_token_get fetches another one. */
void loop_token_forget(struct loop_token *t);

#endif

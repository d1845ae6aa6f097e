/*
 * The process's own access token on an event loop: from the metadata server,
 * without blocking. For the operator; what may block uses gcp/identity.h.
 *
 * One token is kept and fetched anew when a fifth of its life is left. The object
 * borrows the loop. What goes wrong is told to on_settled, with the codes of
 * gcp/identity.h; nothing is repeated here.
 */
#ifndef GCP_LOOP_TOKEN_H
#define GCP_LOOP_TOKEN_H

#include "base/attr.h"
#include "base/err.h"
#include "base/secret.h"

struct loop;
struct loop_token;

/* on_settled: a fetch has ended, from the loop; e is NULL when there is a token now. */
struct loop_token *loop_token_new(struct loop *loop, const char *endpoint,
                                  void (*on_settled)(void *context, const struct err *e),
                                  void *context) MUST_CHECK RETURNS_NONNULL;
void loop_token_free(struct loop_token *t); /* NULL is fine */
/* A token that is good for a while, valid until the loop runs again. NULL when there is none: it is being
 * fetched then, and on_settled tells. */
const struct secret *loop_token_get(struct loop_token *t) MUST_CHECK;
/* It was refused (401): the next one is fetched anew. */
void loop_token_forget(struct loop_token *t);

#endif

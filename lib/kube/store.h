/*
 * Facts by namespace and name: a hash table of opaque blocks.
 *
 * A store owns its facts and frees them with the function it was made with. What
 * store_get returns is valid until the name is put again or removed. Marks serve
 * the relist: what a new list did not touch is gone. Nothing here fails.
 */
#ifndef KUBE_STORE_H
#define KUBE_STORE_H

#include <stddef.h>

#include "base/attr.h"

struct store;

struct store *store_new(void (*free_facts)(void *facts)) MUST_CHECK RETURNS_NONNULL;
void store_free(struct store *s); /* NULL is fine */

size_t store_count(const struct store *s);
/* NULL when there is none. namespace is "" for cluster-wide kinds. */
void *store_get(const struct store *s, const char *ns, const char *name);
/* Takes facts over and returns those that were there before, which the caller now owns; NULL for a new name.
 * The entry gets the store's current mark. */
void *store_put(struct store *s, const char *ns, const char *name, void *facts) MUST_CHECK;
/* Hands the facts over to the caller; NULL when there were none. */
void *store_take(struct store *s, const char *ns, const char *name) MUST_CHECK;
/* Every facts in no particular order: start with *cursor = NULL; NULL at the end. The store must not change
 * meanwhile, but for the one that was returned last, which may be taken. */
void *store_next(const struct store *s, void **cursor);

/* Makes all entries old; store_put makes them new again. */
void store_mark_all_old(struct store *s);
/* Hands over one entry that is still old; NULL when there is none. */
void *store_take_old(struct store *s) MUST_CHECK;

#endif

/*
 * A hash table of facts, opaque blocks, by namespace and name.
 *
 * A store owns its facts and frees them with free_facts. What store_get returns is valid
 * until that name is put again or taken. A relist uses the marks: entries that the new
 * list did not put are gone. Nothing here fails.
 */
#ifndef KUBE_STORE_H
#define KUBE_STORE_H

#include <stddef.h>

#include "base/attr.h"

struct store;

struct store *store_new(void (*free_facts)(void *facts)) MUST_CHECK RETURNS_NONNULL;
void store_free(struct store *s); /* NULL is fine */

size_t store_count(const struct store *s);
/* NULL when there is none. ns is "" for cluster-scoped kinds. */
void *store_get(const struct store *s, const char *ns, const char *name);
/* Takes ownership of facts and returns the previous ones, which the caller then owns; NULL for a new name.
 * The entry is no longer old. */
void *store_put(struct store *s, const char *ns, const char *name, void *facts) MUST_CHECK;
/* Removes the facts and gives them to the caller; NULL when there are none. */
void *store_take(struct store *s, const char *ns, const char *name) MUST_CHECK;
/* Iterates over all facts in no particular order: start with *cursor = NULL; NULL at the end. Meanwhile only
 * the entry that was returned last may be taken, and nothing may be put. */
void *store_next(const struct store *s, void **cursor);

/* Makes all entries old, until they are put again. */
void store_mark_all_old(struct store *s);
/* Removes the facts of one old entry and gives them to the caller; NULL when there is none. */
void *store_take_old(struct store *s) MUST_CHECK;

#endif

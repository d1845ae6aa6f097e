/*
 * A cache of all objects of one kind that is kept up to date by a list in pages and then
 * a watch with bookmarks. When the watch cannot be resumed, because its history has
 * expired, the objects are listed again and those no longer in the list are reported as
 * deleted.
 *
 * Each object is reduced to facts as it arrives; the informer owns the facts. Nothing
 * fails for the caller: errors are reported to on_error and retried with backoff. All
 * callbacks run on the loop; they must not free the informer.
 */
#ifndef KUBE_INFORMER_H
#define KUBE_INFORMER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/view.h"
#include "kube/client.h"
#include "kube/store.h"

struct informer;
struct wire_message; /* kobj/wire.h */

/* Everything in it is borrowed and must outlive the informer. */
struct informer_kind {
    const char *path;                   /* of the resource: "/api/v1/pods" */
    const char *label_selector;         /* NULL: all */
    const char *field_selector;         /* NULL: all */
    const struct wire_message *message; /* requests protobuf, decoded with this table; NULL: JSON */

    /* Returns the facts of an object, which is given as JSON without managedFields, as a new block; previous
     * are those of the same name, or NULL. NULL: it cannot be decoded, and is treated as if it did not exist.
     */
    void *(*reduce)(struct view object, const void *previous);
    void (*free_facts)(void *facts);
    /* Called after the store has changed; before is NULL for a new object, after for a deleted one. May be
     * NULL. */
    void (*on_change)(void *context, const void *before, const void *after);
    /* Called after each complete list, first or later. May be NULL. */
    void (*on_listed)(void *context);
    /* Called for an object that cannot be decoded, for the log. */
    void (*on_undecodable)(void *context, const struct informer_kind *kind, const char *ns, const char *name);
    /* Called for an error before the retry, for the log. */
    void (*on_error)(void *context, const struct informer_kind *kind, const struct err *e);
    void *context;
};

struct informer *informer_new(struct loop *loop, struct kube_client *client,
                              const struct informer_kind *kind) MUST_CHECK RETURNS_NONNULL;
void informer_free(struct informer *i); /* NULL is fine */
/* Starts the first list; does nothing if it was started before. */
void informer_start(struct informer *i);
/* Lists again, because the caller suspects that an event was missed. Requests that were sent before do not
 * count. */
void informer_relist(struct informer *i);

/* False until the first list is complete, and during a later one, when the store is a mixture of old and new.
 */
bool informer_is_current(const struct informer *i);
/* True once the first list is complete. */
bool informer_is_synced(const struct informer *i);
/* Boot clock: the store has everything that was written before this time; 0: no list yet. */
int64_t informer_fresh_ms(const struct informer *i);
/* Facts by namespace and name. */
const struct store *informer_store(const struct informer *i);

#endif

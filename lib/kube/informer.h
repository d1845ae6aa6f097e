/*
 * A cache of one kind of object, kept up to date: a paged list, then a watch with
 * bookmarks, for ever. What the watch missed (history expired, a torn connection)
 * is learnt from a new list, and what is not in it any more is told as gone.
 *
 * Objects are reduced to facts as they come, one at a time; the informer owns the
 * facts. Nothing fails for the caller: trouble is told, waited out with a growing
 * pause, and tried again. All callbacks run on the loop; they must not free the
 * informer.
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
    const char *path;                   /* of the collection: "/api/v1/pods" */
    const char *label_selector;         /* NULL: all */
    const char *field_selector;         /* NULL: all */
    const struct wire_message *message; /* asks for protobuf, of which it takes this; NULL: JSON */

    /* The facts of an object, given as JSON without managedFields: a block of its own; previous: of the same
     * name, or NULL. NULL: it cannot be read, and is left out as if it were not there. */
    void *(*reduce)(struct view object, const void *previous);
    void (*free_facts)(void *facts);
    /* After the store has changed; before NULL: new; after NULL: gone. May be NULL. */
    void (*on_change)(void *context, const void *before, const void *after);
    /* A list was taken in whole: the first one, and each that followed a gap. May be NULL. */
    void (*on_listed)(void *context);
    /* An object was left out; for the log. */
    void (*on_left_out)(void *context, const struct informer_kind *kind, const char *ns, const char *name);
    /* Something went wrong and will be tried again; for the log. */
    void (*on_trouble)(void *context, const struct informer_kind *kind, const struct err *e);
    void *context;
};

struct informer *informer_new(struct loop *loop, struct kube_client *client,
                              const struct informer_kind *kind) MUST_CHECK RETURNS_NONNULL;
void informer_free(struct informer *i); /* NULL is fine */
/* Begins with the first list; what is started already goes on as it is. */
void informer_start(struct informer *i);
/* Lists again, since the caller has reason to believe that something was missed: what was asked for before
 * now does not count. */
void informer_relist(struct informer *i);

/* False until the first list is in, and while a later one is coming: then the store is of mixed age. */
bool informer_is_current(const struct informer *i);
/* True from the first list on. */
bool informer_is_synced(const struct informer *i);
/* Boot clock: the store holds everything that was written before this moment; 0 = no list yet. */
int64_t informer_fresh_ms(const struct informer *i);
/* Facts by namespace and name. */
const struct store *informer_store(const struct informer *i);

#endif

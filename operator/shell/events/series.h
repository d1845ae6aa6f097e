/*
 * Events that repeat, as client-go counts them: the first time an event is made, the second time it becomes a
 * series of 2, later ones are counted here and written now and then, and a series that has been quiet for
 * some minutes is over. Owns what is remembered; reads no clock. Nothing fails.
 */
#ifndef EVENTS_SERIES_H
#define EVENTS_SERIES_H

#include <stdint.h>

#include "base/attr.h"

enum series_step {
    SERIES_FIRST,  /* make the event */
    SERIES_SECOND, /* say that it is a series */
    SERIES_MORE,   /* nothing, until series_due says so */
};

struct series {
    const char *ns, *name; /* of the event object */
    const char *event;     /* the object as text, to make it anew when it has expired */
    int64_t count, written_count;
    int64_t seen_ms, written_ms; /* boot clock */
    int64_t seen_us;             /* wall clock, of the last time */
};

struct series_table;

struct series_table *series_table_new(void) MUST_CHECK RETURNS_NONNULL;
void series_table_free(struct series_table *t); /* NULL is fine */

/* uid: of the object; text: all that makes two events the same. *ret is NULL with SERIES_FIRST, which
 * series_begin may follow, else valid until the table changes. */
enum series_step series_note(struct series_table *t, const char *uid, const char *text, int64_t now_ms,
                             int64_t now_us, const struct series **ret);
/* Remembers the event that was made; not when its namespace has as many remembered as there are places left,
 * and each then makes an event of its own. So no namespace can take the places of all others. */
void series_begin(struct series_table *t, const char *uid, const char *text, const struct series *s);
/* One whose count is to be written, as it is told and marked as written; NULL when there is none. Call it
 * until then, each minute. Forgets those that are over. */
const struct series *series_due(struct series_table *t, int64_t now_ms);

#endif

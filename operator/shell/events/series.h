/*
 * Counts events that repeat, as client-go does: the first occurrence creates an event, the second one turns
 * it into a series of 2, and later ones are counted here and written now and then. A series that has been
 * quiet for some minutes is over. Owns what it remembers; reads no clock. Nothing fails.
 */
#ifndef EVENTS_SERIES_H
#define EVENTS_SERIES_H

#include <stdint.h>

#include "base/attr.h"

enum series_step {
    SERIES_FIRST,  /* create the event */
    SERIES_SECOND, /* patch it into a series */
    SERIES_MORE,   /* write nothing until series_due returns it */
};

struct event_series {
    const char *ns, *name; /* of the event object */
    const char *event;     /* the object as text, to create it again when it has expired */
    int64_t count, written_count;
    int64_t seen_ms, written_ms; /* boot clock */
    int64_t seen_us;             /* wall clock */
};

struct series_table;

struct series_table *series_table_new(void) MUST_CHECK RETURNS_NONNULL;
void series_table_free(struct series_table *t); /* NULL is fine */

/* An event occurred. uid: of the object that it is about; key: equal for events that are the same. *ret is
 * NULL with SERIES_FIRST, after which series_begin may be called; else it is valid until the table changes.
 */
enum series_step series_note(struct series_table *t, const char *uid, const char *key, int64_t now_ms,
                             int64_t now_us, const struct event_series **ret);
/* Remembers the event that was created, unless its namespace has as many remembered as there is capacity
 * left: then each repetition creates an event of its own. So no namespace can use up the capacity of all
 * others. */
void series_begin(struct series_table *t, const char *uid, const char *key, const struct event_series *s);
/* The next series whose count has to be written, marked as written; NULL when there is none left. To be
 * called every minute until it returns NULL. Forgets the series that are over. */
const struct event_series *series_due(struct series_table *t, int64_t now_ms);

#endif

/*
 * Writes of this process that its caches may not show yet (client-go's controller expectations). A job is not
 * reconciled before they do: a plan on an older view would decide a second time what is decided.
 *
 * An expectation is met when the cache shows the write, or when a whole list was begun after the write was
 * answered. Nothing here fails. The list owns its texts.
 */
#ifndef CACHE_EXPECTATIONS_H
#define CACHE_EXPECTATIONS_H

#include "shell/cache/caches.h"

enum expectation_kind {
    EXPECT_VERSION, /* the job, pod or NetworkPolicy, at least as new as `version` */
    EXPECT_THERE,   /* the child with that uid */
    EXPECT_LEAVING, /* the child with that uid is gone or being deleted */
    EXPECT_FORCED,  /* the pod with that uid is gone, or only a finalizer keeps it */
    EXPECT_LIST,    /* the outcome of a write is unknown: met by a new list only */
};

struct expectation {
    struct expectation *next;
    enum expectation_kind kind;
    enum cache cache;
    char *name;
    char *uid;     /* THERE, LEAVING, FORCED */
    char *version; /* VERSION */
    int64_t since_ms;
};

struct expectations {
    struct expectation *first;
};

void expectations_fini(struct expectations *x);
/* Texts are copied; uid or version may be NULL where the kind has none. */
void expect(struct expectations *x, enum expectation_kind kind, enum cache cache, const char *name,
            const char *text);
/* The child was deleted after it had been seen. */
void expectations_note_deleted(struct expectations *x, const char *uid);
/*
 * Forgets what is met; true when nothing is left. Otherwise *ret_wait_ms is how long to wait at most before
 * asking again. A cache is listed again for EXPECT_LIST, and when it has not shown a write for half a minute.
 */
bool expectations_are_met(struct expectations *x, const struct caches *c, const char *ns,
                          int64_t *ret_wait_ms);

#endif

/*
 * Splits the text of a list or a watch into single objects as it arrives, so that
 * never more than one object is parsed at a time. Pure.
 *
 * A watch is a row of JSON values: each is an item. A list is one object whose
 * member "items" is an array: each element is an item, and what is around them (kind,
 * metadata) is left in `head`, with an empty array. metadata.managedFields, often half
 * of an object and read by nobody here, becomes an empty array. Errors: ERR_TOO_LARGE for an
 * item over max_item_bytes, ERR_PROTOCOL for text that cannot be JSON, and what
 * on_item returned. After an error the framer is of no more use but to be emptied.
 */
#ifndef KUBE_FRAMER_H
#define KUBE_FRAMER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/strbuf.h"
#include "base/view.h"

enum framer_kind { FRAMER_WATCH, FRAMER_LIST };

struct framer {
    enum framer_kind kind;
    int (*on_item)(void *context, struct view text, struct err *e);
    void *context;
    struct strbuf head;
    struct strbuf item;
    struct view kept;  /* of what is being fed: to be added to head or item */
    unsigned depth;    /* open brackets and braces */
    unsigned left_out; /* the depth inside an array whose elements are dropped; 0 = none is open */
    bool in_string, is_escaped;
    bool in_items;    /* inside the array "items" */
    bool is_complete; /* a list's last brace was seen */
};

void framer_init(struct framer *f, enum framer_kind kind, size_t max_item_bytes,
                 int (*on_item)(void *context, struct view text, struct err *e), void *context);
void framer_fini(struct framer *f);
/* Ready for the next list or watch; memory is kept. */
void framer_reset(struct framer *f, enum framer_kind kind);
int framer_feed(struct framer *f, const void *bytes, size_t length, struct err *e) MUST_CHECK;

#endif

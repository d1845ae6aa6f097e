/*
 * Splits the bytes of a list or a watch into single objects as they arrive, so that
 * never more than one object is parsed at a time. Pure.
 *
 * A watch is a row of JSON values: each is an item. A list is one object whose
 * member "items" is an array: each element is an item, and what is around them (kind,
 * metadata) is left in `head`, with an empty array. metadata.managedFields, often half
 * of an object and read by nobody here, becomes an empty array.
 *
 * What comes in protobuf is given as JSON all the same, as far as tables hold it
 * (kobj/wire.h); of a list's head that is the metadata.
 *
 * Errors: ERR_TOO_LARGE for an item over max_item_bytes, ERR_PROTOCOL for bytes that are
 * no JSON or protobuf, and what on_item returned. After an error the framer is of no more
 * use but to be emptied.
 */
#ifndef KUBE_FRAMER_H
#define KUBE_FRAMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/strbuf.h"
#include "base/view.h"
#include "data/protobuf.h"

struct wire_message; /* kobj/wire.h */

enum framer_kind { FRAMER_WATCH, FRAMER_LIST };

struct framer {
    enum framer_kind kind;
    int (*on_item)(void *context, struct view text, struct err *e);
    void *context;
    struct strbuf head;
    struct strbuf item;
    bool is_complete; /* a list's last byte was seen */

    /* Of JSON. */
    struct view kept;  /* of what is being fed: to be added to head or item */
    unsigned depth;    /* open brackets and braces */
    unsigned left_out; /* the depth inside an array whose elements are dropped; 0 = none is open */
    bool in_string, is_escaped;
    bool in_items; /* inside the array "items" */

    /* Of protobuf: pieces, each behind a header that tells its length. */
    const struct wire_message *message; /* of an object; NULL: it comes in JSON */
    struct strbuf text;                 /* of a piece, in JSON */
    char header[PROTOBUF_HEAD_MAX];
    size_t header_length;
    uint64_t piece_left, list_left; /* bytes to come of the piece, and in the list behind it */
    struct strbuf *piece;           /* what it is added to; NULL: nobody wants it */
    bool has_magic, in_list;
};

void framer_init(struct framer *f, enum framer_kind kind, size_t max_item_bytes,
                 int (*on_item)(void *context, struct view text, struct err *e), void *context);
void framer_fini(struct framer *f);
/* Ready for the next list or watch, in JSON; memory is kept. */
void framer_reset(struct framer *f, enum framer_kind kind);
/* Before the first byte: it comes in protobuf, each object as such a message (borrowed until the next reset).
 */
void framer_expect_protobuf(struct framer *f, const struct wire_message *message);
int framer_feed(struct framer *f, const void *bytes, size_t length, struct err *e) MUST_CHECK;

#endif

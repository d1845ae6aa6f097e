/*
 * Splits the bytes of a list or a watch into objects as they arrive, so that only one
 * object at a time is in memory and parsed. Pure.
 *
 * A watch is a sequence of JSON values, each of which is an item. A list is an object with
 * an array "items", each element of which is an item; the rest (kind, metadata) is kept in
 * `head`, with an empty array. metadata.managedFields, often half of an object and not
 * needed here, becomes an empty array.
 *
 * Protobuf is converted to JSON with the tables of kobj/wire.h; the head of a list then has
 * its metadata only.
 *
 * Errors: ERR_TOO_LARGE for an item over max_item_bytes, ERR_PROTOCOL for malformed JSON or
 * protobuf, and what on_item returned. After an error only framer_reset and framer_fini may
 * be called.
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
    bool is_complete; /* the last byte of a list has arrived */

    /* For JSON. */
    struct view kept;  /* of the bytes being fed, to be added to head or item */
    unsigned depth;    /* open brackets and braces */
    unsigned left_out; /* the depth inside the array whose elements are dropped; 0: not in one */
    bool in_string, is_escaped;
    bool in_items; /* inside the array "items" */

    /* For protobuf: pieces, each with a header that has its length. */
    const struct wire_message *message; /* of an object; NULL: JSON */
    struct strbuf text;                 /* a piece as JSON */
    char header[PROTOBUF_HEAD_MAX];
    size_t header_length;
    uint64_t piece_left, list_left; /* missing bytes of the piece, and of the list after it */
    struct strbuf *piece;           /* what the piece is added to; NULL: it is dropped */
    bool has_magic, in_list;
};

void framer_init(struct framer *f, enum framer_kind kind, size_t max_item_bytes,
                 int (*on_item)(void *context, struct view text, struct err *e), void *context);
void framer_fini(struct framer *f);
/* Prepares for the next list or watch, in JSON; keeps the memory. */
void framer_reset(struct framer *f, enum framer_kind kind);
/* Call it before the first byte when the response is protobuf; message is the type of the objects and
 * borrowed until the next reset. */
void framer_expect_protobuf(struct framer *f, const struct wire_message *message);
int framer_feed(struct framer *f, const void *bytes, size_t length, struct err *e) MUST_CHECK;

#endif

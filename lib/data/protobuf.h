/*
 * The wire format of Protocol Buffers (https://protobuf.dev/programming-guides/encoding/):
 * a cursor over the fields of one message. What the fields mean is the caller's business.
 *
 * Bytes are foreign: nothing is read beyond their end, and what is no message ends the
 * cursor with is_broken. Groups, long deprecated, are taken for broken. Views borrow from
 * the message. Nothing is allocated. Pure.
 */
#ifndef DATA_PROTOBUF_H
#define DATA_PROTOBUF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/view.h"

enum protobuf_type { PROTOBUF_VARINT = 0, PROTOBUF_FIXED64 = 1, PROTOBUF_BYTES = 2, PROTOBUF_FIXED32 = 5 };

struct protobuf_field {
    uint32_t number; /* never 0 */
    enum protobuf_type type;
    uint64_t value;    /* of a varint; 0 otherwise */
    struct view bytes; /* of text, bytes, a message; otherwise as the value is written */
};

struct protobuf {
    struct view rest;
    bool is_broken;
};

struct protobuf protobuf_open(struct view message);
/* False at the end and where the message is broken. */
bool protobuf_next(struct protobuf *p, struct protobuf_field *ret) MUST_CHECK;

/*
 * For messages that come in pieces: the number of a field and the length of its bytes, which follow. Returns
 * how many bytes that took, 0 when more are needed, -1 when it is broken or a field without a length.
 */
int protobuf_head(struct view bytes, uint32_t *ret_number, uint64_t *ret_length) MUST_CHECK;
enum { PROTOBUF_HEAD_MAX = 20 }; /* two varints */

#endif

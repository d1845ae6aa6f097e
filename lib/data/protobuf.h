/*
 * The wire format of Protocol Buffers (https://protobuf.dev/programming-guides/encoding/):
 * a cursor over the fields of one message. The meaning of the fields is up to the caller.
 *
 * The bytes are untrusted: nothing is read past their end, and a malformed message ends
 * the cursor with is_broken. Groups, long deprecated, count as malformed. Views borrow
 * from the message. Nothing is allocated. Pure.
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
    struct view bytes; /* of a string, bytes or a message; otherwise the encoded value */
};

struct protobuf {
    struct view rest;
    bool is_broken;
};

struct protobuf protobuf_open(struct view message);
/* False at the end of the message, and where it is malformed. */
bool protobuf_next(struct protobuf *p, struct protobuf_field *ret) MUST_CHECK;

/*
 * For messages that arrive in pieces: reads the number of a field and the length of the bytes that follow.
 * Returns how many bytes that took; 0 when more are needed; -1 when it is malformed or a field without a
 * length.
 */
int protobuf_head(struct view bytes, uint32_t *ret_number, uint64_t *ret_length) MUST_CHECK;
enum { PROTOBUF_HEAD_MAX = 20 }; /* two varints */

#endif

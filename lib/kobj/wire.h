/*
 * Converts Kubernetes objects from protobuf to the JSON that the API server would have
 * sent. Tables list the members of each message; a field in no table is omitted, so a
 * table needs to list only what is read. Pure.
 *
 * The messages are those of the generated.proto files of k8s.io/api and
 * k8s.io/apimachinery. Go encodes every field that is not a pointer, even if it is zero
 * and omitted in JSON, and every pointer that is set. The elements of a list are adjacent.
 *
 * Errors: ERR_PROTOCOL for a malformed message, ERR_TOO_LARGE when `out` overflows.
 */
#ifndef KOBJ_WIRE_H
#define KOBJ_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/strbuf.h"
#include "base/view.h"

enum wire_kind {
    WIRE_TEXT,
    WIRE_BOOL,
    WIRE_INTEGER, /* int32, int64 */
    WIRE_MESSAGE,
    WIRE_INLINE,   /* a message whose members become members of the enclosing object */
    WIRE_MAP,      /* of strings to strings */
    WIRE_TIME,     /* metav1.Time */
    WIRE_QUANTITY, /* resource.Quantity */
    WIRE_OPAQUE,   /* any type: its bytes in hexadecimal */
};

struct wire_message;

struct wire_member {
    uint32_t number;
    enum wire_kind kind;
    bool is_list;
    bool omits_zero;                    /* not a pointer, and "omitempty" */
    struct view key;                    /* WIRE_KEY of its name; none for WIRE_INLINE */
    const struct wire_message *message; /* of WIRE_MESSAGE and WIRE_INLINE */
};

struct wire_message {
    const struct wire_member *members; /* by number */
    size_t count;
    /* Fields in no table become members "#<number>", so that a comparison does not miss the new fields of a
     * newer API server. Zero values are still omitted: Go encodes those even if nobody has set them. */
    bool writes_unknown;
};

/* The key of a member in JSON, with the comma before it; the name must not need escapes. */
#define WIRE_KEY(name)                                                                                       \
    {                                                                                                        \
        ",\"" name "\":", sizeof(",\"" name "\":") - 1                                                       \
    }

#define WIRE_MESSAGE_OF(table)                                                                               \
    {                                                                                                        \
        .members = (table), .count = ARRAY_LEN(table)                                                        \
    }
/* The same with writes_unknown. */
#define WIRE_MESSAGE_IN_FULL(table)                                                                          \
    {                                                                                                        \
        .members = (table), .count = ARRAY_LEN(table), .writes_unknown = true                                \
    }

/* Appends a message without an envelope as JSON. */
int wire_to_json(const struct wire_message *m, struct view message, struct strbuf *out,
                 struct err *e) MUST_CHECK;

/* An envelope is "k8s" and a zero byte, followed by runtime.Unknown, whose `raw` is the message. */
#define WIRE_MAGIC ((struct view){"k8s", 4})
enum { WIRE_RAW = 2 }; /* the field's number */
/* The message in an envelope; false when there is none. */
bool wire_open(struct view envelope, struct view *ret_message) MUST_CHECK;

/* Appends a watch event, {"type": ..., "object": ...}. m is the type of its object, unless that is a Status.
 */
int wire_event_to_json(const struct wire_message *m, struct view event, struct strbuf *out,
                       struct err *e) MUST_CHECK;

#endif

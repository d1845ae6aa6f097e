/*
 * Kubernetes objects in the API server's protobuf form, written as the JSON that it would
 * have sent. A tree of tables says which members there are; what stands in no table is
 * left out, so a table needs to hold only what is read. Pure.
 *
 * The form is that of the generated.proto files beside the Go types of k8s.io/api and
 * k8s.io/apimachinery. Go writes each field that is no pointer, also a zero, which its
 * JSON leaves out; and each pointer that is set. Fields of a list follow one another.
 *
 * Errors: ERR_PROTOCOL for what is no such message, ERR_TOO_LARGE for an overflow of `out`.
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
    WIRE_INLINE,   /* a message whose members are written as those of the one around it */
    WIRE_MAP,      /* of text to text */
    WIRE_TIME,     /* metav1.Time */
    WIRE_QUANTITY, /* resource.Quantity */
    WIRE_OPAQUE,   /* whatever it is: its bytes, in hexadecimal */
};

struct wire_message;

struct wire_member {
    uint32_t number;
    enum wire_kind kind;
    bool is_list;
    bool omits_zero;                    /* no pointer, and "omitempty" */
    struct view key;                    /* WIRE_KEY of its name; of WIRE_INLINE none */
    const struct wire_message *message; /* of WIRE_MESSAGE and WIRE_INLINE */
};

struct wire_message {
    const struct wire_member *members; /* by number */
    size_t count;
    /* A field that is in no table is written as member "#<number>", unless it is zero: whoever looks for
     * changes must not miss what a newer API server has to say, which writes its new fields also where
     * nobody has set them. */
    bool tells_unknown;
};

/* A name that needs no escapes, as it is written between two members. */
#define WIRE_KEY(name)                                                                                       \
    {                                                                                                        \
        ",\"" name "\":", sizeof(",\"" name "\":") - 1                                                       \
    }

#define WIRE_MESSAGE_OF(table)                                                                               \
    {                                                                                                        \
        .members = (table), .count = ARRAY_LEN(table)                                                        \
    }
/* The same, but nothing is left out. */
#define WIRE_MESSAGE_IN_FULL(table)                                                                          \
    {                                                                                                        \
        .members = (table), .count = ARRAY_LEN(table), .tells_unknown = true                                 \
    }

/* Appends the message, which stands in no envelope. */
int wire_to_json(const struct wire_message *m, struct view message, struct strbuf *out,
                 struct err *e) MUST_CHECK;

/* What an envelope begins with: "k8s" and a zero, then runtime.Unknown, whose `raw` is the message. */
#define WIRE_MAGIC ((struct view){"k8s", 4})
enum { WIRE_RAW = 2 }; /* its number */
/* False when it is none. */
bool wire_open(struct view envelope, struct view *ret_message) MUST_CHECK;

/* Appends one event of a watch, {"type": ..., "object": ...}. m: of its object, unless it is a Status. */
int wire_event_to_json(const struct wire_message *m, struct view event, struct strbuf *out,
                       struct err *e) MUST_CHECK;

#endif

/*
 * How replies of Google APIs are handled: looks up the table replies.def, which has
 * an action for each kind of request and each status or fault of its reply. Pure.
 *
 * gcp/call.h and gcp/credentials.h use it. Code that reads a reply only reports which
 * fault it has (REPLY_FAIL); it does not decide what happens next.
 */
#ifndef GCP_REPLIES_H
#define GCP_REPLIES_H

#include "base/attr.h"
#include "base/err.h"
#include "net/http.h"

/* What was requested. Bits, so that rows can name groups. */
enum reply_kind {
    REPLY_METADATA = 1 << 0, /* an access token, from the metadata server */
    REPLY_TOKEN = 1 << 1,    /* an access token, from a token endpoint */
    REPLY_KMS = 1 << 2,      /* to decrypt or encrypt */
    REPLY_LIST = 1 << 3,     /* a page of a listing */
    REPLY_STAT = 1 << 4,     /* an object's metadata */
    REPLY_READ = 1 << 5,     /* an object's bytes, or the rest of them */
    REPLY_SMALL = 1 << 6,    /* a small object */
    REPLY_WRITE = 1 << 7,    /* to write a small object */
    REPLY_OPEN = 1 << 8,     /* an upload session */
    REPLY_CHUNK = 1 << 9,    /* to take a part of an upload */
    REPLY_ASK = 1 << 10,     /* how much of an upload is there */
    REPLY_PUBLISH = 1 << 11, /* to publish to Pub/Sub; the operator's notifier retries by itself */

    REPLY_TOKENS = REPLY_METADATA | REPLY_TOKEN,
    REPLY_JSON = REPLY_TOKENS | REPLY_KMS | REPLY_LIST | REPLY_STAT,
    REPLY_MEDIA = REPLY_READ | REPLY_SMALL,
    REPLY_SESSION = REPLY_CHUNK | REPLY_ASK,
    REPLY_CREATED = REPLY_WRITE | REPLY_SESSION, /* requests that may create the object */
    REPLY_CREATE = REPLY_CREATED | REPLY_OPEN,
    REPLY_UNSTREAMED = REPLY_JSON | REPLY_SMALL | REPLY_CREATE,
    REPLY_ANY = REPLY_UNSTREAMED | REPLY_READ | REPLY_PUBLISH,
};

enum reply_action { REPLY_ACCEPT, REPLY_AGAIN, REPLY_LOOK_UP, REPLY_RESTART, REPLY_FINAL };

/* Numbered after the statuses: an event is one or the other. */
enum reply_fault {
    REPLY_STATUS_MAX = 999,
#define REPLY_FAULT(name) REPLY_##name,
#include "gcp/replies.def"
#undef REPLY_FAULT
    REPLY_FAULT_END,
};

struct reply_rule {
    enum reply_action action;
    enum err_code code; /* ERR_NONE: the error keeps its own */
};

/* event: a status, or an enum reply_fault that this kind of reply can have. */
struct reply_rule reply_rule(enum reply_kind kind, int event) MUST_CHECK;
/* The event of a request that failed with *e. r holds what came of the reply. */
int reply_event_of_failure(const struct http_response *r, const struct err *e) MUST_CHECK;
/* Gives the error the code of the rule. */
enum reply_action reply_judge(enum reply_kind kind, int event, struct err *e) MUST_CHECK;
/* Sets *e to the refusal in r: Google's message (cloud.google.com/apis/design/errors), and the URL without
 * its query. The code is that of the rule for the kind. Always -1. */
int reply_refusal(enum reply_kind kind, const struct http_request *q, const struct http_response *r,
                  struct err *e);

/* For code that reads replies: reports the fault and sets *e. Yields -1. */
#define REPLY_FAIL(ret_event, fault, e, ...)                                                                 \
    (*(ret_event) = REPLY_##fault, FAIL((e), ERR_PROTOCOL, __VA_ARGS__))

#endif

/*
 * An HTTP server on 127.0.0.1 for the blocking clients of Google's services: a
 * thread that answers one request per connection, one after the other. Requests
 * for access tokens it answers itself, as the metadata server does; all others are
 * answered by the test's handler, on that thread.
 */
#ifndef TESTS_UNIT_LOOPBACK_H
#define TESTS_UNIT_LOOPBACK_H

#include "gcp/call.h"

/* A request and the reply to it, which the handler fills in. */
struct exchange {
    char *method, *target;     /* target: path and query, as sent */
    struct view headers, body; /* headers: whole lines */

    int status;                  /* 404 unless the handler sets it */
    struct strbuf reply_headers; /* whole lines */
    struct strbuf reply;
    bool is_lost;    /* the connection is closed without a reply */
    bool is_stalled; /* nothing is said until the client hangs up */
    const char *raw; /* these bytes instead of a reply; NULL: a reply */
    size_t cut;      /* the connection is closed after so many bytes of the body; 0: none is cut */
};

/* The value of a request's header, or the empty view. Names are compared without case. */
struct view exchange_header(const struct exchange *x, const char *name);

struct loopback;

struct loopback *loopback_start(void (*handle)(void *context, struct exchange *x), void *context);
void loopback_stop(struct loopback *s);
/* "http://127.0.0.1:PORT" */
const char *loopback_url(const struct loopback *s);
/* Every service is this server, and a call is retried for two seconds, with short waits. The credentials are
 * the server's. */
struct gcp_config loopback_config(const struct loopback *s);

/* Once for a program: a cmocka group's set-up. */
int loopback_set_up(void **state);

#endif

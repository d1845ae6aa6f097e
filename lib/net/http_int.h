/*
 * What the blocking and the looping client share: one transfer, from request to
 * response, on a libcurl easy handle. Internal to lib/net.
 */
#ifndef NET_HTTP_INT_H
#define NET_HTTP_INT_H

#include <curl/curl.h>
#include <netinet/in.h>
#include <stdbool.h>

#include "net/http.h"

struct transfer {
    CURL *easy;                     /* borrowed */
    const struct http_request *q;   /* borrowed */
    struct http_response *r;        /* borrowed */
    const bool *is_cancelled;       /* NULL: cannot be cancelled */
    struct curl_slist *headers;     /* owned */
    struct curl_slist *connect_to;  /* owned */
    struct err error;               /* what a callback reported */
    size_t sent;                    /* bytes of q->body */
    size_t head_bytes;              /* of all heads so far */
    bool is_head_seen;              /* on_head was called */
    char refused[INET6_ADDRSTRLEN]; /* the last address that was refused, or "" */
    char text[CURL_ERROR_SIZE];     /* libcurl's own words */
};

/* Sets every option; the transfer must stay where it is until transfer_end. */
int transfer_begin(struct transfer *t, const struct http_tls *tls, struct err *e) MUST_CHECK;
/* How long nothing may come; -1: for ever. */
int transfer_idle_ms(const struct transfer *t) MUST_CHECK;
/* What errors call its URL. */
const char *transfer_label(const struct transfer *t) MUST_CHECK;
/* Turns libcurl's result into 0 or an error, and frees what transfer_begin made. */
int transfer_end(struct transfer *t, CURLcode code, struct err *e) MUST_CHECK;
/* Verification of peers and our own certificate; a trust store is shared by all handles with the same roots.
 */
int tls_apply(CURL *easy, const struct http_tls *tls, struct err *e) MUST_CHECK;

#endif

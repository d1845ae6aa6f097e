/*
 * What http_session and http_loop share: one transfer, from request to response, on a
 * libcurl easy handle. Internal to lib/net.
 */
#ifndef NET_HTTP_INT_H
#define NET_HTTP_INT_H

#include <curl/curl.h>
#include <netinet/in.h>
#include <stdbool.h>

#include "net/http.h"

enum {
    HTTP_BODY_MAX = 1024 * 1024, /* of a buffered response, when the request does not say */
    HTTP_HEADERS_MAX = 64 * 1024,
};

/* Takes a line of a response's head, as libcurl hands it over: of the status, a header, or the empty last
 * one. */
void http_response_add_line(struct http_response *r, struct view line);

struct transfer {
    CURL *easy;                     /* borrowed */
    const struct http_request *q;   /* borrowed */
    struct http_response *r;        /* borrowed */
    const bool *is_cancelled;       /* NULL: cannot be cancelled */
    struct curl_slist *headers;     /* owned */
    struct curl_slist *connect_to;  /* owned */
    struct err error;               /* set by a callback */
    size_t sent;                    /* bytes of q->body */
    size_t head_bytes;              /* of all response headers so far */
    bool is_head_seen;              /* on_head was called */
    bool is_body_cut;               /* the rest of an error page is not read */
    char refused[INET6_ADDRSTRLEN]; /* the last address that was refused, or "" */
    char text[CURL_ERROR_SIZE];     /* libcurl's error message */
};

/* Sets every option. The transfer must not move until transfer_end. */
int transfer_begin(struct transfer *t, const struct http_tls *tls, struct err *e) MUST_CHECK;
/* The idle timeout in milliseconds; -1: none. */
int transfer_idle_ms(const struct transfer *t) MUST_CHECK;
/* What errors show as its URL. */
const char *transfer_label(const struct transfer *t) MUST_CHECK;
/* Turns libcurl's result into 0 or an error, and frees what transfer_begin allocated. */
int transfer_end(struct transfer *t, CURLcode code, struct err *e) MUST_CHECK;
/* Sets verification of the server and the client's certificate. Handles with the same roots share one trust
 * store. */
int tls_apply(CURL *easy, const struct http_tls *tls, struct err *e) MUST_CHECK;

#endif

/*
 * A small HTTP server on the event loop (evhttp): health endpoints and the like.
 *
 * Plain HTTP, GET and HEAD only; a request is answered from inside the handler.
 * httpd_new fails when the address cannot be bound. The server is owned by the
 * caller; the handler's context must outlive it.
 */
#ifndef NET_HTTPD_H
#define NET_HTTPD_H

#include "base/attr.h"
#include "base/err.h"
#include "base/strbuf.h"

struct loop;
struct httpd;

/* Fills body (plain text) and returns the status; path has no query. */
typedef int httpd_fn(void *context, const char *path, struct strbuf *body);

/* address: "0.0.0.0:8081", "[::]:8081", ":8081" for every interface. NULL with *e set when it cannot be
 * bound. */
struct httpd *httpd_new(struct loop *loop, const char *address, httpd_fn *fn, void *context,
                        struct err *e) MUST_CHECK;
void httpd_free(struct httpd *d); /* NULL is fine */

#endif

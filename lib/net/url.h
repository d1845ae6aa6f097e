/*
 * URLs: percent-encoding (RFC 3986) and parsing of absolute http and https URLs. Pure.
 */
#ifndef NET_URL_H
#define NET_URL_H

#include "base/err.h"
#include "base/strbuf.h"
#include "base/view.h"

struct url {
    struct view scheme; /* "http" or "https" */
    struct view host;   /* an IPv6 address keeps its brackets */
    unsigned port;      /* defaults to that of the scheme */
    const char *path;   /* what follows, with query and fragment: "/...", "?...", "#..." or "" */
};

/* The parts borrow from text. ERR_INVALID when it is not an absolute http or https URL. */
int url_parse(const char *text, struct url *ret, struct err *e) MUST_CHECK;
/* Appends v with everything but RFC 3986's unreserved characters as %XX, slashes included: for a path segment
 * or a query value. */
void url_add_encoded(struct strbuf *sb, struct view v);
/* The same as a new string; the caller frees it. */
char *url_encode(const char *text) MUST_CHECK;

#endif

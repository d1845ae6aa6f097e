/*
 * Pieces of URLs: percent-encoding (RFC 3986) and the split of an absolute
 * http or https URL. Pure.
 */
#ifndef NET_URL_H
#define NET_URL_H

#include "base/err.h"
#include "base/strbuf.h"
#include "base/view.h"

struct url {
    struct view scheme; /* "http" or "https" */
    struct view host;   /* with the brackets of an IPv6 address */
    unsigned port;      /* the scheme's default when none is written */
    const char *path;   /* from the first slash, or "" */
};

/* The parts borrow from text. ERR_INVALID when it is no absolute http(s) URL. */
int url_parse(const char *text, struct url *ret, struct err *e) MUST_CHECK;
/* Everything but RFC 3986's unreserved characters becomes %XX, slashes too: a single path segment or a query
 * value. */
void url_add_encoded(struct strbuf *sb, struct view v);
/* The same as new text; the caller frees it. */
char *url_encode(const char *text) MUST_CHECK;

#endif

/*
 * Certificate and key that a server (net/httpd.h) presents. They may be replaced while
 * it runs. The caller owns the struct; it must outlive the server.
 */
#ifndef NET_HTTPD_TLS_H
#define NET_HTTPD_TLS_H

#include "base/attr.h"
#include "base/err.h"
#include "base/secret.h"

struct httpd_tls;

/* Without a certificate: every handshake fails until one is set. */
struct httpd_tls *httpd_tls_new(void) MUST_CHECK RETURNS_NONNULL;
void httpd_tls_free(struct httpd_tls *t); /* NULL is fine */
/* Sets the PEM chain and key for new connections. ERR_INVALID when they cannot be read or do not match; the
 * previous ones are then kept. */
int httpd_tls_set(struct httpd_tls *t, const char *cert_pem, const struct secret *key_pem,
                  struct err *e) MUST_CHECK;

#endif

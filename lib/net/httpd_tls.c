#include "net/httpd_tls.h"

#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "base/alloc.h"
#include "net/httpd_int.h"

#include "base/banned.h"

struct httpd_tls {
    SSL_CTX *context;
};

static SSL_CTX *context_new(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context == NULL)
        abort();
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    return context;
}

struct httpd_tls *httpd_tls_new(void)
{
    struct httpd_tls *t = xcalloc(1, sizeof(*t));
    t->context = context_new();
    return t;
}

void httpd_tls_free(struct httpd_tls *t)
{
    if (t == NULL)
        return;
    SSL_CTX_free(t->context);
    free(t);
}

static int fail(const char *what, struct err *e)
{
    char text[256];
    ERR_error_string_n(ERR_peek_last_error(), text, sizeof(text));
    ERR_clear_error();
    return FAIL(e, ERR_INVALID, "%s: %s", what, text);
}

/* The server's own certificate comes first, then the intermediates. */
static int use_chain(SSL_CTX *context, const char *pem, struct err *e)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *cert = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
    bool is_taken = cert != NULL && SSL_CTX_use_certificate(context, cert) == 1;
    X509_free(cert);
    while (is_taken && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
        is_taken = SSL_CTX_add0_chain_cert(context, cert) == 1;
    BIO_free(bio);
    if (!is_taken)
        return fail("not a PEM certificate that a server can use", e);
    ERR_clear_error(); /* reading past the last certificate left one */
    return 0;
}

static int use_key(SSL_CTX *context, const struct secret *pem, struct err *e)
{
    BIO *bio = BIO_new_mem_buf(pem->bytes, (int)pem->len);
    EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    bool is_taken = key != NULL && SSL_CTX_use_PrivateKey(context, key) == 1;
    EVP_PKEY_free(key);
    BIO_free(bio);
    if (!is_taken || SSL_CTX_check_private_key(context) != 1)
        return fail("not a PEM key, or not the key of the certificate", e);
    return 0;
}

int httpd_tls_set(struct httpd_tls *t, const char *cert_pem, const struct secret *key_pem, struct err *e)
{
    SSL_CTX *context = context_new();
    if (use_chain(context, cert_pem, e) < 0 || use_key(context, key_pem, e) < 0) {
        SSL_CTX_free(context);
        return -1;
    }
    SSL_CTX_free(t->context); /* open connections hold a reference of their own */
    t->context = context;
    return 0;
}

struct bufferevent *httpd_tls_accept(struct httpd_tls *t, struct event_base *base)
{
    SSL *ssl = SSL_new(t->context);
    if (ssl == NULL)
        abort();
    struct bufferevent *connection =
        bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
    if (connection == NULL)
        abort();
    bufferevent_openssl_set_allow_dirty_shutdown(connection, 1);
    return connection;
}

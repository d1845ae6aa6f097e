#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "net/http_int.h"

#include "base/banned.h"

/*
 * Without this, each handle would parse its own copy of the roots, 0.8 MiB for the system's bundle. A process
 * uses few different sets of roots, so each is parsed once and never freed.
 */
struct trust {
    struct trust *next;
    char *pem; /* NULL: the system's bundle */
    X509_STORE *store;
};

static pthread_mutex_t trusts_lock = PTHREAD_MUTEX_INITIALIZER;
static struct trust *trusts;

static X509_STORE *store_of_pem(const char *pem, struct err *e)
{
    X509_STORE *store = X509_STORE_new();
    BIO *bio = BIO_new_mem_buf(pem, -1);
    int count = 0;
    if (store == NULL || bio == NULL)
        abort();
    for (X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL); cert != NULL;
         cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) {
        X509_STORE_add_cert(store, cert);
        X509_free(cert);
        count++;
    }
    BIO_free(bio);
    if (count == 0) {
        X509_STORE_free(store);
        err_set(e, ERR_INVALID, NULL, "the trusted roots contain no PEM certificate");
        return NULL;
    }
    return store;
}

static X509_STORE *store_of_system(struct err *e)
{
    X509_STORE *store = X509_STORE_new();
    if (store == NULL)
        abort();
    if (X509_STORE_set_default_paths(store) != 1) {
        X509_STORE_free(store);
        err_set(e, ERR_INVALID, NULL, "the system has no trusted roots: install ca-certificates");
        return NULL;
    }
    return store;
}

static bool is_same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* The shared store for these roots, never freed. NULL with *e set on failure. */
static X509_STORE *trust_find(const char *pem, struct err *e)
{
    X509_STORE *store = NULL;
    pthread_mutex_lock(&trusts_lock);
    for (struct trust *t = trusts; t != NULL && store == NULL; t = t->next)
        if (is_same(t->pem, pem))
            store = t->store;
    if (store == NULL) {
        store = pem == NULL ? store_of_system(e) : store_of_pem(pem, e);
        if (store != NULL) {
            /* A CA file may contain intermediates only: accept a chain that ends in any of them. */
            X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
            struct trust *t = xmalloc(sizeof(*t));
            *t = (struct trust){.next = trusts, .pem = pem == NULL ? NULL : xstrdup(pem), .store = store};
            trusts = t;
        }
    }
    pthread_mutex_unlock(&trusts_lock);
    return store;
}

static CURLcode use_store(CURL *easy, void *ctx, void *store)
{
    (void)easy;
    SSL_CTX_set1_cert_store(ctx, store);
    return CURLE_OK;
}

static void set_blob(CURL *easy, CURLoption option, const void *bytes, size_t length)
{
    struct curl_blob blob = {.len = length, .flags = CURL_BLOB_COPY};
    memcpy(&blob.data, &bytes, sizeof(bytes)); /* the field is not const, but is only read */
    curl_easy_setopt(easy, option, &blob);
}

int tls_apply(CURL *easy, const struct http_tls *tls, struct err *e)
{
    bool is_insecure = tls != NULL && tls->insecure;
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, is_insecure ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, is_insecure ? 0L : 2L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    if (!is_insecure) {
        X509_STORE *store = trust_find(tls == NULL ? NULL : tls->ca_pem, e);
        if (store == NULL)
            return -1;
        curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, use_store);
        curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, store);
    }
    if (tls != NULL && tls->client_cert_pem != NULL && tls->client_key != NULL) {
        curl_easy_setopt(easy, CURLOPT_SSLCERTTYPE, "PEM");
        curl_easy_setopt(easy, CURLOPT_SSLKEYTYPE, "PEM");
        set_blob(easy, CURLOPT_SSLCERT_BLOB, tls->client_cert_pem, strlen(tls->client_cert_pem));
        set_blob(easy, CURLOPT_SSLKEY_BLOB, tls->client_key->bytes, tls->client_key->len);
    }
    return 0;
}

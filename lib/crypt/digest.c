#include "crypt/digest.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/codec.h"

#include "base/banned.h"

struct digest {
    EVP_MD_CTX *context;
};

struct digest *digest_new(void)
{
    struct digest *d = xcalloc(1, sizeof(*d));
    d->context = EVP_MD_CTX_new();
    if (d->context == NULL || EVP_DigestInit_ex(d->context, EVP_sha256(), NULL) != 1)
        abort();
    return d;
}

void digest_add(struct digest *d, const void *bytes, size_t length)
{
    if (EVP_DigestUpdate(d->context, bytes, length) != 1)
        abort();
}

void digest_finish(struct digest *d, char ret_hex[SHA256_HEX_SIZE])
{
    unsigned char sum[SHA256_SIZE];
    unsigned length = 0;
    if (EVP_DigestFinal_ex(d->context, sum, &length) != 1)
        abort();
    char *hex = hex_encode(sum, SHA256_SIZE);
    memcpy(ret_hex, hex, SHA256_HEX_SIZE);
    free(hex);
    digest_free(d);
}

void digest_free(struct digest *d)
{
    if (d == NULL)
        return;
    EVP_MD_CTX_free(d->context);
    free(d);
}

void sha256_hex(const void *bytes, size_t length, char ret_hex[SHA256_HEX_SIZE])
{
    struct digest *d = digest_new();
    digest_add(d, bytes, length);
    digest_finish(d, ret_hex);
}

void random_bytes(void *out, size_t length)
{
    if (length > INT32_MAX || RAND_bytes(out, (int)length) != 1)
        abort();
}

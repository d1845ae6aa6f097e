#include "crypt/jwt.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#include "base/alloc.h"
#include "base/codec.h"

#include "base/banned.h"

static EVP_PKEY *read_key(struct view pem, struct err *e)
{
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    if (bio == NULL)
        abort();
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    if (key == NULL || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) {
        EVP_PKEY_free(key);
        err_set(e, ERR_INVALID, NULL, "the private key is not an RSA key in PEM form");
        return NULL;
    }
    return key;
}

char *jwt_sign_rs256(struct view private_key_pem, const char *header, const char *claims, struct err *e)
{
    EVP_PKEY *key = read_key(private_key_pem, e);
    if (key == NULL)
        return NULL;
    char *head CLEANUP(cleanup_free) = base64url_encode(header, strlen(header));
    char *body CLEANUP(cleanup_free) = base64url_encode(claims, strlen(claims));
    char *input CLEANUP(cleanup_free) = xasprintf("%s.%s", head, body);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char signature[1024];
    size_t length = sizeof(signature);
    if (context == NULL || EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) != 1 ||
        EVP_DigestSign(context, signature, &length, (const unsigned char *)input, strlen(input)) != 1)
        abort();
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    char *tail CLEANUP(cleanup_free) = base64url_encode(signature, length);
    return xasprintf("%s.%s", input, tail);
}

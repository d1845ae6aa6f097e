/*
 * Signed JSON Web Tokens (RFC 7515, 7519; RS256), as service account keys make
 * them for Google's token endpoint (RFC 7523).
 */
#ifndef CRYPT_JWT_H
#define CRYPT_JWT_H

#include "base/attr.h"
#include "base/err.h"
#include "base/view.h"

/* header and claims are JSON texts. The caller frees the token. NULL with ERR_INVALID when the key is not an
 * RSA private key in PEM. */
char *jwt_sign_rs256(struct view private_key_pem, const char *header, const char *claims,
                     struct err *e) MUST_CHECK;

#endif

/*
 * Base64 (standard and URL alphabets) and hexadecimal, RFC 4648 sections 4, 5 and 8.
 * Decoding is strict: no white space, exact padding, no surplus bits. Pure. Decoders
 * return -1 on invalid input and then leave the output untouched.
 */
#ifndef BASE_CODEC_H
#define BASE_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/view.h"

#define BASE64_LEN(bytes)      (((bytes) + 2) / 3 * 4)
#define BASE64_MAX_BYTES(text) ((text) / 4 * 3)

/* Terminated text; the caller frees it. */
char *base64_encode(const void *bytes, size_t length) MUST_CHECK RETURNS_NONNULL;
/* RFC 4648 section 5 without padding, as JWTs use it (RFC 7515). */
char *base64url_encode(const void *bytes, size_t length) MUST_CHECK RETURNS_NONNULL;
/* Writes at most capacity bytes; *ret_length is the number written. */
int base64_decode(struct view text, void *out, size_t capacity, size_t *ret_length) MUST_CHECK;
/* Lower case; the caller frees it. */
char *hex_encode(const void *bytes, size_t length) MUST_CHECK RETURNS_NONNULL;

#endif

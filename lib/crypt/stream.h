/*
 * Tink's AES-GCM-HKDF streaming format, segment by segment.
 *
 *     header || segment 0 || segment 1 || ...     header = length, salt, nonce prefix
 *
 * Segments are authenticated one by one; a reader hands out plaintext of a
 * segment only after its tag was checked. The ciphertext's whole size is known
 * beforehand (storage tells it), so that truncation at any byte is an error of
 * the last segment and never looks like an end.
 *
 * A stream belongs to one thread and is freed by its owner. Wrong data is
 * ERR_DATA_TAMPERED, a size that no stream has ERR_DATA_TRUNCATED; callers who
 * know more recode (wrong key, other object's ciphertext).
 */
#ifndef CRYPT_STREAM_H
#define CRYPT_STREAM_H

#include "base/attr.h"
#include "base/err.h"
#include "crypt/keyset.h"

#define STREAM_HEADER_MAX 40
#define STREAM_TAG        16

/* ---- sizes ---- */
static inline uint32_t stream_header_bytes(const struct stream_params *p)
{
    return 1 + p->derived_bytes + 7;
}
/* Ciphertext bytes of that many plaintext bytes. */
uint64_t stream_cipher_size(const struct stream_params *p, uint64_t plain_bytes);
/* -1 when no plaintext gives this many ciphertext bytes, or they would have more segments than a nonce
 * counts. */
int stream_plain_size(const struct stream_params *p, uint64_t cipher_bytes,
                      uint64_t *ret_plain_bytes) MUST_CHECK;

/* ---- reading ---- */
struct stream_reader;

/*
 * Reads one object of cipher_bytes bytes; associated data and keyset are borrowed until it is freed.
 * key_id: the only key to try, or 0 for every enabled key of the keyset (as stock Tink does).
 * expected_header: NULL, or the header that the object must have (from a manifest).
 * sink gets verified plaintext in order; it returns -1 with *e set to stop.
 */
struct stream_reader *stream_reader_new(const struct keyset *ks, uint32_t key_id, struct view associated_data,
                                        const uint8_t *expected_header, uint64_t cipher_bytes,
                                        int (*sink)(void *context, const void *bytes, size_t length,
                                                    struct err *e),
                                        void *context) MUST_CHECK RETURNS_NONNULL;
/* The next ciphertext bytes, in any portions. After a failure the reader is only good for freeing. */
int stream_reader_feed(struct stream_reader *r, const void *bytes, size_t length, struct err *e) MUST_CHECK;
/* All bytes were given and the last segment was verified? ERR_DATA_TRUNCATED otherwise. */
int stream_reader_finish(const struct stream_reader *r, struct err *e) MUST_CHECK;
/* Wipes what it held of plaintext. NULL is fine. */
void stream_reader_free(struct stream_reader *r);

/* ---- writing ---- */
struct stream_writer;

/* A new object under the primary key of ks, with random salt and prefix; stream_plain_size() must have a word
 * for its size. ks and associated_data are borrowed.
 */
struct stream_writer *stream_writer_new(const struct keyset *ks, struct view associated_data,
                                        uint64_t plain_bytes) MUST_CHECK RETURNS_NONNULL;
const uint8_t *stream_writer_header(const struct stream_writer *w);
/* How many plaintext bytes the next segment takes; 0 after the last one (an empty object has one of 0 bytes).
 */
size_t stream_writer_next_bytes(const struct stream_writer *w);
/* Encrypts the next segment; out has room for the plaintext, the tag and, for the first one, the header.
 * Returns the bytes written. Each segment is made once: never two ciphertexts under one header and offset. */
size_t stream_writer_segment(struct stream_writer *w, const void *plain, void *out);
void stream_writer_free(struct stream_writer *w); /* NULL is fine */

#endif

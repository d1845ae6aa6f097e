/*
 * Encrypts one Tink stream (crypt/stream.h), segment by segment, under the
 * keyset's primary key.
 *
 * A writer belongs to one thread and is freed by its owner. Each segment is made
 * once: there are never two ciphertexts under one header and segment number, so
 * an upload that starts over needs a new writer. Nothing here fails; calling
 * stream_writer_segment after the last segment aborts.
 */
#ifndef CRYPT_STREAM_WRITER_H
#define CRYPT_STREAM_WRITER_H

#include "crypt/stream.h"

struct stream_writer;

/* A new stream with random salt and nonce prefix. The caller has checked with stream_plain_size() that a
 * stream of this size can be read. keys and associated_data are borrowed for the call. */
struct stream_writer *stream_writer_new(const struct keyset *keys, struct view associated_data,
                                        uint64_t plain_bytes) MUST_CHECK RETURNS_NONNULL;
/* stream_header_bytes() bytes, valid as long as the writer. */
const uint8_t *stream_writer_header(const struct stream_writer *w);
/* How many plaintext bytes the next segment takes; 0 after the last one. An empty object has one segment of 0
 * bytes. */
size_t stream_writer_next_bytes(const struct stream_writer *w);
/* Encrypts the next segment; out has room for the plaintext, the tag and, for the first one, the header.
 * Returns the number of bytes written. */
size_t stream_writer_segment(struct stream_writer *w, const void *plain, void *out);
void stream_writer_free(struct stream_writer *w); /* NULL is fine */

#endif

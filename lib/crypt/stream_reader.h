/*
 * Decrypts one Tink stream (crypt/stream.h), segment by segment: plaintext of a
 * segment is handed out only after its tag was verified.
 *
 * The ciphertext's whole size is known beforehand (storage reports it), so a
 * truncation at any byte makes the last segment fail and never looks like an end.
 *
 * A reader belongs to one thread and is freed by its owner. Fails with
 * ERR_DATA_TAMPERED for data that does not authenticate and ERR_DATA_TRUNCATED
 * for a size that no stream has; callers who know more recode (wrong key, another
 * object's ciphertext).
 */
#ifndef CRYPT_STREAM_READER_H
#define CRYPT_STREAM_READER_H

#include "base/byte_sink.h"
#include "crypt/stream.h"

/* What is read. All of it is borrowed until the reader is freed. */
struct stream_source {
    const struct keyset *keys;
    uint32_t key_id; /* the only key to try; 0: every enabled key of the keyset, as stock Tink does */
    struct view associated_data;
    const uint8_t *expected_header; /* the header that the object must have (from a manifest); NULL: any */
    uint64_t cipher_bytes;          /* of the whole object */
};

struct stream_reader;

/* sink gets the verified plaintext. */
struct stream_reader *stream_reader_new(const struct stream_source *source,
                                        struct byte_sink sink) MUST_CHECK RETURNS_NONNULL;
/* The next ciphertext bytes, in portions of any length. After a failure the reader can only be freed. */
int stream_reader_feed(struct stream_reader *r, const void *bytes, size_t length, struct err *e) MUST_CHECK;
/* 0 when every byte was given and the last segment was verified; ERR_DATA_TRUNCATED otherwise. */
int stream_reader_finish(const struct stream_reader *r, struct err *e) MUST_CHECK;
/* Wipes the plaintext that it holds. NULL is fine. */
void stream_reader_free(struct stream_reader *r);

#endif

/*
 * Sets of sealed objects and their parallel download into a directory.
 *
 * A set owns its items. seal_fetch runs one thread a connection, each with its
 * own HTTP connection and one segment buffer; the first failure ends all. When
 * it fails, files may be there in part: the caller must not use the directory.
 */
#ifndef SEAL_SET_H
#define SEAL_SET_H

#include "seal/object.h"

#define SEAL_FIXED "Fixed:"

struct seal_set {
    struct seal_item *items;
    size_t count;
    uint64_t plain_bytes; /* sum */
};

void seal_set_fini(struct seal_set *set);
/* Takes the item's content over. */
void seal_set_add(struct seal_set *set, struct seal_item *item);

/*
 * What a gs:// URI names: with a slash at its end every object below it (path: the rest of the name), else
 * one object (path: its last part). mode: "Object" (associated data gs://bucket/name), "Relative" (the path),
 * or a fixed text. DATA_NOT_FOUND when there is nothing.
 */
int seal_set_list(const struct gcp_site *site, struct http_session *s, const char *uri, const char *mode,
                  const struct keyset *ks, struct seal_set *ret, struct err *e) MUST_CHECK;

/* Downloads everything below the directory (which exists). connections: 1..64. */
int seal_fetch(const struct gcp_site *site, const struct keyset *ks, const struct seal_set *set,
               const char *directory, unsigned connections, struct err *e) MUST_CHECK;

/* Unwraps a keyset by KMS and parses it. wrapped: base64 of the KMS ciphertext (Tink's encryptedKeyset). */
int seal_open_keyset(const struct gcp_site *site, struct http_session *s, const char *kms_key_name,
                     const char *wrapped, bool require_hsm, struct keyset *ret, struct err *e) MUST_CHECK;

#endif

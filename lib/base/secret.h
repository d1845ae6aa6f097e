/*
 * Secret bytes: keys, keysets, tokens.
 *
 * The one type in which key material and bearer tokens live. The bytes are in
 * memory that is locked (mlock) and excluded from core dumps, and are wiped when
 * freed. There is deliberately no print, compare-to-text or copy-to-string
 * function. secret_process_init makes the process undumpable and must run before
 * the first thread; it fails only where the kernel refuses.
 * A secret has one owner; secret_free wipes. Exhaustion of the locked pool
 * (RLIMIT_MEMLOCK is 64 KiB in a restricted container) ends the process.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct secret {
    uint8_t *bytes; /* NULL when empty */
    size_t len;
};

/* Once per process, before threads: undumpable, no core files, locked pool. */
int secret_process_init(struct err *e) MUST_CHECK;

/* Once per process that opens keys, before OpenSSL is used at all: whatever it frees is wiped, as the buffers
 * of TLS. */
int secret_wipe_openssl(struct err *e) MUST_CHECK;
/* Zeroed secret of that length. */
void secret_alloc(struct secret *s, size_t length);
/* Copies the bytes in; the caller still has to wipe its own copy (secret_wipe). */
void secret_copy(struct secret *s, const void *bytes, size_t length);
/* Wipes and frees; s becomes empty. Also the CLEANUP function. */
void secret_free(struct secret *s);
/* *to = *from, *from becomes empty; *to must be empty. */
void secret_move(struct secret *to, struct secret *from);
/* Wipes ordinary memory in a way the compiler keeps. */
void secret_wipe(void *bytes, size_t length);

/* free() and realloc() that leave nothing behind, for libraries through which secrets pass. Exhaustion ends
 * the process. */
void wiping_free(void *ptr);
void *wiping_realloc(void *ptr, size_t size) MUST_CHECK RETURNS_NONNULL;

#endif

/*
 * Secret bytes: keys, keysets and tokens. The only type that holds key material and
 * bearer tokens.
 *
 * The bytes are in memory that is locked (mlock), excluded from core dumps and wiped
 * when freed. There is deliberately no function that prints them, compares them to text
 * or copies them to a string. A secret has one owner.
 *
 * secret_process_init and secret_wipe_openssl fail only if the kernel or OpenSSL
 * refuses. The process aborts when the locked pool is exhausted (RLIMIT_MEMLOCK is
 * 64 KiB in a restricted container).
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

/* Once per process, before the first thread: makes it undumpable, disables core files and locks the pool. */
int secret_process_init(struct err *e) MUST_CHECK;

/* Once per process that opens keys, before any use of OpenSSL: makes it wipe whatever it frees, TLS buffers
 * included. */
int secret_wipe_openssl(struct err *e) MUST_CHECK;
/* A zeroed secret of that many bytes; *s must be empty. */
void secret_alloc(struct secret *s, size_t length);
/* A copy of the bytes; *s must be empty. The caller still has to wipe its own copy (secret_wipe). */
void secret_copy(struct secret *s, const void *bytes, size_t length);
/* Wipes and frees; s becomes empty. Also the CLEANUP function. */
void secret_free(struct secret *s);
/* *to = *from, *from becomes empty; *to must be empty. */
void secret_move(struct secret *to, struct secret *from);
/* Wipes ordinary memory in a way that the compiler cannot optimise away. */
void secret_wipe(void *bytes, size_t length);

/* free() and realloc() that wipe what they free, for libraries that handle secrets. The process aborts when
 * memory is exhausted. */
void wiping_free(void *ptr);
void *wiping_realloc(void *ptr, size_t size) MUST_CHECK RETURNS_NONNULL;

#endif

#include "base/secret.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/alloc.h"

#include "base/banned.h"

/* A restricted container may lock 64 KiB. Keysets and tokens are small. */
enum { POOL_BYTES = 32 * 1024, SMALLEST_BLOCK = 32 };

int secret_process_init(struct err *e)
{
    struct rlimit no_core = {0, 0};
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return FAIL_ERRNO(e, "making the process undumpable");
    if (setrlimit(RLIMIT_CORE, &no_core) < 0)
        return FAIL_ERRNO(e, "disabling core files");
    if (CRYPTO_secure_malloc_initialized())
        return 0;
    /* 1: initialised and locked; 2: initialised, but without guard pages or not locked. */
    if (CRYPTO_secure_malloc_init(POOL_BYTES, SMALLEST_BLOCK) != 1)
        return FAIL(e, ERR_DENIED, "locking %d KiB of memory for keys: raise RLIMIT_MEMLOCK",
                    POOL_BYTES / 1024);
    return 0;
}

static void *openssl_malloc(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return size == 0 ? NULL : xmalloc(size);
}

static void openssl_free(void *ptr, const char *file, int line)
{
    (void)file, (void)line;
    wiping_free(ptr);
}

static void *openssl_realloc(void *ptr, size_t size, const char *file, int line)
{
    (void)file, (void)line;
    if (size > 0)
        return wiping_realloc(ptr, size);
    wiping_free(ptr);
    return NULL;
}

int secret_wipe_openssl(struct err *e)
{
    if (CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) != 1)
        return FAIL(e, ERR_BUG, "OpenSSL was used before its allocator was set");
    return 0;
}

void secret_alloc(struct secret *s, size_t length)
{
    /* Without the pool, in a program that has no secrets of its own, this is ordinary memory, but still
     * wiped.
     */
    uint8_t *bytes = OPENSSL_secure_zalloc(length == 0 ? 1 : length);
    if (bytes == NULL) {
        fprintf(stderr, "cloister: out of locked memory (%zu bytes)\n", length);
        abort();
    }
    *s = (struct secret){.bytes = bytes, .len = length};
}

void secret_copy(struct secret *s, const void *bytes, size_t length)
{
    secret_alloc(s, length);
    if (length > 0)
        memcpy(s->bytes, bytes, length);
}

void secret_free(struct secret *s)
{
    if (s->bytes != NULL)
        OPENSSL_secure_clear_free(s->bytes, s->len == 0 ? 1 : s->len);
    *s = (struct secret){.bytes = NULL, .len = 0};
}

void secret_move(struct secret *to, struct secret *from)
{
    *to = *from;
    *from = (struct secret){.bytes = NULL, .len = 0};
}

void secret_wipe(void *bytes, size_t length)
{
    explicit_bzero(bytes, length);
}

void wiping_free(void *ptr)
{
    if (ptr != NULL)
        secret_wipe(ptr, malloc_usable_size(ptr));
    free(ptr);
}

void *wiping_realloc(void *ptr, size_t size)
{
    void *grown = xmalloc(size);
    if (ptr != NULL) {
        size_t old = malloc_usable_size(ptr);
        memcpy(grown, ptr, old < size ? old : size);
        wiping_free(ptr);
    }
    return grown;
}

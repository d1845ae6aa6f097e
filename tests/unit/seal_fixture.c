#include "seal_fixture.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "os/file.h"
#include "os/tree.h"

#include "base/banned.h"

int seal_fixture_make(void **state)
{
    struct seal_fixture *s = xcalloc(1, sizeof(*s));
    struct secret serialized CLEANUP(secret_free) = {.bytes = NULL};
    void *bucket = NULL;
    if (bucket_fixture_make(&bucket) < 0)
        return -1;
    *s = (struct seal_fixture){.bucket = bucket, .directory = "/tmp/t_seal.XXXXXX"};
    keyset_generate(&s->keys, &serialized);
    assert_non_null(mkdtemp(s->directory));
    s->directory_fd = open(s->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(
        seal_open(&s->c, &s->bucket->fake.config, "gs://" FAKE_BUCKET_NAME "/set/", &s->keys, &s->bucket->e),
        0);
    *state = s;
    return 0;
}

int seal_fixture_free(void **state)
{
    struct seal_fixture *s = *state;
    void *bucket = s->bucket;
    struct err ignored CLEANUP(err_fini) = {0};
    seal_close(&s->c);
    keyset_free(&s->keys);
    close(s->directory_fd);
    (void)!tree_empty(s->directory, &ignored);
    (void)!rmdir(s->directory);
    free(s);
    return bucket_fixture_free(&bucket);
}

int make_file(struct seal_fixture *s, const char *path, struct view bytes)
{
    char *whole CLEANUP(cleanup_free) = xasprintf("%s/%s", s->directory, path);
    char *slash = strrchr(whole, '/');
    *slash = '\0';
    assert_int_equal(file_make_directories(whole, 0700, &s->bucket->e), 0);
    *slash = '/';
    int fd = open(whole, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, bytes.ptr, bytes.len), bytes.len);
    return fd;
}

void must_be_file(struct seal_fixture *s, const char *path, struct view bytes)
{
    char *whole CLEANUP(cleanup_free) = xasprintf("%s/%s", s->directory, path);
    size_t length = 0;
    char *text CLEANUP(cleanup_free) = file_read(whole, bytes.len + 1, &length, &s->bucket->e);
    assert_non_null(text);
    assert_int_equal(length, bytes.len);
    assert_memory_equal(text, bytes.ptr, length);
}

void flip(struct fake_object *o, size_t at)
{
    assert_non_null(o);
    assert_true(at < o->bytes.len);
    o->bytes.data[at] = (char)(o->bytes.data[at] ^ 1);
}

void lose_reply(struct exchange *x)
{
    x->is_lost = true;
}

#include "bucket_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "gcp/gcs_read.h"

#include "base/banned.h"

int bucket_fixture_make(void **state)
{
    struct bucket_fixture *f = xcalloc(1, sizeof(*f));
    fake_bucket_start(&f->fake);
    gcs_bucket_open(&f->b, &f->fake.config, FAKE_BUCKET_NAME);
    *state = f;
    return 0;
}

int bucket_fixture_free(void **state)
{
    struct bucket_fixture *f = *state;
    gcs_bucket_close(&f->b);
    fake_bucket_stop(&f->fake);
    err_fini(&f->e);
    free(f);
    return 0;
}

void give_up_soon(struct bucket_fixture *f)
{
    f->fake.config.retry.total_ms = 100;
}

void must_say(struct bucket_fixture *f, enum err_code code, const char *uri, const char *why)
{
    char *message CLEANUP(cleanup_free) = err_text(&f->e);
    assert_int_equal(f->e.code, code);
    if (strstr(message, uri) == NULL || strstr(message, why) == NULL)
        fail_msg("\"%s\" does not say \"%s\" and \"%s\"", message, uri, why);
    err_fini(&f->e);
}

void long_bytes(void *out, size_t first, size_t length)
{
    for (size_t i = 0; i < length; i++)
        ((uint8_t *)out)[i] = (uint8_t)((first + i) % 251);
}

void put_long(struct bucket_fixture *f, const char *name)
{
    uint8_t *bytes CLEANUP(cleanup_free) = xmalloc(LONG_BYTES);
    long_bytes(bytes, 0, LONG_BYTES);
    fake_bucket_put(&f->fake, name, view_of(bytes, LONG_BYTES));
}

int check_long(void *context, const void *bytes, size_t length, struct err *e)
{
    size_t *taken = context;
    (void)e;
    for (size_t i = 0; i < length; i++)
        assert_int_equal(((const uint8_t *)bytes)[i], (*taken + i) % 251);
    *taken += length;
    return 0;
}

int read_checked(struct bucket_fixture *f, const char *name, size_t *ret_taken)
{
    struct gcs_object o;
    *ret_taken = 0;
    assert_int_equal(gcs_stat(&f->b, name, &o, &f->e), 0);
    int result = gcs_read(&f->b, &o, (struct byte_sink){check_long, ret_taken}, &f->e);
    gcs_object_fini(&o);
    return result;
}

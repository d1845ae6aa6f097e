/* Manifests: what is accepted, and that nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "seal/manifest.h"

#include "base/banned.h"

static struct manifest make(void)
{
    struct manifest m = {.attempt = 2, .index = 0, .step = 7};
    struct sealed sealed = {
        .plain_bytes = 10, .cipher_bytes = 66, .header = {40}, .header_bytes = 40, .key_id = 42};
    manifest_make_id(m.id);
    m.kind = xstrdup("checkpoint");
    m.job_namespace = xstrdup("ml");
    m.job = xstrdup("digits");
    m.job_uid = xstrdup("uid");
    m.name = xstrdup("epoch-7");
    m.time = xstrdup("2026-01-02T03:04:05Z");
    manifest_add(&m, xstrdup("epoch-7/b"), &sealed);
    manifest_add(&m, xstrdup("epoch-7/a \"quoted\" \xc3\xa9"), &sealed);
    return m;
}

static void is_read_back_as_it_was_written_sorted(void **state)
{
    struct manifest m = make(), read;
    struct strbuf text;
    struct err e CLEANUP(err_fini) = {0};
    char sum[SHA256_HEX_SIZE];
    (void)state;
    manifest_encode(&m, &text, sum);
    assert_int_equal(manifest_decode(strbuf_view(&text), &read, &e), 0);
    assert_string_equal(read.id, m.id);
    assert_string_equal(read.job_uid, "uid");
    assert_int_equal(read.attempt, 2);
    assert_int_equal(read.step, 7);
    assert_int_equal(read.count, 2);
    assert_string_equal(read.entries[0].path, "epoch-7/a \"quoted\" \xc3\xa9");
    assert_int_equal(read.entries[1].sealed.key_id, 42);
    assert_int_equal(read.entries[1].sealed.cipher_bytes, 66);
    assert_null(read.parent.name);
    strbuf_fini(&text);
    manifest_fini(&m);
    manifest_fini(&read);
}

static void assert_refused(struct view text)
{
    struct manifest read;
    struct err e CLEANUP(err_fini) = {0};
    assert_int_equal(manifest_decode(text, &read, &e), -1);
    assert_int_equal(e.code, ERR_DATA_TAMPERED);
}

static void any_flipped_byte_and_any_truncation_is_refused(void **state)
{
    struct manifest m = make();
    struct strbuf text;
    char sum[SHA256_HEX_SIZE];
    (void)state;
    manifest_encode(&m, &text, sum);
    for (size_t at = 0; at < text.len; at++) {
        text.data[at] = (char)(text.data[at] ^ 1);
        assert_refused(strbuf_view(&text));
        text.data[at] = (char)(text.data[at] ^ 1);
        if (at < text.len - 1) /* the last byte is the end of the last line */
            assert_refused(view_of(text.data, at));
    }
    strbuf_add_text(&text, "{}\n");
    assert_refused(strbuf_view(&text));
    strbuf_fini(&text);
    manifest_fini(&m);
}

static void paths_that_lead_out_are_refused(void **state)
{
    static const char *const BAD[] = {"", "/a", "a/", "../a", "a/../b", "a//b", ".", "a/./b"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        struct manifest m = make();
        struct strbuf text;
        struct sealed sealed = m.entries[0].sealed;
        char sum[SHA256_HEX_SIZE];
        manifest_add(&m, xstrdup(BAD[i]), &sealed);
        manifest_encode(&m, &text, sum);
        assert_refused(strbuf_view(&text));
        assert_false(seal_path_is_safe(BAD[i]));
        strbuf_fini(&text);
        manifest_fini(&m);
    }
    assert_true(seal_path_is_safe("..a/b..c/.hidden"));
}

static void links_lead_out_neither_by_themselves_nor_through_one_another(void **state)
{
    (void)state;
    assert_true(manifest_link_is_inside("latest", "step-2/model.pt"));
    assert_true(manifest_link_is_inside("a/b/latest", "../../step-2"));
    assert_true(manifest_link_is_inside("a/latest", "./.././b/."));
    assert_false(manifest_link_is_inside("latest", "../model.pt"));
    assert_false(manifest_link_is_inside("a/latest", "../../model.pt"));
    assert_false(manifest_link_is_inside("latest", "/etc/passwd"));
    assert_false(manifest_link_is_inside("latest", ""));
    /* With "a/b" -> "..", which is inside, this one would be two above the directory. */
    assert_true(manifest_link_is_inside("a/b", ".."));
    assert_false(manifest_link_is_inside("x", "a/b/../etc"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_read_back_as_it_was_written_sorted),
        cmocka_unit_test(any_flipped_byte_and_any_truncation_is_refused),
        cmocka_unit_test(paths_that_lead_out_are_refused),
        cmocka_unit_test(links_lead_out_neither_by_themselves_nor_through_one_another),
    };
    return cmocka_run_group_tests_name("manifest", tests, NULL, NULL);
}

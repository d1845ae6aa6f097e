/* Cloud KMS: what is sent, which replies are accepted, and the error code of each refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/codec.h"
#include "base/crc32c.h"
#include "crypt/keyset.h"
#include "data/js.h"
#include "gcp/kms.h"
#include "loopback.h"
#include "seal/unwrap.h"

#include "base/banned.h"

#define KEY        "projects/p/locations/l/keyRings/r/cryptoKeys/k"
#define CIPHERTEXT VIEW_LITERAL("wrapped bytes")
#define PLAINTEXT  "the keyset"

enum { PLAINTEXT_MAX = 6 * 1024 };

/* How the key replies; zero and NULL mean as a working HSM key does. */
struct key {
    int status;         /* of an error reply */
    const char *code;   /* its error.status */
    const char *level;  /* protectionLevel; NULL: HSM; "": not said */
    bool has_wrong_crc; /* the reply's checksum */
    bool is_unverified; /* encrypt: the server did not verify the checksum that was sent */
    struct view plain;  /* what it decrypts to */
    bool is_not_base64;
    int busy; /* number of requests that are answered with 503 first */

    struct loopback *server;
    struct gcp_config config;
    struct gcp_client client;
    int requests;
    char *target;
    json_t *request; /* the last one */
};

static void add_json(struct exchange *x, json_t *reply)
{
    char *text CLEANUP(cleanup_free) = js_dump(reply);
    x->status = 200;
    strbuf_add_text(&x->reply, text);
    json_decref(reply);
}

static char *crc_of(struct view bytes, bool is_wrong)
{
    return xasprintf("%u", crc32c(0, bytes.ptr, bytes.len) + (is_wrong ? 1 : 0));
}

static void decrypt(const struct key *k, struct exchange *x)
{
    struct view plain = k->plain.ptr != NULL ? k->plain : VIEW_LITERAL(PLAINTEXT);
    char *text CLEANUP(cleanup_free) = base64_encode(plain.ptr, plain.len);
    char *crc CLEANUP(cleanup_free) = crc_of(plain, k->has_wrong_crc);
    json_t *reply =
        json_pack("{s:s,s:s}", "plaintext", k->is_not_base64 ? "*" : text, "plaintextCrc32c", crc);
    if (k->level == NULL || *k->level != '\0')
        json_object_set_new(reply, "protectionLevel", json_string(k->level == NULL ? "HSM" : k->level));
    add_json(x, reply);
}

static void encrypt(const struct key *k, struct exchange *x)
{
    char *text CLEANUP(cleanup_free) = base64_encode(CIPHERTEXT.ptr, CIPHERTEXT.len);
    char *crc CLEANUP(cleanup_free) = crc_of(CIPHERTEXT, k->has_wrong_crc);
    add_json(x, json_pack("{s:s,s:s,s:b}", "ciphertext", text, "ciphertextCrc32c", crc,
                          "verifiedPlaintextCrc32c", !k->is_unverified));
}

static void handle(void *context, struct exchange *x)
{
    struct key *k = context;
    struct err ignored CLEANUP(err_fini) = {0};
    k->requests++;
    json_decref(k->request);
    free(k->target);
    k->request = js_parse(x->body, "request", &ignored);
    k->target = xstrdup(x->target);
    if (k->busy > 0) {
        k->busy--;
        x->status = 503;
    } else if (k->status != 0) {
        x->status = k->status;
        strbuf_addf(&x->reply, "{\"error\":{\"code\":%d,\"status\":\"%s\",\"message\":\"because\"}}",
                    k->status, k->code);
    } else if (strstr(x->target, ":decrypt") != NULL) {
        decrypt(k, x);
    } else {
        encrypt(k, x);
    }
}

static void key_start(struct key *k)
{
    k->server = loopback_start(handle, k);
    k->config = loopback_config(k->server);
    gcp_client_open(&k->client, &k->config);
}

static void key_stop(struct key *k)
{
    gcp_client_close(&k->client);
    loopback_stop(k->server);
    json_decref(k->request);
    free(k->target);
}

static int ask(struct key *k, bool require_hsm, struct secret *ret, struct err *e)
{
    return kms_decrypt(&k->client, &(struct kms_key){KEY, require_hsm}, CIPHERTEXT, ret, e);
}

/* Decrypting with such a key fails with this code, and the error names the key and contains the text. */
static void must_fail(struct key k, enum err_code code, const char *text)
{
    struct err e CLEANUP(err_fini) = {0};
    struct secret plain CLEANUP(secret_free) = {.bytes = NULL};
    key_start(&k);
    assert_int_equal(ask(&k, true, &plain, &e), -1);
    char *message CLEANUP(cleanup_free) = err_text(&e);
    assert_int_equal(e.code, code);
    assert_string_equal(e.object, KEY);
    if (strstr(message, text) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", message, text);
    assert_null(plain.bytes);
    key_stop(&k);
}

static void a_ciphertext_is_sent_with_its_checksum_and_decrypted(void **state)
{
    struct key k = {.status = 0};
    struct err e CLEANUP(err_fini) = {0};
    struct secret plain CLEANUP(secret_free) = {.bytes = NULL};
    char *sent CLEANUP(cleanup_free) = base64_encode(CIPHERTEXT.ptr, CIPHERTEXT.len);
    (void)state;
    key_start(&k);
    assert_int_equal(ask(&k, true, &plain, &e), 0);
    assert_int_equal(plain.len, strlen(PLAINTEXT));
    assert_memory_equal(plain.bytes, PLAINTEXT, plain.len);
    assert_string_equal(k.target, "/v1/" KEY ":decrypt");
    assert_string_equal(js_text(k.request, "ciphertext"), sent);
    assert_int_equal(js_int(k.request, "ciphertextCrc32c", -1), crc32c(0, CIPHERTEXT.ptr, CIPHERTEXT.len));
    key_stop(&k);
}

static void a_damaged_reply_is_refused(void **state)
{
    (void)state;
    must_fail((struct key){.has_wrong_crc = true}, ERR_PROTOCOL, "plaintextCrc32c");
    must_fail((struct key){.is_not_base64 = true}, ERR_PROTOCOL, "not base64");
}

static void a_key_outside_an_hsm_is_refused_where_the_job_requires_one(void **state)
{
    struct key k = {.level = "SOFTWARE"};
    struct err e CLEANUP(err_fini) = {0};
    struct secret plain CLEANUP(secret_free) = {.bytes = NULL};
    (void)state;
    must_fail(k, ERR_KEY_NOT_HSM, "has protection level SOFTWARE");
    must_fail((struct key){.level = ""}, ERR_KEY_NOT_HSM, "has protection level unspecified");
    key_start(&k);
    assert_int_equal(ask(&k, false, &plain, &e), 0);
    key_stop(&k);
}

static void each_refusal_has_the_code_of_its_cause(void **state)
{
    static const struct {
        int status;
        const char *code;
        enum err_code means;
    } CASES[] = {
        {403, "PERMISSION_DENIED", ERR_KEY_ACCESS_DENIED},
        {404, "NOT_FOUND", ERR_KEY_NOT_FOUND},
        {400, "FAILED_PRECONDITION", ERR_KEY_DISABLED},
        {400, "INVALID_ARGUMENT", ERR_KEY_REJECTED},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++)
        must_fail((struct key){.status = CASES[i].status, .code = CASES[i].code}, CASES[i].means,
                  "key " KEY ": POST http://127.0.0.1:");
}

static void a_plaintext_too_long_for_a_keyset_is_refused(void **state)
{
    char *bytes CLEANUP(cleanup_free) = xcalloc(1, PLAINTEXT_MAX + 3);
    struct err e CLEANUP(err_fini) = {0};
    struct secret plain CLEANUP(secret_free) = {.bytes = NULL};
    struct key most = {.plain = view_of(bytes, PLAINTEXT_MAX)};
    (void)state;
    must_fail((struct key){.plain = view_of(bytes, PLAINTEXT_MAX + 3)}, ERR_KEYSET_INVALID, "6147 bytes");
    key_start(&most);
    assert_int_equal(ask(&most, true, &plain, &e), 0);
    assert_int_equal(plain.len, PLAINTEXT_MAX);
    key_stop(&most);
}

static void a_busy_service_is_retried_and_a_denial_is_not(void **state)
{
    struct key busy = {.busy = 2}, denied = {.status = 403, .code = "PERMISSION_DENIED"};
    struct err e CLEANUP(err_fini) = {0};
    struct secret plain CLEANUP(secret_free) = {.bytes = NULL};
    (void)state;
    key_start(&busy);
    assert_int_equal(ask(&busy, true, &plain, &e), 0);
    assert_int_equal(busy.requests, 3);
    key_stop(&busy);
    key_start(&denied);
    assert_int_equal(ask(&denied, true, &plain, &e), -1);
    assert_int_equal(denied.requests, 1);
    key_stop(&denied);
}

static void a_keyset_is_wrapped_only_when_both_checksums_match(void **state)
{
    static const struct key KEYS[] = {
        {.status = 0}, {.is_unverified = true}, {.has_wrong_crc = true}, {.status = 403, .code = "X"}};
    static const enum err_code CODES[] = {ERR_NONE, ERR_PROTOCOL, ERR_PROTOCOL, ERR_KEY_ACCESS_DENIED};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(KEYS); i++) {
        struct key k = KEYS[i];
        struct err e CLEANUP(err_fini) = {0};
        struct secret plain CLEANUP(secret_free) = {.bytes = NULL};
        secret_copy(&plain, PLAINTEXT, strlen(PLAINTEXT));
        key_start(&k);
        char *wrapped CLEANUP(cleanup_free) = kms_encrypt(&k.client, KEY, &plain, &e);
        assert_int_equal(e.code, CODES[i]);
        assert_int_equal(wrapped != NULL, CODES[i] == ERR_NONE);
        assert_int_equal(js_int(k.request, "plaintextCrc32c", -1), crc32c(0, PLAINTEXT, strlen(PLAINTEXT)));
        key_stop(&k);
    }
}

static int unwrap(struct key *k, const char *wrapped, struct keyset *ret, struct err *e)
{
    key_start(k);
    int result = seal_unwrap_keyset(&k->client, &(struct kms_key){KEY, true}, wrapped, ret, e);
    key_stop(k);
    return result;
}

static void a_wrapped_keyset_is_opened(void **state)
{
    struct keyset made, opened;
    struct secret serialized CLEANUP(secret_free) = {.bytes = NULL};
    struct err e CLEANUP(err_fini) = {0};
    (void)state;
    keyset_generate(&made, &serialized);
    struct key k = {.plain = view_of(serialized.bytes, serialized.len)};
    assert_int_equal(unwrap(&k, "AAAA", &opened, &e), 0);
    assert_int_equal(opened.keys[0].id, made.keys[0].id);
    keyset_free(&made);
    keyset_free(&opened);
}

static void an_invalid_wrapped_keyset_is_refused_and_names_the_key(void **state)
{
    static const char *const WRAPPED[] = {"", "not base64!", "AAAA"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(WRAPPED); i++) {
        struct key k = {.status = 0};
        struct keyset opened;
        struct err e CLEANUP(err_fini) = {0};
        assert_int_equal(unwrap(&k, WRAPPED[i], &opened, &e), -1);
        assert_int_equal(e.code, ERR_KEYSET_INVALID);
        assert_string_equal(e.object, KEY);
        assert_int_equal(k.requests, strcmp(WRAPPED[i], "AAAA") == 0 ? 1 : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ciphertext_is_sent_with_its_checksum_and_decrypted),
        cmocka_unit_test(a_damaged_reply_is_refused),
        cmocka_unit_test(a_key_outside_an_hsm_is_refused_where_the_job_requires_one),
        cmocka_unit_test(each_refusal_has_the_code_of_its_cause),
        cmocka_unit_test(a_plaintext_too_long_for_a_keyset_is_refused),
        cmocka_unit_test(a_busy_service_is_retried_and_a_denial_is_not),
        cmocka_unit_test(a_keyset_is_wrapped_only_when_both_checksums_match),
        cmocka_unit_test(a_wrapped_keyset_is_opened),
        cmocka_unit_test(an_invalid_wrapped_keyset_is_refused_and_names_the_key),
    };
    return cmocka_run_group_tests_name("kms", tests, loopback_set_up, NULL);
}

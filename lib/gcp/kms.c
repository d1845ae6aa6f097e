#include "gcp/kms.h"

#include <string.h>

#include "base/alloc.h"
#include "base/codec.h"
#include "base/crc32c.h"
#include "data/js.h"

#include "base/banned.h"

/* KMS takes 64 KiB, but a plaintext is locked memory here, of which there is little: 32 keys take less. */
enum { PLAINTEXT_MAX = 6 * 1024, REPLY_MAX = 256 * 1024 };

/* What Google's codes mean for a key. The name stands in the message, because a job has several. */
static int key_error(const char *key_name, bool is_decrypting, const struct http_response *r, struct err *e)
{
    struct err ignored CLEANUP(err_fini) = {0};
    json_t *reply CLEANUP(js_free) = js_parse(strbuf_view(&r->body), "reply", &ignored);
    const char *status = js_text(reply, "error.status");
    if (e->code == ERR_DENIED)
        err_recode(e, ERR_KEY_ACCESS_DENIED);
    else if (e->code == ERR_NOT_FOUND)
        err_recode(e, ERR_KEY_NOT_FOUND);
    else if (strcmp(status, "FAILED_PRECONDITION") == 0)
        err_recode(e, ERR_KEY_DISABLED);
    else if (e->code == ERR_INVALID && is_decrypting)
        err_recode(e, ERR_KEY_REJECTED);
    err_name_object(e, key_name);
    return err_wrap(e, "key %s", key_name);
}

static json_t *call(const struct gcp_site *site, struct http_session *s, const char *key_name,
                    const char *verb, const json_t *body, struct err *e)
{
    static const struct http_header TYPE = {"Content-Type", "application/json"};
    char *url CLEANUP(cleanup_free) = xasprintf("%s/v1/%s:%s", site->kms_url, key_name, verb);
    char *text = js_dump(body);
    struct http_request q = {.method = "POST",
                             .url = url,
                             .headers = &TYPE,
                             .header_count = 1,
                             .body = view_from(text),
                             .max_body_bytes = REPLY_MAX};
    struct http_response r;
    json_t *reply = NULL;
    http_response_init(&r);
    if (gcp_call(site, s, &q, &r, e) < 0)
        (void)key_error(key_name, strcmp(verb, "decrypt") == 0, &r, e);
    else
        reply = js_parse(strbuf_view(&r.body), url, e);
    http_response_fini(&r);
    secret_wipe(text, strlen(text));
    free(text);
    return reply;
}

static int check_crc(const json_t *reply, const char *field, const void *bytes, size_t length,
                     const char *key_name, struct err *e)
{
    if (js_int(reply, field, -1) != (int64_t)crc32c(0, bytes, length))
        return FAIL_OBJECT(e, ERR_PROTOCOL, key_name, "key %s: the answer was damaged on its way (%s)",
                           key_name, field);
    return 0;
}

int kms_decrypt(const struct gcp_site *site, struct http_session *s, const char *key_name,
                struct view ciphertext, bool require_hsm, struct secret *ret, struct err *e)
{
    char *encoded CLEANUP(cleanup_free) = base64_encode(ciphertext.ptr, ciphertext.len);
    char *crc CLEANUP(cleanup_free) = xasprintf("%u", crc32c(0, ciphertext.ptr, ciphertext.len));
    json_t *body CLEANUP(js_free) = json_pack("{s:s,s:s}", "ciphertext", encoded, "ciphertextCrc32c", crc);
    json_t *reply CLEANUP(js_free) = call(site, s, key_name, "decrypt", body, e);
    struct secret plain CLEANUP(secret_free) = {.bytes = NULL};
    if (reply == NULL)
        return -1;
    const char *level = js_text(reply, "protectionLevel");
    if (require_hsm && strcmp(level, "HSM") != 0)
        return FAIL_OBJECT(e, ERR_KEY_NOT_HSM, key_name, "key %s has protection level %s", key_name, level);
    struct view text = view_from(js_text(reply, "plaintext"));
    size_t length = 0;
    if (text.len > BASE64_LEN(PLAINTEXT_MAX))
        return FAIL_OBJECT(e, ERR_KEYSET_INVALID, key_name,
                           "key %s: %zu bytes were wrapped, more than a keyset has", key_name,
                           BASE64_MAX_BYTES(text.len));
    secret_alloc(&plain, BASE64_MAX_BYTES(text.len));
    if (base64_decode(text, plain.bytes, plain.len, &length) < 0)
        return FAIL_OBJECT(e, ERR_PROTOCOL, key_name, "key %s: the answer is not base64", key_name);
    if (check_crc(reply, "plaintextCrc32c", plain.bytes, length, key_name, e) < 0)
        return -1;
    secret_copy(ret, plain.bytes, length);
    return 0;
}

char *kms_encrypt(const struct gcp_site *site, struct http_session *s, const char *key_name,
                  const struct secret *plaintext, struct err *e)
{
    char *encoded = base64_encode(plaintext->bytes, plaintext->len);
    char *crc CLEANUP(cleanup_free) = xasprintf("%u", crc32c(0, plaintext->bytes, plaintext->len));
    json_t *body CLEANUP(js_free) = json_pack("{s:s,s:s}", "plaintext", encoded, "plaintextCrc32c", crc);
    secret_wipe(encoded, strlen(encoded));
    free(encoded);
    json_t *reply CLEANUP(js_free) = call(site, s, key_name, "encrypt", body, e);
    if (reply == NULL)
        return NULL;
    const char *text = js_text(reply, "ciphertext");
    size_t capacity = BASE64_MAX_BYTES(strlen(text)), length = 0;
    void *bytes CLEANUP(cleanup_free) = xmalloc(capacity + 1);
    if (!js_bool(reply, "verifiedPlaintextCrc32c", false) ||
        base64_decode(view_from(text), bytes, capacity, &length) < 0) {
        err_set(e, ERR_PROTOCOL, key_name, "key %s: the plaintext was damaged on its way", key_name);
        return NULL;
    }
    return check_crc(reply, "ciphertextCrc32c", bytes, length, key_name, e) < 0 ? NULL : xstrdup(text);
}

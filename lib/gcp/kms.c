#include "gcp/kms.h"

#include <string.h>

#include "base/alloc.h"
#include "base/codec.h"
#include "base/crc32c.h"
#include "data/js.h"

#include "base/banned.h"

/* KMS allows 64 KiB, but a plaintext is in locked memory, which is scarce, and 32 keys take less than this.
 */
enum { PLAINTEXT_MAX = 6 * 1024, REPLY_MAX = 256 * 1024 };

/* Translates Google's codes. The message names the key, because a job has several. */
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

/* POSTs body to the key; its text is wiped. verb: "decrypt" or "encrypt". The caller owns the reply. */
static json_t *call(const struct gcp_client *c, const char *key_name, const char *verb, const json_t *body,
                    struct err *e)
{
    static const struct http_header TYPE = {"Content-Type", "application/json"};
    char *url CLEANUP(cleanup_free) = xasprintf("%s/v1/%s:%s", c->config->kms_url, key_name, verb);
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
    if (gcp_call(c, &q, &r, e) < 0)
        (void)key_error(key_name, strcmp(verb, "decrypt") == 0, &r, e);
    else
        reply = js_parse(strbuf_view(&r.body), url, e);
    http_response_fini(&r);
    secret_wipe(text, strlen(text));
    free(text);
    return reply;
}

static bool is_intact(const json_t *reply, const char *field, struct view bytes)
{
    return js_int(reply, field, -1) == (int64_t)crc32c(0, bytes.ptr, bytes.len);
}

static int damaged(const char *key_name, const char *field, struct err *e)
{
    return FAIL_OBJECT(e, ERR_PROTOCOL, key_name, "key %s: the reply was corrupted in transit (%s is wrong)",
                       key_name, field);
}

/* The reply's plaintext, with its checksum verified. */
static int take_plaintext(const json_t *reply, const char *key_name, struct secret *ret, struct err *e)
{
    struct secret plain CLEANUP(secret_free) = {.bytes = NULL};
    struct view text = view_from(js_text(reply, "plaintext"));
    size_t length = 0;
    if (text.len > BASE64_LEN(PLAINTEXT_MAX))
        return FAIL_OBJECT(e, ERR_KEYSET_INVALID, key_name,
                           "key %s: the plaintext has %zu bytes, more than a keyset can have", key_name,
                           BASE64_MAX_BYTES(text.len));
    secret_alloc(&plain, BASE64_MAX_BYTES(text.len));
    if (base64_decode(text, plain.bytes, plain.len, &length) < 0)
        return FAIL_OBJECT(e, ERR_PROTOCOL, key_name, "key %s: the reply's plaintext is not base64",
                           key_name);
    if (!is_intact(reply, "plaintextCrc32c", view_of(plain.bytes, length)))
        return damaged(key_name, "plaintextCrc32c", e);
    secret_copy(ret, plain.bytes, length);
    return 0;
}

int kms_decrypt(const struct gcp_client *c, const struct kms_key *key, struct view ciphertext,
                struct secret *ret, struct err *e)
{
    char *encoded CLEANUP(cleanup_free) = base64_encode(ciphertext.ptr, ciphertext.len);
    char *crc CLEANUP(cleanup_free) = xasprintf("%u", crc32c(0, ciphertext.ptr, ciphertext.len));
    json_t *body CLEANUP(js_free) = json_pack("{s:s,s:s}", "ciphertext", encoded, "ciphertextCrc32c", crc);
    json_t *reply CLEANUP(js_free) = call(c, key->name, "decrypt", body, e);
    if (reply == NULL)
        return -1;
    const char *level = js_text(reply, "protectionLevel");
    if (key->require_hsm && strcmp(level, "HSM") != 0)
        return FAIL_OBJECT(e, ERR_KEY_NOT_HSM, key->name, "key %s has protection level %s", key->name,
                           *level != '\0' ? level : "unspecified");
    return take_plaintext(reply, key->name, ret, e);
}

char *kms_encrypt(const struct gcp_client *c, const char *key_name, const struct secret *plaintext,
                  struct err *e)
{
    char *encoded = base64_encode(plaintext->bytes, plaintext->len);
    char *crc CLEANUP(cleanup_free) = xasprintf("%u", crc32c(0, plaintext->bytes, plaintext->len));
    json_t *body CLEANUP(js_free) = json_pack("{s:s,s:s}", "plaintext", encoded, "plaintextCrc32c", crc);
    secret_wipe(encoded, strlen(encoded));
    free(encoded);
    json_t *reply CLEANUP(js_free) = call(c, key_name, "encrypt", body, e);
    if (reply == NULL)
        return NULL;
    const char *text = js_text(reply, "ciphertext");
    size_t capacity = BASE64_MAX_BYTES(strlen(text)), length = 0;
    void *bytes CLEANUP(cleanup_free) = xmalloc(capacity + 1);
    if (!js_bool(reply, "verifiedPlaintextCrc32c", false) ||
        base64_decode(view_from(text), bytes, capacity, &length) < 0) {
        err_set(e, ERR_PROTOCOL, key_name, "key %s: the plaintext was corrupted in transit", key_name);
        return NULL;
    }
    if (!is_intact(reply, "ciphertextCrc32c", view_of(bytes, length))) {
        (void)damaged(key_name, "ciphertextCrc32c", e);
        return NULL;
    }
    return xstrdup(text);
}

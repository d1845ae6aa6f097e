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
    else if (r->status == 400 && is_decrypting)
        err_recode(e, ERR_KEY_REJECTED);
    err_name_object(e, key_name);
    return err_wrap(e, "key %s", key_name);
}

/* What a reply is read into: decrypt fills plain and level, encrypt ciphertext. */
struct kms_reply {
    const char *key_name;
    struct secret plain;
    char *level;      /* protectionLevel */
    char *ciphertext; /* base64 */
    int event;
};

static void kms_reply_fini(struct kms_reply *k)
{
    secret_free(&k->plain);
    free(k->level);
    free(k->ciphertext);
}

/* POSTs body to the key, with its text wiped, until a whole reply was read. verb: "decrypt" or "encrypt". */
static int call(const struct gcp_client *c, const char *verb, const json_t *body,
                int (*read)(void *reply, const struct http_response *r, struct err *e),
                struct kms_reply *reply, struct err *e)
{
    static const struct http_header TYPE = {"Content-Type", "application/json"};
    char *url CLEANUP(cleanup_free) = xasprintf("%s/v1/%s:%s", c->config->kms_url, reply->key_name, verb);
    char *text = js_dump(body);
    struct gcp_request q = {.kind = REPLY_KMS,
                            .http = {.method = "POST",
                                     .url = url,
                                     .headers = &TYPE,
                                     .header_count = 1,
                                     .body = view_from(text),
                                     .max_body_bytes = REPLY_MAX},
                            .read = read,
                            .context = reply,
                            .event = &reply->event};
    struct http_response r;
    http_response_init(&r);
    int result = gcp_call(c, &q, &r, e);
    if (result < 0)
        (void)key_error(reply->key_name, strcmp(verb, "decrypt") == 0, &r, e);
    http_response_fini(&r);
    secret_wipe(text, strlen(text));
    free(text);
    return result;
}

static json_t *parse(struct kms_reply *k, const struct http_response *r, struct err *e)
{
    json_t *tree = js_parse(strbuf_view(&r->body), "the reply of Cloud KMS", e);
    if (tree == NULL)
        k->event = REPLY_NOT_JSON;
    return tree;
}

static int check_crc(struct kms_reply *k, const json_t *tree, const char *field, struct view bytes,
                     struct err *e)
{
    if (js_int(tree, field, -1) == (int64_t)crc32c(0, bytes.ptr, bytes.len))
        return 0;
    return REPLY_FAIL(&k->event, DAMAGED, e, "the reply was corrupted in transit (%s is wrong)", field);
}

static int read_decrypted(void *context, const struct http_response *r, struct err *e)
{
    struct kms_reply *k = context;
    struct secret plain CLEANUP(secret_free) = {.bytes = NULL};
    json_t *tree CLEANUP(js_free) = parse(k, r, e);
    if (tree == NULL)
        return -1;
    struct view text = view_from(js_text(tree, "plaintext"));
    size_t length = 0;
    if (text.len > BASE64_LEN(PLAINTEXT_MAX))
        return FAIL(e, ERR_KEYSET_INVALID, "the plaintext has %zu bytes, more than a keyset can have",
                    BASE64_MAX_BYTES(text.len));
    secret_alloc(&plain, BASE64_MAX_BYTES(text.len));
    if (base64_decode(text, plain.bytes, plain.len, &length) < 0)
        return REPLY_FAIL(&k->event, INCOMPLETE, e, "the reply's plaintext is not base64");
    if (check_crc(k, tree, "plaintextCrc32c", view_of(plain.bytes, length), e) < 0)
        return -1;
    secret_copy(&k->plain, plain.bytes, length);
    k->level = xstrdup(js_text(tree, "protectionLevel"));
    return 0;
}

int kms_decrypt(const struct gcp_client *c, const struct kms_key *key, struct view ciphertext,
                struct secret *ret, struct err *e)
{
    struct kms_reply reply CLEANUP(kms_reply_fini) = {.key_name = key->name};
    char *encoded CLEANUP(cleanup_free) = base64_encode(ciphertext.ptr, ciphertext.len);
    char *crc CLEANUP(cleanup_free) = xasprintf("%u", crc32c(0, ciphertext.ptr, ciphertext.len));
    json_t *body CLEANUP(js_free) = json_pack("{s:s,s:s}", "ciphertext", encoded, "ciphertextCrc32c", crc);
    if (call(c, "decrypt", body, read_decrypted, &reply, e) < 0)
        return -1;
    if (key->require_hsm && strcmp(reply.level, "HSM") != 0)
        return FAIL_OBJECT(e, ERR_KEY_NOT_HSM, key->name, "key %s has protection level %s", key->name,
                           *reply.level != '\0' ? reply.level : "unspecified");
    secret_move(ret, &reply.plain);
    return 0;
}

static int read_encrypted(void *context, const struct http_response *r, struct err *e)
{
    struct kms_reply *k = context;
    json_t *tree CLEANUP(js_free) = parse(k, r, e);
    if (tree == NULL)
        return -1;
    const char *text = js_text(tree, "ciphertext");
    size_t capacity = BASE64_MAX_BYTES(strlen(text)), length = 0;
    void *bytes CLEANUP(cleanup_free) = xmalloc(capacity + 1);
    if (*text == '\0' || base64_decode(view_from(text), bytes, capacity, &length) < 0)
        return REPLY_FAIL(&k->event, INCOMPLETE, e, "the reply's ciphertext is not base64");
    if (!js_bool(tree, "verifiedPlaintextCrc32c", false))
        return REPLY_FAIL(&k->event, DAMAGED, e, "the plaintext was corrupted in transit");
    if (check_crc(k, tree, "ciphertextCrc32c", view_of(bytes, length), e) < 0)
        return -1;
    k->ciphertext = xstrdup(text);
    return 0;
}

char *kms_encrypt(const struct gcp_client *c, const char *key_name, const struct secret *plaintext,
                  struct err *e)
{
    struct kms_reply reply CLEANUP(kms_reply_fini) = {.key_name = key_name};
    char *encoded = base64_encode(plaintext->bytes, plaintext->len);
    char *crc CLEANUP(cleanup_free) = xasprintf("%u", crc32c(0, plaintext->bytes, plaintext->len));
    json_t *body CLEANUP(js_free) = json_pack("{s:s,s:s}", "plaintext", encoded, "plaintextCrc32c", crc);
    secret_wipe(encoded, strlen(encoded));
    free(encoded);
    return call(c, "encrypt", body, read_encrypted, &reply, e) < 0 ? NULL : TAKE_PTR(reply.ciphertext);
}

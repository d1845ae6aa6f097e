#include "reply_requests.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/codec.h"
#include "base/crc32c.h"
#include "gcp/gcs_list.h"
#include "gcp/gcs_read.h"
#include "gcp/gcs_upload.h"
#include "gcp/kms.h"

#include "base/banned.h"

#define KEY   "projects/p/locations/l/keyRings/r/cryptoKeys/k"
#define PLAIN "the keyset"

enum { READ_BYTES = 1000, READ_CUT = 500 };

/* ---- the server ---- */
static char *base64_of(const char *text)
{
    return base64_encode(text, strlen(text));
}

/* Both calls answer with the same bytes. */
static void answer_other(struct fake_bucket *b, struct exchange *x)
{
    (void)b;
    x->status = 200;
    if (strstr(x->target, "/v1/" KEY) == NULL) {
        strbuf_add_text(&x->reply, "{\"access_token\":\"loopback\",\"expires_in\":3600}");
        return;
    }
    char *text CLEANUP(cleanup_free) = base64_of(PLAIN);
    strbuf_addf(&x->reply,
                "{\"plaintext\":\"%s\",\"plaintextCrc32c\":\"%u\",\"ciphertext\":\"%s\","
                "\"ciphertextCrc32c\":\"%u\",\"verifiedPlaintextCrc32c\":true,\"protectionLevel\":\"HSM\"}",
                text, crc32c(0, PLAIN, strlen(PLAIN)), text, crc32c(0, PLAIN, strlen(PLAIN)));
}

static void make_file_credentials(struct reply_server *s, struct gcp_retry_policy policy)
{
    static const char USER[] = "{\"type\":\"authorized_user\",\"client_id\":\"c\",\"client_secret\":\"s\","
                               "\"refresh_token\":\"r\"}";
    struct err e CLEANUP(err_fini) = {0};
    char *uri CLEANUP(cleanup_free) = xasprintf("%s/token", loopback_url(s->fake.server));
    memcpy(s->path, "/tmp/credentials-XXXXXX", sizeof("/tmp/credentials-XXXXXX"));
    int fd = mkstemp(s->path);
    assert_int_equal(write(fd, USER, sizeof(USER) - 1), sizeof(USER) - 1);
    close(fd);
    s->file = credentials_find(
        &(struct credentials_options){.credentials_file = s->path, .token_uri = uri, .retry = policy}, &e);
    assert_non_null(s->file);
}

static void put_objects(struct fake_bucket *b)
{
    uint8_t bytes[READ_BYTES];
    for (size_t i = 0; i < READ_BYTES; i++)
        bytes[i] = (uint8_t)(i % 251);
    fake_bucket_put(b, "set/a", view_of(bytes, READ_BYTES));
    fake_bucket_put(b, "set/b", VIEW_LITERAL("b"));
}

void reply_server_start(struct reply_server *s, struct gcp_retry_policy policy)
{
    *s = (struct reply_server){.fake = {.other = answer_other}};
    fake_bucket_start(&s->fake);
    put_objects(&s->fake);
    char *meta CLEANUP(cleanup_free) = xasprintf("%s/meta", loopback_url(s->fake.server));
    s->metadata = credentials_from_metadata(meta, &policy);
    s->usual = credentials_from_metadata(meta, &(struct gcp_retry_policy){.total_ms = 0});
    s->fake.config.credentials = s->usual;
    make_file_credentials(s, policy);
    s->fake.config.retry = policy;
    gcs_bucket_open(&s->b, &s->fake.config, FAKE_BUCKET_NAME);
    gcp_client_open(&s->kms, &s->fake.config);
}

void reply_server_stop(struct reply_server *s)
{
    gcp_client_close(&s->kms);
    gcs_bucket_close(&s->b);
    credentials_free(s->metadata);
    credentials_free(s->file);
    credentials_free(s->usual);
    unlink(s->path);
    fake_bucket_stop(&s->fake);
}

/* ---- tokens and keys ---- */
static int hold(struct credentials *c, struct err *e)
{
    const struct secret *token = credentials_hold_token(c, e);
    if (token == NULL)
        return -1;
    assert_int_equal(token->len, strlen("loopback"));
    credentials_release_token(c, token);
    return 0;
}

static int run_metadata(struct reply_server *s, struct err *e)
{
    return hold(s->metadata, e);
}

static int run_token(struct reply_server *s, struct err *e)
{
    return hold(s->file, e);
}

static int run_decrypt(struct reply_server *s, struct err *e)
{
    struct secret plain CLEANUP(secret_free) = {.bytes = NULL};
    if (kms_decrypt(&s->kms, &(struct kms_key){KEY, true}, VIEW_LITERAL("wrapped"), &plain, e) < 0)
        return -1;
    assert_memory_equal(plain.bytes, PLAIN, strlen(PLAIN));
    return 0;
}

static int run_encrypt(struct reply_server *s, struct err *e)
{
    struct secret plain CLEANUP(secret_free) = {.bytes = NULL};
    char *want CLEANUP(cleanup_free) = base64_of(PLAIN);
    secret_copy(&plain, "keyset", strlen("keyset"));
    char *wrapped CLEANUP(cleanup_free) = kms_encrypt(&s->kms, KEY, &plain, e);
    if (wrapped == NULL)
        return -1;
    assert_string_equal(wrapped, want);
    return 0;
}

/* ---- reading ---- */

/* The second page is the one that has faults. Moves the texts out of the object, as gcs_list allows. */
static int add_name(void *context, struct gcs_object *o, struct err *e)
{
    (void)e;
    strbuf_addf(context, "%s=%llu ", o->name, (unsigned long long)o->size);
    gcs_object_fini(o);
    return 0;
}

static int run_list(struct reply_server *s, struct err *e)
{
    struct strbuf names = STRBUF(4096);
    s->fake.page_size = 1;
    int result = gcs_list(&s->b, "set/", add_name, &names, e);
    if (result == 0)
        assert_string_equal(strbuf_text(&names), "set/a=1000 set/b=1 ");
    else
        assert_true(names.len == 0 || strcmp(strbuf_text(&names), "set/a=1000 ") == 0);
    strbuf_fini(&names);
    return result;
}

static int run_stat(struct reply_server *s, struct err *e)
{
    struct gcs_object o;
    if (gcs_stat(&s->b, "set/a", &o, e) < 0)
        return -1;
    assert_int_equal(o.size, READ_BYTES);
    gcs_object_fini(&o);
    return 0;
}

static int check_bytes(void *context, const void *bytes, size_t length, struct err *e)
{
    size_t *taken = context;
    (void)e;
    for (size_t i = 0; i < length; i++)
        assert_int_equal(((const uint8_t *)bytes)[i], (*taken)++ % 251);
    return 0;
}

/* No byte that is wrong gets to the reader, whatever the server says. */
static int run_read(struct reply_server *s, struct err *e)
{
    size_t taken = 0;
    struct gcs_object o = {.name = xstrdup("set/a"), .size = READ_BYTES, .generation = 1};
    int result = gcs_read(&s->b, &o, (struct byte_sink){check_bytes, &taken}, e);
    assert_true(result < 0 ? taken < READ_BYTES : taken == READ_BYTES);
    gcs_object_fini(&o);
    return result;
}

static void cut_in_half(struct exchange *x)
{
    x->cut = READ_CUT;
}

static int run_small(struct reply_server *s, struct err *e)
{
    struct strbuf text = STRBUF(2000);
    uint64_t generation = 0;
    int result = gcs_read_small(&s->b, "set/b", &text, &generation, e);
    assert_string_equal(strbuf_text(&text), result < 0 ? "" : "b");
    assert_int_equal(generation, result < 0 ? 0 : 2);
    strbuf_fini(&text);
    return result;
}

/* ---- writing ---- */
static const struct gcs_metadata HINT = {GCS_KEY_ID_HINT, "42"};
static const struct gcs_write NEW = {.name = "new", .metadata = &HINT, .metadata_count = 1};

static int run_write(struct reply_server *s, struct err *e)
{
    uint64_t generation = 0;
    if (gcs_write_small(&s->b, &NEW, VIEW_LITERAL("written"), &generation, e) < 0)
        return -1;
    const struct fake_object *o = fake_bucket_find(&s->fake, "new");
    assert_string_equal(strbuf_text(&o->bytes), "written");
    assert_int_equal(o->generation, generation);
    return 0;
}

static int produce(void *context, void *out, size_t length, struct err *e)
{
    size_t *made = context;
    (void)e;
    for (size_t i = 0; i < length; i++)
        ((uint8_t *)out)[i] = (uint8_t)((*made)++ % 251);
    return 0;
}

static int run_upload(struct reply_server *s, struct err *e)
{
    size_t made = 0, taken = 0;
    struct gcs_content content = {.size = UPLOAD_BYTES, .produce = produce, .context = &made};
    if (gcs_upload(&s->b, &NEW, &content, e) < 0)
        return -1;
    const struct fake_object *o = fake_bucket_find(&s->fake, "new");
    assert_int_equal(o->bytes.len, UPLOAD_BYTES);
    return check_bytes(&taken, o->bytes.data, o->bytes.len, e);
}

static void lose(struct exchange *x)
{
    x->is_lost = true;
}

#define SECOND_CHUNK "PUT /session?upload_id=right bytes 4" /* from 4194304 on */
#define QUESTION     "PUT /session?upload_id=right bytes */"

const struct reply_request reply_requests[REPLY_REQUESTS] = {
    {.name = "metadata token", .kind = REPLY_METADATA, .match = "/meta/", .run = run_metadata},
    {.name = "token", .kind = REPLY_TOKEN, .match = "/token", .run = run_token},
    {.name = "decrypt", .kind = REPLY_KMS, .match = ":decrypt", .run = run_decrypt},
    {.name = "encrypt", .kind = REPLY_KMS, .match = ":encrypt", .run = run_encrypt},
    {.name = "list", .kind = REPLY_LIST, .match = "&pageToken=1", .run = run_list},
    {.name = "stat", .kind = REPLY_STAT, .match = "GET /storage/v1/b/bucket/o/", .run = run_stat},
    {.name = "read", .kind = REPLY_READ, .match = "GET /download/", .run = run_read},
    {.name = "read a range",
     .kind = REPLY_READ,
     .match = " bytes=",
     .prelude = {.match = "GET /download/", .times = 1, .after = cut_in_half},
     .run = run_read},
    {.name = "read small", .kind = REPLY_SMALL, .match = "GET /download/", .run = run_small},
    {.name = "write", .kind = REPLY_WRITE, .match = "uploadType=multipart", .run = run_write},
    {.name = "open", .kind = REPLY_OPEN, .match = "uploadType=resumable", .run = run_upload},
    {.name = "chunk", .kind = REPLY_CHUNK, .match = SECOND_CHUNK, .also = QUESTION, .run = run_upload},
    {.name = "ask",
     .kind = REPLY_ASK,
     .match = QUESTION,
     .prelude = {.match = SECOND_CHUNK, .times = 1, .after = lose},
     .run = run_upload},
};

#include "reply_faults.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "data/js.h"
#include "reply_requests.h"

#include "base/banned.h"

/* ---- the connection ---- */
static void lose(struct exchange *x)
{
    x->is_lost = true;
}

static void stall(struct exchange *x)
{
    x->is_stalled = true;
}

static void cut(struct exchange *x)
{
    strbuf_add_text(&x->reply, "  ");
    x->cut = 1;
}

static void say_no_http(struct exchange *x)
{
    x->raw = "SSH-2.0-something\r\n";
}

/* ---- the body ---- */
static void say(struct exchange *x, const char *body)
{
    x->status = 200;
    strbuf_clear(&x->reply);
    strbuf_add_text(&x->reply, body);
}

static void say_nothing(struct exchange *x)
{
    say(x, "");
}

static void say_page(struct exchange *x)
{
    say(x, "<html>Sign in to this network</html>");
}

static void say_half(struct exchange *x)
{
    char *half CLEANUP(cleanup_free) = view_dup(view_of(x->reply.data, x->reply.len / 2));
    say(x, half);
}

static void say_number(struct exchange *x)
{
    say(x, "[1]");
}

static void say_empty_object(struct exchange *x)
{
    say(x, "{}");
}

static void say_too_much(struct exchange *x)
{
    static const char LINE[] = "0123456789abcdef";
    size_t most = strstr(x->target, "maxResults") != NULL ? 16 * 1024 * 1024 : 1024 * 1024;
    say(x, "");
    while (x->reply.len <= most)
        strbuf_add_text(&x->reply, LINE);
}

static void say_less(struct exchange *x)
{
    x->reply.len -= x->reply.len > 0 ? 1 : 0;
}

static void say_more(struct exchange *x)
{
    strbuf_add_text(&x->reply, "more");
}

/* ---- a JSON body ---- */

/* Sets a field of the reply, or of the first item that it lists; NULL removes it. Takes the value. */
static void set_field(struct exchange *x, const char *field, json_t *value)
{
    struct err ignored CLEANUP(err_fini) = {0};
    json_t *tree CLEANUP(js_free) = js_parse(strbuf_view(&x->reply), "reply", &ignored);
    json_t *item = json_array_get(json_object_get(tree, "items"), 0);
    json_t *object = item != NULL ? item : tree;
    if (x->status != 200 || !json_is_object(object)) {
        json_decref(value);
        return;
    }
    if (value == NULL)
        json_object_del(object, field);
    else
        json_object_set_new(object, field, value);
    char *text CLEANUP(cleanup_free) = js_dump(tree);
    say(x, text);
}

static void have_negative_size(struct exchange *x)
{
    set_field(x, "size", json_string("-1"));
}

static void have_huge_size(struct exchange *x)
{
    set_field(x, "size", json_string("18446744073709551616"));
}

static void have_largest_size(struct exchange *x)
{
    set_field(x, "size", json_string("9223372036854775807"));
}

static void have_no_size(struct exchange *x)
{
    set_field(x, "size", NULL);
}

static void have_other_size(struct exchange *x)
{
    set_field(x, "size", json_string("5"));
}

static void have_no_generation(struct exchange *x)
{
    set_field(x, "generation", NULL);
}

static void have_no_name(struct exchange *x)
{
    set_field(x, "name", NULL);
}

static void have_other_name(struct exchange *x)
{
    set_field(x, "name", json_string("set/other"));
}

static void have_name_outside(struct exchange *x)
{
    set_field(x, "name", json_string("other/a"));
}

static void have_name_again(struct exchange *x)
{
    set_field(x, "name", json_string("set/a"));
}

static void have_earlier_name(struct exchange *x)
{
    set_field(x, "name", json_string("set/0"));
}

static void have_no_crc(struct exchange *x)
{
    set_field(x, "crc32c", NULL);
}

static void have_malformed_crc(struct exchange *x)
{
    set_field(x, "crc32c", json_string("AAAA"));
}

static void have_other_crc(struct exchange *x)
{
    set_field(x, "crc32c", json_string("AAAAAA=="));
    set_field(x, "plaintextCrc32c", json_string("1"));
    set_field(x, "ciphertextCrc32c", json_string("1"));
}

static void have_wrong_words(struct exchange *x)
{
    set_field(x, "plaintext", json_string("*"));
    set_field(x, "ciphertext", json_string("*"));
    set_field(x, "access_token", json_integer(7));
}

static void have_no_life(struct exchange *x)
{
    set_field(x, "expires_in", json_integer(0));
}

static void list_no_array(struct exchange *x)
{
    say(x, "{\"items\":{\"name\":\"set/a\"}}");
}

static void list_odd_token(struct exchange *x)
{
    say(x, "{\"nextPageToken\":7}");
}

static void list_same_page(struct exchange *x)
{
    say(x, "{\"nextPageToken\":\"1\"}");
}

/* ---- headers ---- */
static void remove_header(struct exchange *x, const char *name)
{
    char *text CLEANUP(cleanup_free) = strbuf_take(&x->reply_headers);
    struct view rest = view_from(text);
    strbuf_init(&x->reply_headers, 65536);
    while (rest.len > 0) {
        struct view line = view_cut(rest, '\n', &rest);
        if (strncasecmp(line.ptr, name, strlen(name)) != 0)
            strbuf_addf(&x->reply_headers, "%.*s\n", VIEW_ARG(line));
    }
}

static void set_header(struct exchange *x, const char *name, const char *value)
{
    remove_header(x, name);
    strbuf_addf(&x->reply_headers, "%s: %s\r\n", name, value);
}

static void hide_generation(struct exchange *x)
{
    remove_header(x, "x-goog-generation");
}

static void have_other_generation(struct exchange *x)
{
    set_header(x, "x-goog-generation", "7");
}

static void have_other_hash(struct exchange *x)
{
    set_header(x, "x-goog-hash", "md5=x, crc32c=AAAAAA==");
}

static void begin_elsewhere(struct exchange *x)
{
    x->status = 206;
    set_header(x, "Content-Range", "bytes 7-999/1000");
}

static void be_of_another_length(struct exchange *x)
{
    x->status = 206;
    set_header(x, "Content-Range", "bytes 500-999/5000");
}

static void not_say_where(struct exchange *x)
{
    x->status = 206;
    remove_header(x, "Content-Range");
}

static void have_parts(struct exchange *x)
{
    not_say_where(x);
    set_header(x, "Content-Type", "multipart/byteranges; boundary=part");
    strbuf_clear(&x->reply);
    strbuf_add_text(&x->reply, "--part\r\nContent-Range: bytes 0-1/1000\r\n\r\nab\r\n--part--\r\n");
}

static void be_encoded(struct exchange *x)
{
    set_header(x, "Content-Encoding", "gzip");
}

static void be_stored_encoded(struct exchange *x)
{
    set_header(x, "x-goog-stored-content-encoding", "gzip");
}

static void have_no_location(struct exchange *x)
{
    remove_header(x, "Location");
}

static void have_odd_location(struct exchange *x)
{
    set_header(x, "Location", "over there");
}

/* ---- upload sessions: the last chunk begins at UPLOAD_PART ---- */
static void say_range(struct exchange *x, const char *range)
{
    say(x, "");
    x->status = 308;
    strbuf_clear(&x->reply_headers);
    if (range != NULL)
        set_header(x, "Range", range);
}

static void have_too_much(struct exchange *x)
{
    say_range(x, "bytes=0-8000000");
}

static void have_odd_range(struct exchange *x)
{
    say_range(x, "bytes=5-9");
}

static void have_endless_range(struct exchange *x)
{
    say_range(x, "bytes=0-18446744073709551615");
}

static void have_lost_all(struct exchange *x)
{
    say_range(x, NULL);
}

static void have_lost_some(struct exchange *x)
{
    say_range(x, "bytes=0-99");
}

static void take_nothing(struct exchange *x)
{
    say_range(x, "bytes=0-4194303");
}

static void take_little(struct exchange *x)
{
    say_range(x, "bytes=0-4194310");
}

static void have_all(struct exchange *x)
{
    say_range(x, "bytes=0-4259839");
}

const struct played_fault played_faults[] = {
    {REPLY_LOST, REPLY_ANY, lose},
    {REPLY_STALLED, REPLY_ANY, stall},
    {REPLY_CUT, REPLY_ANY, cut},
    {REPLY_NOT_HTTP, REPLY_ANY, say_no_http},
    {REPLY_OVERSIZED, REPLY_UNSTREAMED, say_too_much},
    {REPLY_NOT_JSON, REPLY_JSON | REPLY_CREATED, say_nothing},
    {REPLY_NOT_JSON, REPLY_JSON | REPLY_CREATED, say_page},
    {REPLY_NOT_JSON, REPLY_JSON | REPLY_CREATED, say_half},
    {REPLY_NOT_JSON, REPLY_LIST | REPLY_STAT | REPLY_CREATED, say_number},
    {REPLY_INCOMPLETE, REPLY_TOKENS | REPLY_STAT | REPLY_CREATED, say_empty_object},
    {REPLY_INCOMPLETE, REPLY_LIST | REPLY_STAT | REPLY_CREATED, have_negative_size},
    {REPLY_INCOMPLETE, REPLY_LIST | REPLY_STAT | REPLY_CREATED, have_huge_size},
    {REPLY_INCOMPLETE, REPLY_LIST | REPLY_STAT | REPLY_CREATED, have_largest_size},
    {REPLY_INCOMPLETE, REPLY_LIST | REPLY_STAT | REPLY_CREATED, have_no_size},
    {REPLY_INCOMPLETE, REPLY_LIST | REPLY_STAT | REPLY_CREATED, have_no_generation},
    {REPLY_INCOMPLETE, REPLY_LIST | REPLY_STAT | REPLY_CREATED, have_no_name},
    {REPLY_INCOMPLETE, REPLY_LIST, list_no_array},
    {REPLY_INCOMPLETE, REPLY_LIST, list_odd_token},
    {REPLY_INCOMPLETE, REPLY_KMS | REPLY_TOKENS, have_wrong_words},
    {REPLY_INCOMPLETE, REPLY_TOKENS, have_no_life},
    {REPLY_INCOMPLETE, REPLY_MEDIA, hide_generation},
    {REPLY_DAMAGED, REPLY_KMS | REPLY_CREATED, have_other_crc},
    {REPLY_DAMAGED, REPLY_SMALL, have_other_hash},
    {REPLY_NO_CHECKSUM, REPLY_CREATED, have_no_crc},
    {REPLY_NO_CHECKSUM, REPLY_CREATED, have_malformed_crc},
    {REPLY_OTHER_NAME, REPLY_STAT | REPLY_CREATED, have_other_name},
    {REPLY_OTHER_SIZE, REPLY_CREATED, have_other_size},
    {REPLY_OUTSIDE, REPLY_LIST, have_name_outside},
    {REPLY_UNSORTED, REPLY_LIST, have_name_again},
    {REPLY_UNSORTED, REPLY_LIST, have_earlier_name},
    {REPLY_SAME_PAGE, REPLY_LIST, list_same_page},
    {REPLY_ELSEWHERE, REPLY_READ, begin_elsewhere},
    {REPLY_ELSEWHERE, REPLY_READ, be_of_another_length},
    {REPLY_ELSEWHERE, REPLY_READ, not_say_where},
    {REPLY_ELSEWHERE, REPLY_READ, have_parts},
    {REPLY_ENCODED, REPLY_MEDIA, be_encoded},
    {REPLY_STORED_ENCODED, REPLY_MEDIA, be_stored_encoded},
    {REPLY_OTHER_GENERATION, REPLY_READ, have_other_generation},
    {REPLY_SHORT, REPLY_READ, say_less},
    {REPLY_LONG, REPLY_READ, say_more},
    {REPLY_NO_SESSION, REPLY_OPEN, have_no_location},
    {REPLY_NO_SESSION, REPLY_OPEN, have_odd_location},
    {REPLY_BAD_RANGE, REPLY_SESSION, have_too_much},
    {REPLY_BAD_RANGE, REPLY_SESSION, have_odd_range},
    {REPLY_BAD_RANGE, REPLY_SESSION, have_endless_range},
    {REPLY_BACKWARD, REPLY_SESSION, have_lost_all},
    {REPLY_BACKWARD, REPLY_SESSION, have_lost_some},
    {REPLY_NO_PROGRESS, REPLY_CHUNK, take_nothing},
    {REPLY_NO_PROGRESS, REPLY_CHUNK, take_little},
    {REPLY_UNFINISHED, REPLY_SESSION, have_all},
};
const size_t played_fault_count = ARRAY_LEN(played_faults);

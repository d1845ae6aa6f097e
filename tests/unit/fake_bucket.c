#include "fake_bucket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/codec.h"
#include "base/crc32c.h"
#include "data/js.h"
#include "gcp/gcs_write.h"

#include "base/banned.h"

#define OBJECTS      "/storage/v1/b/" FAKE_BUCKET_NAME "/o"
#define SESSION_PATH "/session"

enum { OBJECT_MAX = 32 * 1024 * 1024 };

/* ---- objects ---- */
struct fake_object *fake_bucket_find(struct fake_bucket *b, const char *name)
{
    for (size_t i = 0; i < b->count; i++)
        if (strcmp(b->objects[i].name, name) == 0)
            return &b->objects[i];
    return NULL;
}

static void object_fini(struct fake_object *o)
{
    free(o->name);
    strbuf_fini(&o->bytes);
    json_decref(o->metadata);
    *o = (struct fake_object){.name = NULL};
}

void fake_bucket_delete(struct fake_bucket *b, const char *name)
{
    struct fake_object *o = fake_bucket_find(b, name);
    assert_non_null(o);
    object_fini(o);
    memmove(o, o + 1, (size_t)(&b->objects[--b->count] - o) * sizeof(*o));
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct fake_object *)a)->name, ((const struct fake_object *)b)->name);
}

struct fake_object *fake_bucket_put(struct fake_bucket *b, const char *name, struct view bytes)
{
    struct fake_object made = {.name = xstrdup(name), .bytes = STRBUF(OBJECT_MAX)};
    strbuf_add_view(&made.bytes, bytes);
    made.generation = ++b->last_generation;
    if (fake_bucket_find(b, name) != NULL)
        fake_bucket_delete(b, name);
    assert_true(b->count < FAKE_OBJECTS_MAX);
    b->objects[b->count++] = made;
    qsort(b->objects, b->count, sizeof(*b->objects), compare);
    return fake_bucket_find(b, made.name);
}

/* ---- texts ---- */

/* The value of a query's parameter, decoded; "" without it. The caller frees it. */
static char *parameter(const struct exchange *x, const char *name)
{
    struct view rest, query, value;
    (void)view_cut(view_from(x->target), '?', &query);
    for (rest = query; rest.len > 0;) {
        struct view pair = view_cut(rest, '&', &rest);
        if (view_equal_text(view_cut(pair, '=', &value), name)) {
            struct strbuf text = STRBUF(4096);
            for (size_t i = 0; i < value.len; i++) {
                bool is_code = value.ptr[i] == '%';
                char code[3] = {is_code ? value.ptr[i + 1] : '0', is_code ? value.ptr[i + 2] : '0', '\0'};
                strbuf_add_char(&text, is_code ? (char)strtol(code, NULL, 16) : value.ptr[i]);
                i += is_code ? 2 : 0;
            }
            return strbuf_take(&text);
        }
    }
    return xstrdup("");
}

/* The object that the path names, decoded by the same rules. */
static char *name_in_path(const struct exchange *x)
{
    const char *name = strstr(x->target, OBJECTS "/") + strlen(OBJECTS "/");
    char *as_query CLEANUP(cleanup_free) = xasprintf("?name=%.*s", (int)strcspn(name, "?"), name);
    return parameter(&(struct exchange){.target = as_query}, "name");
}

static char *checksum(const struct fake_object *o)
{
    uint32_t crc = crc32c(0, o->bytes.data, o->bytes.len);
    uint8_t b[4] = {(uint8_t)(crc >> 24), (uint8_t)(crc >> 16), (uint8_t)(crc >> 8), (uint8_t)crc};
    return base64_encode(b, sizeof(b));
}

static json_t *resource(const struct fake_object *o)
{
    char *sum CLEANUP(cleanup_free) = checksum(o);
    char *size CLEANUP(cleanup_free) = xasprintf("%zu", o->bytes.len);
    char *generation CLEANUP(cleanup_free) = xasprintf("%llu", (unsigned long long)o->generation);
    json_t *r = json_pack("{s:s,s:s,s:s,s:s,s:O?}", "name", o->name, "size", size, "generation", generation,
                          "crc32c", sum, "metadata", o->metadata);
    if (o->is_encoded)
        json_object_set_new(r, "contentEncoding", json_string("gzip"));
    return r;
}

static void reply_json(struct exchange *x, json_t *reply)
{
    char *text CLEANUP(cleanup_free) = js_dump(reply);
    x->status = 200;
    strbuf_add_text(&x->reply, text);
    json_decref(reply);
}

/* ---- requests ---- */
static void list(struct fake_bucket *b, struct exchange *x)
{
    char *prefix CLEANUP(cleanup_free) = parameter(x, "prefix");
    char *token CLEANUP(cleanup_free) = parameter(x, "pageToken");
    json_t *page = json_object(), *items = json_array();
    size_t skip = strtoul(token, NULL, 10), seen = 0;
    for (size_t i = 0; i < b->count; i++) {
        if (!view_has_prefix(view_from(b->objects[i].name), prefix) || seen++ < skip)
            continue;
        if (b->page_size > 0 && json_array_size(items) == b->page_size) {
            char *next CLEANUP(cleanup_free) = xasprintf("%zu", seen - 1);
            json_object_set_new(page, "nextPageToken", json_string(next));
            break;
        }
        json_array_append_new(items, resource(&b->objects[i]));
    }
    json_object_set_new(page, "items", items);
    reply_json(x, page);
}

static void download(const struct fake_object *o, struct exchange *x)
{
    char *wanted CLEANUP(cleanup_free) = parameter(x, "generation");
    char *sum CLEANUP(cleanup_free) = checksum(o);
    struct view range = exchange_header(x, "Range"), first;
    uint64_t offset = 0;
    if (*wanted != '\0' && strtoull(wanted, NULL, 10) != o->generation)
        return; /* 404 */
    (void)view_cut(range, '=', &first);
    (void)view_to_u64(view_cut(first, '-', &first), &offset);
    x->status = range.len > 0 ? 206 : 200;
    if (range.len > 0)
        strbuf_addf(&x->reply_headers, "Content-Range: bytes %llu-%zu/%zu\r\n", (unsigned long long)offset,
                    o->bytes.len - 1, o->bytes.len);
    strbuf_addf(&x->reply_headers, "x-goog-generation: %llu\r\nx-goog-hash: crc32c=%s,md5=unknown\r\n",
                (unsigned long long)o->generation, sum);
    strbuf_add_view(&x->reply, view_skip(strbuf_view(&o->bytes), (size_t)offset));
}

/* Makes the object if its present generation is the wanted one. */
static void create(struct fake_bucket *b, struct exchange *x, const struct fake_object *made,
                   uint64_t if_generation)
{
    const struct fake_object *there = fake_bucket_find(b, made->name);
    if (if_generation != GCS_ANY_GENERATION && if_generation != (there == NULL ? 0 : there->generation)) {
        x->status = 412;
        return;
    }
    struct fake_object *o = fake_bucket_put(b, made->name, strbuf_view(&made->bytes));
    o->metadata = json_incref(made->metadata);
    reply_json(x, resource(o));
}

static uint64_t if_generation_of(const struct exchange *x)
{
    char *text CLEANUP(cleanup_free) = parameter(x, "ifGenerationMatch");
    return *text == '\0' ? GCS_ANY_GENERATION : strtoull(text, NULL, 10);
}

static struct fake_object object_of(const struct exchange *x, struct view json)
{
    struct err ignored CLEANUP(err_fini) = {0};
    json_t *tree CLEANUP(js_free) = js_parse(json, "the resource", &ignored);
    return (struct fake_object){.name = parameter(x, "name"),
                                .bytes = STRBUF(OBJECT_MAX),
                                .metadata = json_incref((json_t *)(uintptr_t)js_at(tree, "metadata"))};
}

static struct view after(struct view text, const char *mark)
{
    const char *at = memmem(text.ptr, text.len, mark, strlen(mark));
    assert_non_null(at);
    return view_skip(text, (size_t)(at - text.ptr) + strlen(mark));
}

static struct view before(struct view text, const char *mark)
{
    return view_of(text.ptr, text.len - after(text, mark).len - strlen(mark));
}

static void upload_multipart(struct fake_bucket *b, struct exchange *x)
{
    char *boundary CLEANUP(cleanup_free) = view_dup(before(x->body, "\r\n"));
    char *end CLEANUP(cleanup_free) = xasprintf("\r\n%s", boundary);
    struct view json = after(x->body, "\r\n\r\n");
    struct view bytes = after(after(json, end), "\r\n\r\n");
    struct fake_object made = object_of(x, before(json, end));
    strbuf_add_view(&made.bytes, before(bytes, end));
    create(b, x, &made, if_generation_of(x));
    object_fini(&made);
}

static void open_session(struct fake_bucket *b, struct exchange *x)
{
    object_fini(&b->upload);
    b->upload = object_of(x, x->body);
    b->upload_if_generation = if_generation_of(x);
    b->is_upload_done = false;
    x->status = 200;
    strbuf_addf(&x->reply_headers, "Location: %s" SESSION_PATH "?upload_id=right\r\n",
                b->session_url != NULL ? b->session_url : loopback_url(b->server));
}

/* "bytes 0-99/300", or "bytes *\/300" for a question. */
static void take_chunk(struct fake_bucket *b, struct exchange *x)
{
    struct view size, range = view_cut(exchange_header(x, "Content-Range"), '/', &size);
    uint64_t total = 0, first = 0;
    (void)view_to_u64(size, &total);
    if (b->upload.name == NULL)
        return; /* 404: the session is lost */
    if (x->body.len > 0) {
        (void)view_to_u64(view_cut(view_skip(range, strlen("bytes ")), '-', &range), &first);
        assert_true(first <= b->upload.bytes.len); /* bytes that are there already are not looked at */
        struct view more = view_skip(x->body, b->upload.bytes.len - (size_t)first);
        size_t length = b->upload_takes > 0 && b->upload_takes < more.len ? b->upload_takes : more.len;
        strbuf_add(&b->upload.bytes, more.ptr, length);
        b->upload_takes = 0;
    }
    if (b->is_upload_done) {
        reply_json(x, resource(fake_bucket_find(b, b->upload.name)));
        return;
    }
    if (b->upload.bytes.len == total) {
        create(b, x, &b->upload, b->upload_if_generation);
        b->is_upload_done = x->status == 200;
        return;
    }
    x->status = 308;
    if (b->upload.bytes.len > 0)
        strbuf_addf(&x->reply_headers, "Range: bytes=0-%zu\r\n", b->upload.bytes.len - 1);
}

static void route(struct fake_bucket *b, struct exchange *x)
{
    struct view target = view_from(x->target);
    if (view_has_prefix(target, SESSION_PATH)) {
        take_chunk(b, x);
    } else if (view_has_prefix(target, "/upload" OBJECTS "?uploadType=multipart")) {
        upload_multipart(b, x);
    } else if (view_has_prefix(target, "/upload" OBJECTS "?uploadType=resumable")) {
        open_session(b, x);
    } else if (view_has_prefix(target, OBJECTS "?")) {
        list(b, x);
    } else if (strstr(x->target, OBJECTS "/") != NULL) {
        char *name CLEANUP(cleanup_free) = name_in_path(x);
        const struct fake_object *o = fake_bucket_find(b, name);
        if (o != NULL && view_has_prefix(target, "/download"))
            download(o, x);
        else if (o != NULL)
            reply_json(x, resource(o));
    } else if (b->other != NULL) {
        b->other(b, x);
    }
}

static struct fake_fault *find_fault(struct fake_bucket *b, const struct exchange *x)
{
    struct view range = exchange_header(x, *x->method == 'G' ? "Range" : "Content-Range");
    char *text CLEANUP(cleanup_free) = xasprintf("%s %s %.*s", x->method, x->target, VIEW_ARG(range));
    for (size_t i = 0; i < FAKE_FAULTS_MAX; i++) {
        struct fake_fault *f = &b->faults[i];
        if (f->match != NULL && f->hits < f->times && strstr(text, f->match) != NULL)
            return f;
    }
    return NULL;
}

static void handle(void *context, struct exchange *x)
{
    struct fake_bucket *b = context;
    struct fake_fault *f = find_fault(b, x);
    b->requests++;
    free(b->last_headers);
    b->last_headers = view_dup(x->headers);
    if (f != NULL && f->before != NULL)
        f->before(b);
    if (f != NULL && f->status != 0)
        x->status = f->status;
    else
        route(b, x);
    if (f != NULL && f->after != NULL)
        f->after(x);
    if (f != NULL)
        f->hits++;
}

void fake_bucket_start(struct fake_bucket *b)
{
    b->server = loopback_start(handle, b);
    b->config = loopback_config(b->server);
}

void fake_bucket_stop(struct fake_bucket *b)
{
    loopback_stop(b->server);
    while (b->count > 0)
        object_fini(&b->objects[--b->count]);
    object_fini(&b->upload);
    free(b->last_headers);
}

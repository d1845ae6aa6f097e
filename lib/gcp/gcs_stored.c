#include "gcp/gcs_stored.h"

#include <string.h>

#include "base/alloc.h"
#include "base/codec.h"
#include "base/crc32c.h"
#include "data/js.h"
#include "gcp/gcs_int.h"
#include "gcp/gcs_read.h"
#include "net/url.h"

#include "base/banned.h"

/* ---- what is sent ---- */
char *gcs_stored_url(const struct gcs_bucket *b, const struct gcs_write *w, const char *type)
{
    char *base CLEANUP(cleanup_free) = gcs_url(b, "/upload", NULL);
    char *encoded CLEANUP(cleanup_free) = url_encode(w->name);
    if (w->if_generation == GCS_ANY_GENERATION)
        return xasprintf("%s?uploadType=%s&name=%s", base, type, encoded);
    return xasprintf("%s?uploadType=%s&name=%s&ifGenerationMatch=%llu", base, type, encoded,
                     (unsigned long long)w->if_generation);
}

/* Base64 of the checksum's four bytes, most significant first. */
static char *encode_crc(uint32_t crc)
{
    uint8_t b[4] = {(uint8_t)(crc >> 24), (uint8_t)(crc >> 16), (uint8_t)(crc >> 8), (uint8_t)crc};
    return base64_encode(b, sizeof(b));
}

char *gcs_stored_resource(const struct gcs_write *w, const uint32_t *crc)
{
    json_t *resource CLEANUP(js_free) =
        json_pack("{s:s,s:s}", "name", w->name, "contentType", "application/octet-stream");
    if (crc != NULL) {
        char *text CLEANUP(cleanup_free) = encode_crc(*crc);
        json_object_set_new(resource, "crc32c", json_string(text));
    }
    json_t *metadata = json_object();
    for (size_t i = 0; i < w->metadata_count; i++)
        json_object_set_new(metadata, w->metadata[i].key, json_string(w->metadata[i].value));
    json_object_set_new(resource, "metadata", metadata);
    return js_dump(resource);
}

/* ---- what the reply says ---- */
static int check_reply(struct gcs_stored *s, const struct gcs_object *o, struct err *e)
{
    if (strcmp(o->name, s->w->name) != 0)
        return REPLY_FAIL(&s->event, OTHER_NAME, e, "the reply describes another object, %s", o->name);
    s->replied = o->generation;
    if (o->size != s->size)
        return REPLY_FAIL(&s->event, OTHER_SIZE, e, "%llu bytes were stored instead of %llu",
                          (unsigned long long)o->size, (unsigned long long)s->size);
    if (!o->has_crc32c)
        return REPLY_FAIL(&s->event, NO_CHECKSUM, e, "the reply has no crc32c");
    if (o->crc32c != s->crc32c)
        return REPLY_FAIL(&s->event, DAMAGED, e, "the object was corrupted in transit to the bucket");
    s->generation = o->generation;
    return 0;
}

int gcs_stored_read(void *stored, const struct http_response *r, struct err *e)
{
    struct gcs_stored *s = stored;
    struct gcs_object o;
    json_t *resource CLEANUP(js_free) = gcs_parse(r, &s->event, e);
    if (resource == NULL || gcs_object_decode(resource, &o, &s->event, e) < 0)
        return -1;
    int result = check_reply(s, &o, e);
    gcs_object_fini(&o);
    return result;
}

/* ---- what the object says ---- */
static int add_to_crc(void *context, const void *bytes, size_t length, struct err *e)
{
    uint32_t *crc = context;
    (void)e;
    *crc = crc32c(*crc, bytes, length);
    return 0;
}

/* A server that tells no checksum has it computed from the object's bytes. */
static int learn_crc(const struct gcs_stored *s, struct gcs_object *o, struct err *e)
{
    if (o->has_crc32c)
        return 0;
    o->crc32c = 0;
    return gcs_read(s->b, o, (struct byte_sink){add_to_crc, &o->crc32c}, e);
}

static bool has_our_metadata(const struct gcs_stored *s, const json_t *metadata)
{
    for (size_t i = 0; i < s->w->metadata_count; i++) {
        const char *value = json_string_value(json_object_get(metadata, s->w->metadata[i].key));
        if (value == NULL || strcmp(value, s->w->metadata[i].value) != 0)
            return false;
    }
    return true;
}

/* Puts another error in the place of why it was looked up. */
static enum reply_action end_with(struct err *e, struct err *why)
{
    err_fini(e);
    err_move(e, why);
    return REPLY_FINAL;
}

static enum reply_action judge(struct gcs_stored *s, struct gcs_object *o, const json_t *metadata,
                               struct err *e)
{
    struct err why CLEANUP(err_fini) = {0};
    bool is_same = o->size == s->size && has_our_metadata(s, metadata);
    if (is_same && learn_crc(s, o, &why) < 0)
        return end_with(e, &why);
    if (is_same && o->crc32c == s->crc32c) {
        s->generation = o->generation;
        err_fini(e);
        return REPLY_ACCEPT;
    }
    if (o->generation == s->replied) {
        err_set(&why, ERR_PROTOCOL, NULL, "the object was corrupted in transit to the bucket");
        return end_with(e, &why);
    }
    /* The one that was to be replaced is still there, or nobody knows. */
    if (o->generation == s->w->if_generation || s->w->if_generation == GCS_ANY_GENERATION)
        return REPLY_AGAIN;
    err_set(&why, ERR_CONFLICT, NULL, "another version of the object exists");
    return end_with(e, &why);
}

enum reply_action gcs_stored_look_up(void *stored, struct err *e)
{
    struct gcs_stored *s = stored;
    struct err why CLEANUP(err_fini) = {0};
    json_t *metadata CLEANUP(js_free) = NULL;
    struct gcs_object o;
    bool may_be_absent = s->w->if_generation == 0 || s->w->if_generation == GCS_ANY_GENERATION;
    if (gcs_stat_with_metadata(s->b, s->w->name, &o, &metadata, &why) < 0) {
        if (why.code == ERR_NOT_FOUND && may_be_absent)
            return REPLY_AGAIN;
        if (why.code == ERR_NOT_FOUND)
            err_recode(&why, ERR_CONFLICT); /* the one that was to be replaced was deleted */
        return end_with(e, &why);
    }
    enum reply_action action = judge(s, &o, metadata, e);
    gcs_object_fini(&o);
    return action;
}

/* Descriptions of objects, as Cloud Storage sends them. Pure. */
#include "base/alloc.h"
#include "base/codec.h"
#include "data/js.h"
#include "gcp/gcs_int.h"

#include "base/banned.h"

/* Far above what Cloud Storage allows, and low enough that sums of sizes do not overflow. */
#define OBJECT_BYTES_MAX (1ULL << 50)

bool gcs_crc_decode(struct view text, uint32_t *ret)
{
    uint8_t b[4];
    size_t length;
    if (base64_decode(text, b, sizeof(b), &length) < 0 || length != sizeof(b))
        return false;
    *ret = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    return true;
}

int gcs_object_decode(const json_t *resource, struct gcs_object *ret, int *event, struct err *e)
{
    const char *name = js_text(resource, "name"), *sealed_name = js_text(resource, "metadata." GCS_NAME_HINT);
    int64_t size = js_int(resource, "size", -1), generation = js_int(resource, "generation", 0);
    struct gcs_object o = {.size = (uint64_t)size, .generation = (uint64_t)generation};
    if (*name == '\0')
        return REPLY_FAIL(event, INCOMPLETE, e, "the reply describes an object without a name");
    if (size < 0 || o.size > OBJECT_BYTES_MAX)
        return REPLY_FAIL(event, INCOMPLETE, e, "the reply gives no possible size for object %s", name);
    if (generation <= 0)
        return REPLY_FAIL(event, INCOMPLETE, e, "the reply gives no generation for object %s", name);
    o.name = xstrdup(name);
    o.has_crc32c = gcs_crc_decode(view_from(js_text(resource, "crc32c")), &o.crc32c);
    o.is_encoded = *js_text(resource, "contentEncoding") != '\0';
    o.key_id = (uint32_t)js_int(resource, "metadata." GCS_KEY_ID_HINT, 0);
    o.sealed_size = (uint64_t)js_int(resource, "metadata." GCS_SIZE_HINT, 0);
    o.sealed_name = *sealed_name != '\0' ? xstrdup(sealed_name) : NULL;
    *ret = o;
    return 0;
}

json_t *gcs_parse(const struct http_response *r, int *event, struct err *e)
{
    json_t *tree = js_parse(strbuf_view(&r->body), "the reply of Cloud Storage", e);
    if (tree == NULL) {
        *event = REPLY_NOT_JSON;
        return NULL;
    }
    if (json_is_object(tree))
        return tree;
    json_decref(tree);
    (void)REPLY_FAIL(event, NOT_JSON, e, "the reply of Cloud Storage is not a JSON object");
    return NULL;
}

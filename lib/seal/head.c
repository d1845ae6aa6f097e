#include "seal/head.h"

#include <string.h>

#include "base/alloc.h"
#include "data/js.h"
#include "gcp/gcs_read.h"
#include "gcp/gcs_write.h"

#include "base/banned.h"

enum { HEAD_MAX = 16 * 1024 };

void head_fini(struct head *h)
{
    manifest_ref_fini(&h->manifest);
    free(h->pod_uid);
    free(h->name);
    free(h->time);
    *h = (struct head){.generation = 0};
}

static bool is_hex(const char *text, size_t length)
{
    return strlen(text) == length && strspn(text, "0123456789abcdef") == length;
}

static int decode(struct view text, struct head *h, struct err *e)
{
    struct err ignored CLEANUP(err_fini) = {0};
    json_t *object CLEANUP(js_free) = js_parse(text, "HEAD", &ignored);
    const char *manifest = js_text(object, "manifest"), *id = js_text(object, "id"),
               *sum = js_text(object, "manifestSHA256");
    if (js_int(object, "version", 0) != 1 || !seal_path_is_safe(manifest) ||
        !view_has_suffix(view_from(manifest), "/manifest") || !is_hex(id, MANIFEST_ID_SIZE - 1) ||
        !is_hex(sum, SHA256_HEX_SIZE - 1))
        return FAIL(e, ERR_DATA_TAMPERED, "not a HEAD that Cloister wrote");
    h->manifest = (struct manifest_ref){xstrdup(manifest), xstrdup(id), xstrdup(sum)};
    h->attempt = js_int(object, "attempt", 0);
    h->pod_uid = xstrdup(js_text(object, "podUID"));
    h->name = xstrdup(js_text(object, "name"));
    h->step = js_int(object, "step", -1);
    h->time = xstrdup(js_text(object, "time"));
    return 0;
}

int head_read(const struct seal_context *c, struct head *ret, struct err *e)
{
    char *name CLEANUP(cleanup_free) = seal_object_name(c, "HEAD");
    struct strbuf text = STRBUF(HEAD_MAX);
    struct head h = {.generation = 0};
    int result = gcs_read_small(&c->bucket, name, &text, &h.generation, e);
    if (result == 0 && decode(strbuf_view(&text), &h, e) < 0) {
        char *uri CLEANUP(cleanup_free) = gcs_uri(c->bucket.name, name);
        err_recode(e, ERR_DATA_TAMPERED);
        err_name_object(e, uri);
        result = err_wrap(e, "%s", uri);
    }
    strbuf_fini(&text);
    if (result < 0 && e->code == ERR_NOT_FOUND) {
        err_fini(e);
        result = 0;
    } else if (result < 0 && e->code == ERR_DENIED) {
        err_recode(e, ERR_OUTPUT_DENIED); /* its reader is about to write beside it */
    }
    if (result == 0)
        *ret = h;
    else
        head_fini(&h);
    return result;
}

int head_move(const struct seal_context *c, struct head *h, struct err *e)
{
    char *name CLEANUP(cleanup_free) = seal_object_name(c, "HEAD");
    json_t *object CLEANUP(js_free) =
        json_pack("{s:i,s:s,s:s,s:s,s:I,s:s,s:s,s:I,s:s}", "version", 1, "manifest", h->manifest.name, "id",
                  h->manifest.id, "manifestSHA256", h->manifest.sha256, "attempt", (json_int_t)h->attempt,
                  "podUID", h->pod_uid, "name", h->name, "step", (json_int_t)h->step, "time", h->time);
    char *text CLEANUP(cleanup_free) = js_dump(object);
    struct gcs_write w = {.name = name, .if_generation = h->generation};
    if (gcs_write_small(&c->bucket, &w, view_from(text), &h->generation, e) == 0)
        return 0;
    if (e->code == ERR_CONFLICT || e->code == ERR_NOT_FOUND)
        err_recode(e, ERR_SUPERSEDED);
    else if (e->code == ERR_DENIED)
        err_recode(e, ERR_OUTPUT_DENIED);
    return -1;
}

#include "seal/head.h"

#include <string.h>

#include "base/alloc.h"
#include "data/js.h"
#include "seal/object.h"

#include "base/banned.h"

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

int head_decode(struct view text, struct head *ret, struct err *e)
{
    struct err ignored CLEANUP(err_fini) = {0};
    json_t *object CLEANUP(js_free) = js_parse(text, "HEAD", &ignored);
    const char *manifest = js_text(object, "manifest"), *id = js_text(object, "id"),
               *sum = js_text(object, "manifestSHA256");
    if (js_int(object, "version", 0) != 1 || !seal_path_is_safe(manifest) ||
        !view_has_suffix(view_from(manifest), "/manifest") || !is_hex(id, MANIFEST_ID_SIZE - 1) ||
        !is_hex(sum, SHA256_HEX_SIZE - 1))
        return FAIL(e, ERR_DATA_TAMPERED, "not a HEAD that Cloister wrote");
    *ret = (struct head){.manifest = {xstrdup(manifest), xstrdup(id), xstrdup(sum)},
                         .attempt = js_int(object, "attempt", 0),
                         .pod_uid = xstrdup(js_text(object, "podUID")),
                         .name = xstrdup(js_text(object, "name")),
                         .step = js_int(object, "step", -1),
                         .time = xstrdup(js_text(object, "time"))};
    return 0;
}

char *head_encode(const struct head *h)
{
    json_t *object CLEANUP(js_free) =
        json_pack("{s:i,s:s,s:s,s:s,s:I,s:s,s:s,s:I,s:s}", "version", 1, "manifest", h->manifest.name, "id",
                  h->manifest.id, "manifestSHA256", h->manifest.sha256, "attempt", (json_int_t)h->attempt,
                  "podUID", h->pod_uid, "name", h->name, "step", (json_int_t)h->step, "time", h->time);
    return js_dump(object);
}

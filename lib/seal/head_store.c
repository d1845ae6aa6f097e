#include "seal/head_store.h"

#include "base/alloc.h"
#include "gcp/gcs_read.h"
#include "gcp/gcs_write.h"

#include "base/banned.h"

enum { HEAD_MAX = 16 * 1024 };

int head_read(const struct seal_context *c, struct head *ret, struct err *e)
{
    char *name CLEANUP(cleanup_free) = seal_object_name(c, "HEAD");
    struct strbuf text = STRBUF(HEAD_MAX);
    struct head h = {.generation = 0};
    uint64_t generation = 0;
    int result = gcs_read_small(&c->bucket, name, &text, &generation, e);
    if (result == 0 && head_decode(strbuf_view(&text), &h, e) < 0) {
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
    h.generation = generation;
    if (result == 0)
        *ret = h;
    return result;
}

int head_move(const struct seal_context *c, struct head *h, struct err *e)
{
    char *name CLEANUP(cleanup_free) = seal_object_name(c, "HEAD");
    char *text CLEANUP(cleanup_free) = head_encode(h);
    struct gcs_write w = {.name = name, .if_generation = h->generation};
    if (gcs_write_small(&c->bucket, &w, view_from(text), &h->generation, e) == 0)
        return 0;
    if (e->code == ERR_CONFLICT || e->code == ERR_NOT_FOUND)
        err_recode(e, ERR_SUPERSEDED);
    else if (e->code == ERR_DENIED)
        err_recode(e, ERR_OUTPUT_DENIED);
    return -1;
}

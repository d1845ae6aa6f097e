#include "seal/marker.h"

#include "base/alloc.h"
#include "gcp/gcs_write.h"

#include "base/banned.h"

int seal_mark(const struct seal_context *c, struct err *e)
{
    char *name CLEANUP(cleanup_free) = seal_object_name(c, "writable");
    uint64_t generation = 0;
    struct gcs_write w = {.name = name, .if_generation = 0};
    if (gcs_write_small(&c->bucket, &w, view_from("{}"), &generation, e) == 0)
        return 0;
    if (e->code == ERR_CONFLICT) { /* an earlier attempt has written it */
        err_fini(e);
        return 0;
    }
    if (e->code == ERR_DENIED)
        err_recode(e, ERR_OUTPUT_DENIED);
    else if (e->code == ERR_NOT_FOUND)
        err_recode(e, ERR_OUTPUT_NOT_FOUND);
    return -1;
}

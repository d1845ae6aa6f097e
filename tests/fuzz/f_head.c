/* HEAD, which anybody with the bucket can write: what is accepted is written and read as the same. */
#include <string.h>

#include "base/alloc.h"
#include "fuzz.h"
#include "seal/head.h"
#include "seal/object.h"

#include "base/banned.h"

static void check_head(const struct head *h)
{
    CHECK(h->generation == 0 && seal_path_is_safe(h->manifest.name));
    CHECK(strlen(h->manifest.id) == MANIFEST_ID_SIZE - 1 &&
          strlen(h->manifest.sha256) == SHA256_HEX_SIZE - 1);
    CHECK(h->pod_uid != NULL && h->name != NULL && h->time != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct err e = {0};
    struct head h = {.generation = 77}, again;
    if (head_decode(view_of(bytes, length), &h, &e) < 0) {
        CHECK(e.code == ERR_DATA_TAMPERED && h.generation == 77 && h.name == NULL);
        fuzz_check_error(&e);
        return 0;
    }
    check_head(&h);
    char *text CLEANUP(cleanup_free) = head_encode(&h);
    CHECK(head_decode(view_from(text), &again, &e) == 0);
    check_head(&again);
    char *second CLEANUP(cleanup_free) = head_encode(&again);
    CHECK(strcmp(text, second) == 0);
    head_fini(&h);
    head_fini(&again);
    return 0;
}

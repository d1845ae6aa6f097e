#include "agent/staging.h"

#include <string.h>
#include <unistd.h>

#include "agentapi/pod.h"
#include "base/alloc.h"
#include "os/file.h"
#include "os/log.h"
#include "os/tree.h"
#include "seal/fetch.h"

#include "base/banned.h"

enum { SMALL_FILE = 64 * 1024 };

int stage_check_swap(struct err *e)
{
    struct err ignored CLEANUP(err_fini) = {0};
    char *swaps CLEANUP(cleanup_free) = file_read("/proc/swaps", SMALL_FILE, NULL, &ignored);
    struct view rest = view_from(swaps);
    (void)view_cut(rest, '\n', &rest); /* headings */
    /* A kernel without swap has no such file. If it cannot be read, swap must be assumed. */
    if (swaps == NULL ? ignored.code == ERR_NOT_FOUND : view_trim(rest).len == 0)
        return 0;
    err_fini(&ignored);
    char *limit CLEANUP(cleanup_free) =
        file_read("/sys/fs/cgroup/memory.swap.max", SMALL_FILE, NULL, &ignored);
    if (limit != NULL && view_equal_text(view_trim(view_from(limit)), "0"))
        return 0;
    return FAIL(e, ERR_SWAP_ENABLED,
                "the node has swap and the container may use it: plaintext could reach a disk");
}

/* Fails with the first object for which there is no space, before any of its bytes is fetched. */
static int reserve(struct staging *s, const struct seal_context *seal, const struct seal_set *set,
                   struct err *e)
{
    uint64_t limit = (uint64_t)s->assignment->input_limit_bytes;
    for (size_t i = 0; i < set->count; i++) {
        const struct seal_item *item = &set->items[i];
        if (item->plain_bytes > limit - s->used_bytes)
            return FAIL_OBJECT(
                e, ERR_INPUT_VOLUME_FULL, item->object.name,
                "no space left for gs://%s/%s (%llu bytes): inputs and restored checkpoint may "
                "have %llu bytes in all",
                seal->bucket.name, item->object.name, (unsigned long long)item->plain_bytes,
                (unsigned long long)limit);
        s->used_bytes += item->plain_bytes;
    }
    return 0;
}

int stage_fetch(struct staging *s, const struct seal_context *seal, const struct seal_set *set,
                const char *directory, struct err *e)
{
    if (reserve(s, seal, set, e) < 0 || file_make_directories(directory, 0700, e) < 0)
        return -1;
    return seal_fetch(seal, set, directory, (unsigned)s->assignment->connections, e);
}

static int stage_input(struct staging *s, const struct assignment_input *input, struct err *e)
{
    struct seal_set set = {.items = NULL};
    struct seal_context seal;
    char *directory CLEANUP(cleanup_free) = xasprintf(POD_IN_INPUTS "/%s", input->name);
    if (keyring_seal(s->keys, input->uri, input->key_name, &seal, e) < 0)
        return -1;
    int result = seal_set_list(&seal, input->associated_data, &set, e);
    if (result == 0)
        result = stage_fetch(s, &seal, &set, directory, e);
    if (result == 0) {
        char *bytes CLEANUP(cleanup_free) = xasprintf("%llu", (unsigned long long)set.plain_bytes);
        log_info("staged an input", "input", input->name, "bytes", bytes, NULL);
    }
    seal_set_fini(&set);
    seal_close(&seal);
    return result;
}

int stage_inputs(struct staging *s, struct err *e)
{
    /* An earlier run of this container may have left files, and the bucket may have changed since. */
    if (file_make_directories(POD_IN_INPUTS, 0700, e) < 0 || tree_empty(POD_IN_INPUTS, e) < 0 ||
        file_make_directories(POD_IN_RESTORE, 0700, e) < 0 || tree_empty(POD_IN_RESTORE, e) < 0)
        return -1;
    for (size_t i = 0; i < s->assignment->input_count; i++)
        if (stage_input(s, &s->assignment->inputs[i], e) < 0)
            return err_wrap(e, "input %s", s->assignment->inputs[i].name);
    return 0;
}

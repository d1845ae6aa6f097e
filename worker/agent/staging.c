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

struct staging staging_of(const struct assignment *assignment, const struct keyring *keys)
{
    return (struct staging){.assignment = assignment, .keys = keys, .room = input_room_of(assignment)};
}

void staging_fini(struct staging *s)
{
    for (size_t i = 0; s->inputs != NULL && i < s->assignment->input_count; i++)
        seal_set_fini(&s->inputs[i]);
    free(s->inputs);
    s->inputs = NULL;
}

/* ---- listing ---- */
static int empty(const char *directory, struct err *e)
{
    return file_make_directories(directory, 0700, e) < 0 ? -1 : tree_empty(directory, e);
}

static int list_input(const struct staging *s, size_t i, const struct footprint_room *room, struct err *e)
{
    const struct assignment_input *input = &s->assignment->inputs[i];
    struct seal_context seal;
    if (keyring_seal(s->keys, input->uri, input->key_name, &seal, e) < 0)
        return -1;
    int result = seal_set_list(&seal, input->associated_data, room, &s->inputs[i], e);
    seal_close(&seal);
    return result < 0 ? err_wrap(e, "input %s", input->name) : 0;
}

/* Counts what all of them need, also when the first has no room: a person raises the limit once. */
int stage_list_inputs(struct staging *s, struct err *e)
{
    struct footprint_room room = s->room;
    struct footprint all = {.files = 0};
    const char *largest = NULL;
    uint64_t largest_bytes = 0;
    /* An earlier run of this container may have left files, and the bucket may have changed since. */
    if (empty(POD_IN_INPUTS, e) < 0 || empty(POD_IN_RESTORE, e) < 0)
        return -1;
    s->inputs = xcalloc(s->assignment->input_count, sizeof(*s->inputs));
    for (size_t i = 0; i < s->assignment->input_count; i++) {
        const struct seal_set *set = &s->inputs[i];
        if (list_input(s, i, &room, e) < 0)
            return -1;
        footprint_add(&room.used, &set->footprint);
        footprint_add(&all, &set->footprint);
        if (largest == NULL || set->largest_bytes > largest_bytes) {
            largest = set->largest;
            largest_bytes = set->largest_bytes;
        }
    }
    if (input_room_check(&s->room, &all, largest, largest_bytes, e) < 0)
        return -1;
    s->room = room;
    return 0;
}

/* ---- fetching ---- */
int stage_fetch(const struct staging *s, const struct seal_context *seal, const struct seal_set *set,
                const char *directory, struct err *e)
{
    if (file_make_directories(directory, 0700, e) < 0)
        return -1;
    return seal_fetch(seal, set, directory, (unsigned)s->assignment->connections, e);
}

static int fetch_input(const struct staging *s, size_t i, struct err *e)
{
    const struct assignment_input *input = &s->assignment->inputs[i];
    const struct seal_set *set = &s->inputs[i];
    struct seal_context seal;
    char *directory CLEANUP(cleanup_free) = xasprintf(POD_IN_INPUTS "/%s", input->name);
    if (keyring_seal(s->keys, input->uri, input->key_name, &seal, e) < 0)
        return -1;
    int result = stage_fetch(s, &seal, set, directory, e);
    seal_close(&seal);
    if (result < 0)
        return err_wrap(e, "input %s", input->name);
    char *bytes CLEANUP(cleanup_free) = xasprintf("%llu", (unsigned long long)set->footprint.content_bytes);
    char *files CLEANUP(cleanup_free) = xasprintf("%zu", set->count);
    log_info("staged an input", "input", input->name, "files", files, "bytes", bytes, NULL);
    return 0;
}

int stage_fetch_inputs(const struct staging *s, struct err *e)
{
    for (size_t i = 0; i < s->assignment->input_count; i++)
        if (fetch_input(s, i, e) < 0)
            return -1;
    return 0;
}

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

static int fetch_into(struct staging *s, const struct seal_context *seal, const struct seal_set *set,
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
        result = fetch_into(s, &seal, &set, directory, e);
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

/* ---- restore ---- */
static int read_checkpoint(const struct assignment *assignment, const struct seal_context *seal,
                           const struct manifest_ref *at, struct manifest *ret, struct err *e)
{
    struct manifest m;
    if (manifest_read(seal, at, &m, e) < 0)
        return -1;
    if (strcmp(m.job_uid, assignment->job_uid) == 0 && strcmp(m.kind, "checkpoint") == 0) {
        *ret = m;
        return 0;
    }
    char *name CLEANUP(cleanup_free) = seal_object_name(seal, at->name);
    manifest_fini(&m);
    return FAIL_OBJECT(e, ERR_DATA_SWAPPED, name, "gs://%s/%s is not a checkpoint of this job",
                       seal->bucket.name, name);
}

static int rolled_back(const struct assignment *assignment, struct err *e)
{
    return FAIL_OBJECT(e, ERR_CHECKPOINT_ROLLED_BACK, assignment->checkpoints_uri,
                       "%sHEAD does not lead to the checkpoint that the job has committed, the one in "
                       "status.checkpoint with manifestSHA256 %s",
                       assignment->checkpoints_uri, assignment->checkpoints_anchor);
}

/* A committed checkpoint. */
struct found {
    struct manifest_ref at; /* its name is NULL: none was found */
    struct manifest manifest;
};

static void found_fini(struct found *f)
{
    manifest_ref_fini(&f->at);
    manifest_fini(&f->manifest);
}

/*
 * Follows the chain of manifests from HEAD to the newest one of an earlier attempt: worker 0 of our own
 * attempt may have started before us, and all workers of an attempt must begin at the same step. Anybody who
 * can write to the bucket can move HEAD, so it counts only when it leads to the assignment's anchor. Each
 * manifest pins its parent by digest, so the chain can neither be changed nor have a cycle.
 */
static int find_checkpoint(const struct staging *s, const struct seal_context *seal, const struct head *head,
                           struct found *ret, struct err *e)
{
    const char *anchor = s->assignment->checkpoints_anchor;
    bool is_anchored = *anchor == '\0';
    struct manifest_ref next = manifest_ref_copy(&head->manifest);
    while (next.name != NULL) {
        struct manifest m;
        is_anchored = is_anchored || strcmp(next.sha256, anchor) == 0;
        if (is_anchored && ret->at.name != NULL)
            break;
        if (read_checkpoint(s->assignment, seal, &next, &m, e) < 0) {
            manifest_ref_fini(&next);
            return -1;
        }
        struct manifest_ref parent = manifest_ref_copy(&m.parent);
        if (ret->at.name == NULL && m.attempt < s->assignment->attempt) {
            *ret = (struct found){next, m};
        } else {
            manifest_ref_fini(&next);
            manifest_fini(&m);
        }
        next = parent;
    }
    manifest_ref_fini(&next);
    return is_anchored ? 0 : rolled_back(s->assignment, e);
}

static int fetch_checkpoint(struct staging *s, const struct seal_context *seal, const struct found *found,
                            struct err *e)
{
    struct seal_set set = {.items = NULL};
    int result = manifest_objects(seal, &found->manifest, found->at.name, &set, e);
    if (result == 0)
        result = fetch_into(s, seal, &set, POD_IN_RESTORE, e);
    seal_set_fini(&set);
    return result;
}

int stage_restore(struct staging *s, const struct head *head, struct restored *ret, struct err *e)
{
    struct seal_context seal;
    struct found found = {.at = {.name = NULL}};
    *ret = (struct restored){.step = -1};
    if (head->generation == 0)
        return *s->assignment->checkpoints_anchor == '\0' ? 0 : rolled_back(s->assignment, e);
    if (keyring_seal(s->keys, s->assignment->checkpoints_uri, s->assignment->checkpoints_key, &seal, e) < 0)
        return -1;
    int result = find_checkpoint(s, &seal, head, &found, e);
    if (result == 0 && found.at.name != NULL)
        result = fetch_checkpoint(s, &seal, &found, e);
    if (result == 0 && found.at.name != NULL)
        *ret = (struct restored){xstrdup(found.manifest.name), found.manifest.step};
    found_fini(&found);
    seal_close(&seal);
    return result < 0 ? err_wrap(e, "restoring the checkpoint") : 0;
}

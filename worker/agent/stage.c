#include "agent/stage.h"

#include <string.h>
#include <unistd.h>

#include "agentapi/pod.h"
#include "base/alloc.h"
#include "net/http_session.h"
#include "os/file.h"
#include "os/log.h"
#include "os/tree.h"

#include "base/banned.h"

enum { SMALL_FILE = 64 * 1024 };

int stage_check_swap(struct err *e)
{
    struct err ignored CLEANUP(err_fini) = {0};
    char *swaps CLEANUP(cleanup_free) = file_read("/proc/swaps", SMALL_FILE, NULL, &ignored);
    struct view rest = view_from(swaps);
    (void)view_cut(rest, '\n', &rest); /* headings */
    /* A kernel without swap has no such file; one that cannot be read says nothing good. */
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

/* Says which object is the first that has no room, before a byte of it is fetched. */
static int reserve(const struct plan *plan, const struct seal_set *set, uint64_t *used, struct err *e)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct seal_item *item = &set->items[i];
        if (item->plain_bytes > plan->input_limit_bytes - *used)
            return FAIL_OBJECT(
                e, ERR_INPUT_VOLUME_FULL, item->object.name,
                "gs://%s/%s of %llu bytes has no room: inputs and restored checkpoint may have %llu bytes",
                item->object.bucket, item->object.name, (unsigned long long)item->plain_bytes,
                (unsigned long long)plan->input_limit_bytes);
        *used += item->plain_bytes;
    }
    return 0;
}

static int fetch_into(const struct plan *plan, const struct gcp_site *site, const struct keyset *ks,
                      const struct seal_set *set, const char *directory, uint64_t *used, struct err *e)
{
    if (reserve(plan, set, used, e) < 0 || file_make_directories(directory, 0700, e) < 0)
        return -1;
    return seal_fetch(site, ks, set, directory, plan->connections, e);
}

static int stage_input(const struct plan *plan, const struct gcp_site *site, const struct keyring *keys,
                       const struct plan_input *input, uint64_t *used, struct err *e)
{
    struct seal_set set = {.items = NULL};
    const struct keyset *ks = keyring_find(keys, input->key_name, e);
    char *directory CLEANUP(cleanup_free) = xasprintf(POD_IN_INPUTS "/%s", input->name);
    if (ks == NULL)
        return -1;
    struct http_session *s = http_session_new(site->tls);
    int result = seal_set_list(site, s, input->uri, input->associated_data, ks, &set, e);
    http_session_free(s);
    if (result == 0)
        result = fetch_into(plan, site, ks, &set, directory, used, e);
    if (result == 0) {
        char *bytes CLEANUP(cleanup_free) = xasprintf("%llu", (unsigned long long)set.plain_bytes);
        log_info("input staged", "input", input->name, "bytes", bytes, NULL);
    }
    seal_set_fini(&set);
    return result;
}

int stage_inputs(const struct plan *plan, const struct gcp_site *site, const struct keyring *keys,
                 uint64_t *ret_bytes, struct err *e)
{
    uint64_t used = 0;
    /* An agent that was killed here before may have left something, and the bucket may be another by now. */
    if (file_make_directories(POD_IN_INPUTS, 0700, e) < 0 || tree_empty(POD_IN_INPUTS, e) < 0 ||
        file_make_directories(POD_IN_RESTORE, 0700, e) < 0 || tree_empty(POD_IN_RESTORE, e) < 0)
        return -1;
    for (size_t i = 0; i < plan->input_count; i++)
        if (stage_input(plan, site, keys, &plan->inputs[i], &used, e) < 0)
            return err_wrap(e, "input %s", plan->inputs[i].name);
    *ret_bytes = used;
    return 0;
}

/* ---- restore ---- */

/* A manifest in the bucket, by what points to it. */
struct link {
    char *manifest, *id, *sha256; /* manifest: relative to the checkpoints' URI */
};

static void link_fini(struct link *l)
{
    free(l->manifest);
    free(l->id);
    free(l->sha256);
    *l = (struct link){.manifest = NULL};
}

/* "<attempt>/<id>/manifest" -> id */
static char *id_in(const char *manifest)
{
    struct view rest = view_from(manifest);
    (void)view_cut(rest, '/', &rest);
    return view_dup(view_cut(rest, '/', &rest));
}

static int read_link(const struct plan *plan, const struct gcp_site *site, struct http_session *s,
                     const struct keyset *ks, const char *bucket, const char *prefix, const struct link *at,
                     struct manifest *ret, struct err *e)
{
    char *name CLEANUP(cleanup_free) = xasprintf("%s%s", prefix, at->manifest);
    struct manifest m = {.kind = NULL};
    if (manifest_read(site, s, ks, bucket, name, at->id, at->sha256, &m, e) < 0)
        return -1;
    if (strcmp(m.job_uid, plan->job_uid) != 0 || strcmp(m.kind, "checkpoint") != 0) {
        manifest_fini(&m);
        return FAIL_OBJECT(e, ERR_DATA_SWAPPED, name, "gs://%s/%s is no checkpoint of this job", bucket,
                           name);
    }
    *ret = m;
    return 0;
}

static struct link link_to_parent(const struct manifest *m)
{
    return m->parent == NULL ? (struct link){.manifest = NULL}
                             : (struct link){xstrdup(m->parent), id_in(m->parent), xstrdup(m->parent_sha256)};
}

static int rolled_back(const struct plan *plan, struct err *e)
{
    return FAIL_OBJECT(e, ERR_CHECKPOINT_ROLLED_BACK, plan->checkpoints_uri,
                       "%sHEAD does not lead to the checkpoint that the job has committed, the one in "
                       "status.checkpoint with manifestSHA256 %s",
                       plan->checkpoints_uri, plan->checkpoints_anchor);
}

/*
 * Reads back from HEAD to the newest manifest of an attempt before ours: worker 0 of our own attempt may have
 * started before us, and all workers of an attempt must begin at the same step. HEAD is anybody's who may
 * write to the bucket, so it counts only when it leads to the plan's anchor. Each manifest pins the one
 * before it by its digest: there is no way around one, and no circle.
 */
static int find_checkpoint(const struct plan *plan, const struct gcp_site *site, struct http_session *s,
                           const struct keyset *ks, const char *bucket, const char *prefix, struct link *at,
                           struct manifest *ret, struct err *e)
{
    bool is_anchored = plan->checkpoints_anchor == NULL;
    struct link next = *at;
    *at = (struct link){.manifest = NULL};
    while (next.manifest != NULL) {
        struct manifest m = {.kind = NULL};
        is_anchored = is_anchored || strcmp(next.sha256, plan->checkpoints_anchor) == 0;
        if (is_anchored && ret->kind != NULL)
            break;
        if (read_link(plan, site, s, ks, bucket, prefix, &next, &m, e) < 0) {
            link_fini(&next);
            return -1;
        }
        struct link parent = link_to_parent(&m);
        if (ret->kind == NULL && m.attempt < plan->attempt) {
            *at = next;
            *ret = m;
        } else {
            link_fini(&next);
            manifest_fini(&m);
        }
        next = parent;
    }
    link_fini(&next);
    return is_anchored ? 0 : rolled_back(plan, e);
}

static int fetch_checkpoint(const struct plan *plan, const struct gcp_site *site, struct http_session *s,
                            const struct keyset *ks, const struct manifest *m, const char *bucket,
                            const char *name, uint64_t used, struct err *e)
{
    struct seal_set set = {.items = NULL};
    int result = manifest_set(site, s, m, bucket, name, &set, e);
    if (result == 0)
        result = fetch_into(plan, site, ks, &set, POD_IN_RESTORE, &used, e);
    seal_set_fini(&set);
    return result;
}

int stage_restore(const struct plan *plan, const struct gcp_site *site, const struct keyring *keys,
                  const struct head *head, uint64_t used_bytes, char **ret_name, int64_t *ret_step,
                  struct err *e)
{
    char *bucket CLEANUP(cleanup_free) = NULL, *prefix CLEANUP(cleanup_free) = NULL;
    const struct keyset *ks = keyring_find(keys, plan->checkpoints_key, e);
    struct manifest m = {.kind = NULL};
    *ret_name = NULL;
    if (head->generation == 0)
        return plan->checkpoints_anchor == NULL ? 0 : rolled_back(plan, e);
    if (ks == NULL || gcs_uri_parse(plan->checkpoints_uri, &bucket, &prefix, e) < 0)
        return -1;
    struct link at = {xstrdup(head->manifest), xstrdup(head->id), xstrdup(head->manifest_sha256)};
    struct http_session *s = http_session_new(site->tls);
    int result = find_checkpoint(plan, site, s, ks, bucket, prefix, &at, &m, e);
    if (result == 0 && m.kind != NULL) {
        char *name CLEANUP(cleanup_free) = xasprintf("%s%s", prefix, at.manifest);
        result = fetch_checkpoint(plan, site, s, ks, &m, bucket, name, used_bytes, e);
        if (result == 0) {
            *ret_name = xstrdup(m.name);
            *ret_step = m.step;
        }
    }
    http_session_free(s);
    link_fini(&at);
    manifest_fini(&m);
    return result < 0 ? err_wrap(e, "restoring the checkpoint") : 0;
}

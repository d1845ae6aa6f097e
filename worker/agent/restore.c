#include "agent/restore.h"

#include <string.h>

#include "agentapi/pod.h"
#include "base/alloc.h"
#include "checkpoint/ancestry.h"
#include "checkpoint/snapshot.h"
#include "os/log.h"
#include "seal/links.h"
#include "seal/manifest_store.h"

#include "base/banned.h"

void snapshot_found_fini(struct snapshot_found *f)
{
    manifest_ref_fini(&f->at);
    manifest_fini(&f->manifest);
}

/* Later snapshots refer to what is stored beside this one. */
static void name_folder(struct manifest *m, const char *name)
{
    size_t length = strlen(name) - strlen("/manifest");
    for (size_t i = 0; i < m->count; i++)
        if (m->entries[i].folder == NULL && m->entries[i].link == NULL)
            m->entries[i].folder = xstrndup(name, length);
}

/* What HEAD says of this pod counts from here on: before, it was only a reason to ask. */
static int check_head(const struct assignment *assignment, const struct seal_context *seal,
                      const struct head *head, const struct manifest *m, struct err *e)
{
    if (ancestry_check_head(seal, head, m, e) < 0)
        return -1;
    if (ancestry_is_replaced(head, assignment->attempt, assignment->index == 0 ? assignment->pod_uid : NULL))
        return ancestry_fail_replaced(head, assignment->attempt, e);
    return 0;
}

static int read_checkpoint(const struct assignment *assignment, const struct seal_context *seal,
                           const struct head *head, const struct manifest_ref *at, struct manifest *ret,
                           struct err *e)
{
    struct manifest m;
    if (ancestry_read(seal, assignment->job_uid, at, &m, e) < 0)
        return -1;
    if (strcmp(at->name, head->manifest.name) == 0 && check_head(assignment, seal, head, &m, e) < 0) {
        manifest_fini(&m);
        return -1;
    }
    name_folder(&m, at->name);
    *ret = m;
    return 0;
}

static int rolled_back(const struct assignment *assignment, struct err *e)
{
    return FAIL_OBJECT(e, ERR_CHECKPOINT_ROLLED_BACK, assignment->checkpoints_uri,
                       "%sHEAD does not lead to the checkpoint that the job has committed, the one in "
                       "status.checkpoint with manifestSHA256 %s",
                       assignment->checkpoints_uri, assignment->checkpoints_anchor);
}

/* This pod has committed it itself, before its agent was restarted. */
static bool is_own(const struct assignment *assignment, const struct head *head, const struct manifest *m)
{
    return m->attempt == assignment->attempt && strcmp(head->pod_uid, assignment->pod_uid) == 0;
}

static bool is_passed_over(const struct assignment *assignment, const struct manifest *m)
{
    const struct passed_over *passed = &assignment->checkpoints_passed_over;
    return m->attempt < passed->until_attempt && lineage_compare(manifest_lineage(m), passed->at) >= 0;
}

/* What a search that goes back from HEAD may still find. */
struct search {
    const struct assignment *assignment;
    const struct head *head;
    bool is_bounded; /* by `newest` */
    struct lineage newest;
};

/*
 * False: the snapshot is not to be restored, but perhaps one before it. What is newer than the one that it
 * builds on was passed over by its attempt, or is of a pod that had been replaced: that counts no more.
 */
static bool may_restore(struct search *s, const struct manifest *m)
{
    if (s->is_bounded && lineage_compare(manifest_lineage(m), s->newest) > 0)
        return false;
    if ((m->attempt < s->assignment->attempt || is_own(s->assignment, s->head, m)) &&
        !is_passed_over(s->assignment, m))
        return true;
    s->is_bounded = true;
    s->newest = m->base;
    return false;
}

/*
 * Follows the chain of manifests from HEAD to the newest one of an earlier attempt: worker 0 of our own
 * attempt may have started before us, and all workers of an attempt must begin at the same step. Anybody who
 * can write to the bucket can move HEAD, so it counts only when it leads to the assignment's anchor. Each
 * manifest pins its parent by digest, so the chain can neither be changed nor have a cycle.
 */
static int find_checkpoint(const struct assignment *assignment, const struct seal_context *seal,
                           const struct head *head, struct snapshot_found *ret, struct err *e)
{
    const char *anchor = assignment->checkpoints_anchor;
    bool is_anchored = *anchor == '\0';
    struct search search = {.assignment = assignment, .head = head};
    struct manifest_ref next = manifest_ref_copy(&head->manifest);
    while (next.name != NULL) {
        struct manifest m;
        is_anchored = is_anchored || strcmp(next.sha256, anchor) == 0;
        if (is_anchored && ret->at.name != NULL)
            break;
        if (read_checkpoint(assignment, seal, head, &next, &m, e) < 0) {
            manifest_ref_fini(&next);
            return -1;
        }
        struct manifest_ref parent = manifest_ref_copy(&m.parent);
        if (ret->at.name == NULL && may_restore(&search, &m)) {
            *ret = (struct snapshot_found){next, m};
        } else {
            manifest_ref_fini(&next);
            manifest_fini(&m);
        }
        next = parent;
    }
    manifest_ref_fini(&next);
    return is_anchored ? 0 : rolled_back(assignment, e);
}

int restore_find(const struct assignment *assignment, const struct keyring *keys, const struct head *head,
                 struct snapshot_found *ret, struct err *e)
{
    struct seal_context seal;
    struct snapshot_found found = {.at = {.name = NULL}};
    if (head->generation == 0 && *assignment->checkpoints_anchor != '\0')
        return rolled_back(assignment, e);
    if (keyring_seal(keys, assignment->checkpoints_uri, assignment->checkpoints_key, &seal, e) < 0)
        return -1;
    int result = find_checkpoint(assignment, &seal, head, &found, e);
    seal_close(&seal);
    if (result == 0)
        *ret = found;
    else
        snapshot_found_fini(&found);
    return result < 0 ? err_wrap(e, "looking for the newest checkpoint") : 0;
}

/* After a restart of the agent the snapshot may be our own, which the attempt did not begin with. */
void restore_report(const struct assignment *assignment, const struct snapshot_found *found,
                    struct report_writer *report)
{
    const struct manifest *m = &found->manifest;
    const struct manifest_entry *newest = snapshot_newest(m);
    if (newest == NULL || m->attempt >= assignment->attempt)
        return;
    /* One commit can hold several checkpoints; it is named after the newest of them. */
    bool is_of_commit = newest->attempt == m->attempt && newest->sequence == m->sequence;
    report_writer_restored(
        report, &(struct restored_ref){is_of_commit && *m->name != '\0' ? m->name : snapshot_name(newest),
                                       {newest->attempt, newest->sequence}});
}

static void say_left_out(struct report_writer *report, size_t count)
{
    char *sentence CLEANUP(cleanup_free) = xasprintf("%zu older checkpoint%s not in " TRAINER_RESTORE
                                                     ", because staging.inputLimit has no room for them.",
                                                     count, count == 1 ? " is" : "s are");
    log_warning("older checkpoints are not restored: staging.inputLimit has no room for them", NULL);
    report_writer_warning(report, sentence);
}

void restore_part_fini(struct restore_part *p)
{
    manifest_fini(&p->manifest);
}

static int check_room(const struct staging *s, const struct manifest *part, struct err *e)
{
    const struct footprint all = snapshot_footprint(part);
    const struct manifest_entry *largest = NULL;
    for (size_t i = 0; i < part->count; i++)
        if (largest == NULL || part->entries[i].sealed.plain_bytes > largest->sealed.plain_bytes)
            largest = &part->entries[i];
    if (largest == NULL ||
        input_room_check(&s->room, &all, largest->path, largest->sealed.plain_bytes, e) == 0)
        return 0;
    return err_wrap(e, "restoring the checkpoint");
}

/* The attempt's own snapshots begin with the whole one all the same. */
int restore_choose(const struct staging *s, const struct snapshot_found *found, struct restore_part *ret,
                   struct err *e)
{
    const struct manifest *m = &found->manifest;
    memcpy(ret->manifest.id, m->id, sizeof(ret->manifest.id));
    manifest_add_copies(&ret->manifest, m);
    ret->left_out = snapshot_fit(&ret->manifest, &s->room);
    return check_room(s, &ret->manifest, e);
}

int restore_fetch(const struct staging *s, const struct snapshot_found *found,
                  const struct restore_part *part, struct report_writer *report, struct err *e)
{
    const struct assignment *assignment = s->assignment;
    struct seal_set set = {.items = NULL};
    struct seal_context seal;
    if (found->at.name == NULL)
        return 0;
    if (keyring_seal(s->keys, assignment->checkpoints_uri, assignment->checkpoints_key, &seal, e) < 0)
        return -1;
    int result = manifest_objects(&seal, &part->manifest, found->at.name, &set, e);
    if (result == 0)
        result = stage_fetch(s, &seal, &set, POD_IN_RESTORE, e);
    if (result == 0)
        result = manifest_make_links(&part->manifest, POD_IN_RESTORE, 0700, e);
    seal_set_fini(&set);
    seal_close(&seal);
    if (result < 0)
        return err_wrap(e, "restoring the checkpoint");
    if (part->left_out > 0)
        say_left_out(report, part->left_out);
    log_info("restored a checkpoint", "name", found->manifest.name, NULL);
    return 0;
}

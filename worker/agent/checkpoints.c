#include "agent/checkpoints.h"

#include <string.h>

#include "agent/checkpoint_scanner.h"
#include "agentapi/pod.h"
#include "base/alloc.h"
#include "base/rfc3339.h"
#include "os/file.h"
#include "os/log.h"
#include "os/loop.h"
#include "seal/publish.h"

#include "base/banned.h"

enum { MOVE_TRIES = 10 };

struct checkpoints {
    const struct assignment *assignment;
    struct report_writer *report;
    struct scanner *scanner;
    struct seal_context seal; /* of the job's checkpoints */
    struct head head;
};

struct checkpoints *checkpoints_new(const struct assignment *assignment, const struct keyring *keys,
                                    struct report_writer *report, struct head *head, struct err *e)
{
    struct checkpoints *c = xcalloc(1, sizeof(*c));
    c->assignment = assignment;
    c->report = report;
    if (keyring_seal(keys, assignment->checkpoints_uri, assignment->checkpoints_key, &c->seal, e) == 0 &&
        file_make_directories(POD_OUT_CHECKPOINTS, 0700, e) == 0)
        c->scanner = scanner_new(POD_OUT_CHECKPOINTS, e);
    if (c->scanner == NULL) {
        checkpoints_free(c);
        return NULL;
    }
    c->head = *head;
    *head = (struct head){.generation = 0};
    return c;
}

void checkpoints_free(struct checkpoints *c)
{
    if (c == NULL)
        return;
    scanner_free(c->scanner);
    seal_close(&c->seal);
    head_fini(&c->head);
    free(c);
}

int checkpoints_hint_fd(const struct checkpoints *c)
{
    return scanner_hint_fd(c->scanner);
}

static void fill_manifest(const struct checkpoints *c, const char *name, struct manifest *m)
{
    char now[RFC3339_SIZE];
    rfc3339_format_seconds(clock_wall_us(), now);
    m->kind = xstrdup("checkpoint");
    m->job_namespace = xstrdup(c->assignment->job_namespace);
    m->job = xstrdup(c->assignment->job);
    m->job_uid = xstrdup(c->assignment->job_uid);
    m->attempt = c->assignment->attempt;
    m->index = c->assignment->index;
    m->name = xstrdup(name);
    m->step = scanner_step(name);
    m->time = xstrdup(now);
    m->parent = manifest_ref_copy(&c->head.manifest); /* none before the first checkpoint */
}

/*
 * Somebody else has moved HEAD. A pod of an older attempt that still runs may do so until our first
 * checkpoint, and is overruled. A newer attempt, or another pod in our place, overrules us.
 */
static int check_who_moved(struct checkpoints *c, struct err *e)
{
    struct head there;
    if (head_read(&c->seal, &there, e) < 0)
        return -1;
    bool is_ours = there.attempt == c->assignment->attempt && there.pod_uid != NULL &&
                   strcmp(there.pod_uid, c->assignment->pod_uid) == 0;
    if (there.attempt >= c->assignment->attempt && !is_ours) {
        int result =
            FAIL(e, ERR_SUPERSEDED, "attempt %lld has committed a checkpoint; this pod is of attempt %lld",
                 (long long)there.attempt, (long long)c->assignment->attempt);
        head_fini(&there);
        return result;
    }
    head_fini(&c->head);
    c->head = there;
    return 0;
}

static int move_head(struct checkpoints *c, const struct manifest *m, const struct publication *p,
                     struct err *e)
{
    for (int tries = 0;; tries++) {
        struct head next = {.manifest = manifest_ref_copy(&p->manifest),
                            .attempt = m->attempt,
                            .pod_uid = xstrdup(c->assignment->pod_uid),
                            .name = xstrdup(m->name),
                            .step = m->step,
                            .time = xstrdup(m->time),
                            .generation = c->head.generation};
        if (head_move(&c->seal, &next, e) == 0) {
            head_fini(&c->head);
            c->head = next;
            return 0;
        }
        head_fini(&next);
        if (e->code != ERR_SUPERSEDED || tries == MOVE_TRIES)
            return -1;
        err_fini(e);
        if (check_who_moved(c, e) < 0)
            return -1;
    }
}

/*
 * A file may be replaced while it is read: what was read is whole, and the new one is taken at the next look.
 * Files of a directory that do not belong together are no checkpoint.
 */
static int check_still_whole(const struct checkpoints *c, const char *name, uint64_t stamp,
                             const struct manifest *m, struct err *e)
{
    bool is_file = m->count == 1 && strcmp(m->entries[0].path, name) == 0;
    return is_file || scanner_stamp(c->scanner, name) == stamp
               ? 0
               : FAIL_OBJECT(e, ERR_OUTPUT_CHANGED, name, "the directory changed while it was being read");
}

static int commit(struct checkpoints *c, const char *name, struct err *e)
{
    struct manifest m = {.kind = NULL};
    struct publication p = {.uri = NULL};
    char *folder CLEANUP(cleanup_free) = xasprintf("%lld/", (long long)c->assignment->attempt);
    struct publish_source source = {.directory = POD_OUT_CHECKPOINTS, .entry = name, .folder = folder};
    uint64_t stamp = scanner_stamp(c->scanner, name);
    fill_manifest(c, name, &m);
    int result = seal_publish(&c->seal, &source, &m, &p, e);
    if (result == 0)
        result = check_still_whole(c, name, stamp, &m, e);
    if (result == 0)
        result = move_head(c, &m, &p, e);
    if (result == 0) {
        char *uri CLEANUP(cleanup_free) = xasprintf("%smanifest", p.uri);
        const struct checkpoint_ref committed = {.uri = uri,
                                                 .name = c->head.name,
                                                 .step = c->head.step,
                                                 .time = c->head.time,
                                                 .manifest_sha256 = c->head.manifest.sha256};
        report_writer_checkpoint(c->report, &committed);
        log_info("committed a checkpoint", "name", name, "manifest", uri, NULL);
        result = scanner_remove(c->scanner, name, stamp, e);
    }
    publication_fini(&p);
    manifest_fini(&m);
    return result < 0 ? err_wrap(e, "checkpoint %s", name) : 0;
}

int checkpoints_commit(struct checkpoints *c, bool is_final, struct err *e)
{
    char **names = NULL;
    size_t count = 0;
    if (scanner_scan(c->scanner, is_final, &names, &count, e) < 0)
        return -1;
    int result = 0;
    for (size_t i = 0; i < count; i++) {
        if (result == 0)
            result = commit(c, names[i], e);
        free(names[i]);
    }
    free(names);
    return result;
}

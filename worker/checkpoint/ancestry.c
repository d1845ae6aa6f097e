#include "checkpoint/ancestry.h"

#include <string.h>

#include "base/alloc.h"
#include "seal/manifest_store.h"

#include "base/banned.h"

int ancestry_read(const struct seal_context *c, const char *job_uid, const struct manifest_ref *at,
                  struct manifest *ret, struct err *e)
{
    struct manifest m;
    if (manifest_read(c, at, &m, e) < 0)
        return -1;
    if (strcmp(m.job_uid, job_uid) == 0 && strcmp(m.kind, "checkpoint") == 0) {
        *ret = m;
        return 0;
    }
    char *name CLEANUP(cleanup_free) = seal_object_name(c, at->name);
    manifest_fini(&m);
    return FAIL_OBJECT(e, ERR_DATA_SWAPPED, name, "gs://%s/%s is not a checkpoint of this job",
                       c->bucket.name, name);
}

int ancestry_check_head(const struct seal_context *c, const struct head *head, const struct manifest *m,
                        struct err *e)
{
    /* Manifests of earlier releases do not name their pod. */
    bool is_of_pod = *m->pod_uid == '\0' || strcmp(m->pod_uid, head->pod_uid) == 0;
    if (m->attempt == head->attempt && is_of_pod)
        return 0;
    char *name CLEANUP(cleanup_free) = seal_object_name(c, "HEAD");
    char *uri CLEANUP(cleanup_free) = gcs_uri(c->bucket.name, name);
    return FAIL_OBJECT(e, ERR_DATA_TAMPERED, uri,
                       "%s names attempt %lld and pod %s, but its manifest is of attempt %lld and pod %s",
                       uri, (long long)head->attempt, head->pod_uid, (long long)m->attempt, m->pod_uid);
}

bool ancestry_is_replaced(const struct head *head, int64_t attempt, const char *pod_uid)
{
    if (head->generation == 0)
        return false;
    bool is_other_pod = pod_uid != NULL && strcmp(head->pod_uid, pod_uid) != 0;
    return head->attempt > attempt || (head->attempt == attempt && is_other_pod);
}

int ancestry_fail_replaced(const struct head *head, int64_t attempt, struct err *e)
{
    if (head->attempt == attempt)
        return FAIL(e, ERR_SUPERSEDED, "another pod of attempt %lld has committed a checkpoint",
                    (long long)attempt);
    return FAIL(e, ERR_SUPERSEDED, "attempt %lld has committed a checkpoint; this pod is of attempt %lld",
                (long long)head->attempt, (long long)attempt);
}

#include "agent/destinations.h"

#include "agent/replacement.h"
#include "checkpoint/ancestry.h"
#include "seal/head_store.h"
#include "seal/marker.h"

#include "base/banned.h"

static int check_one(const struct gcp_config *gcp, const char *uri, struct err *e)
{
    struct seal_context seal;
    if (seal_open(&seal, gcp, uri, NULL, e) < 0)
        return -1;
    int result = seal_mark(&seal, e);
    seal_close(&seal);
    return result;
}

int destinations_check(const struct assignment *assignment, const struct gcp_config *gcp, struct err *e)
{
    if (*assignment->checkpoints_uri != '\0' && assignment->index == 0 &&
        check_one(gcp, assignment->checkpoints_uri, e) < 0)
        return err_wrap(e, "checkpoints");
    if (assignment->must_publish && check_one(gcp, assignment->output_uri, e) < 0)
        return err_wrap(e, "output");
    return 0;
}

int destinations_read_head(const struct assignment *assignment, const struct gcp_config *gcp,
                           struct report_writer *report, struct head *ret, struct err *e)
{
    struct seal_context seal;
    if (*assignment->checkpoints_uri == '\0')
        return 0;
    if (seal_open(&seal, gcp, assignment->checkpoints_uri, NULL, e) < 0)
        return -1;
    int result = head_read(&seal, ret, e);
    seal_close(&seal);
    if (result < 0)
        return -1;
    const char *pod_uid = assignment->index == 0 ? assignment->pod_uid : NULL;
    if (ancestry_is_replaced(ret, assignment->attempt, pod_uid) &&
        replacement_is_confirmed(assignment, report))
        return ancestry_fail_replaced(ret, assignment->attempt, e);
    return 0;
}

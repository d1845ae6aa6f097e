#include "agent/output.h"

#include "agentapi/pod.h"
#include "base/alloc.h"
#include "base/rfc3339.h"
#include "os/file.h"
#include "os/log.h"
#include "os/loop.h"

#include "base/banned.h"

static void fill_manifest(const struct plan *plan, struct manifest *m)
{
    char now[RFC3339_SIZE];
    rfc3339_format_seconds(clock_wall_us(), now);
    *m = (struct manifest){.kind = xstrdup("output"),
                           .job_namespace = xstrdup(plan->job_namespace),
                           .job = xstrdup(plan->job),
                           .job_uid = xstrdup(plan->job_uid),
                           .attempt = plan->attempt,
                           .index = plan->index,
                           .name = xstrdup(""),
                           .step = -1,
                           .time = xstrdup(now)};
}

int output_publish(const struct plan *plan, const struct keyring *keys, struct result *result, struct err *e)
{
    char *folder CLEANUP(cleanup_free) = xasprintf("worker-%lld/", (long long)plan->index);
    struct publish_source source = {.directory = POD_OUT_OUTPUT, .folder = folder};
    struct publication p = {.uri = NULL};
    struct seal_context seal;
    struct manifest m;
    if (file_make_directories(POD_OUT_OUTPUT, 0700, e) < 0 ||
        keyring_seal(keys, plan->output_uri, plan->output_key, &seal, e) < 0)
        return -1;
    fill_manifest(plan, &m);
    int published = seal_publish(&seal, &source, &m, &p, e);
    seal_close(&seal);
    if (published == 0) {
        result_output(result, &p);
        log_info("published output", "uri", p.uri, NULL);
    }
    publication_fini(&p);
    manifest_fini(&m);
    return published;
}

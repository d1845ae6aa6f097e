#include "agent/output.h"

#include "agentapi/pod.h"
#include "base/alloc.h"
#include "base/rfc3339.h"
#include "net/http_session.h"
#include "os/file.h"
#include "os/log.h"
#include "os/loop.h"

#include "base/banned.h"

int output_publish(const struct plan *plan, const struct gcp_site *site, const struct keyring *keys,
                   struct result *result, struct err *e)
{
    char *bucket CLEANUP(cleanup_free) = NULL, *folder CLEANUP(cleanup_free) = NULL;
    const struct keyset *ks = keyring_find(keys, plan->output_key, e);
    struct publication p = {.uri = NULL};
    struct manifest m = {.attempt = plan->attempt, .index = plan->index, .step = -1};
    char now[RFC3339_SIZE];
    if (ks == NULL || gcs_uri_parse(plan->output_uri, &bucket, &folder, e) < 0 ||
        file_make_directories(POD_OUT_OUTPUT, 0700, e) < 0)
        return -1;
    char *prefix CLEANUP(cleanup_free) = xasprintf("%sworker-%lld/", folder, (long long)plan->index);
    rfc3339_format_seconds(clock_wall_us(), now);
    m.kind = xstrdup("output");
    m.job_namespace = xstrdup(plan->job_namespace);
    m.job = xstrdup(plan->job);
    m.job_uid = xstrdup(plan->job_uid);
    m.name = xstrdup("");
    m.time = xstrdup(now);
    struct http_session *s = http_session_new(site->tls);
    int published = seal_publish(site, s, ks, POD_OUT_OUTPUT, NULL, bucket, prefix, &m, &p, e);
    http_session_free(s);
    if (published == 0) {
        result_output(result, &p);
        log_info("output published", "uri", p.uri, NULL);
    }
    publication_fini(&p);
    manifest_fini(&m);
    return published;
}

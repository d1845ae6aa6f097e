#include "agent/output.h"

#include "agentapi/pod.h"
#include "base/alloc.h"
#include "base/rfc3339.h"
#include "base/utf8.h"
#include "os/file.h"
#include "os/log.h"
#include "os/loop.h"
#include "seal/publish.h"

#include "base/banned.h"

static void fill_manifest(const struct assignment *assignment, struct manifest *m)
{
    char now[RFC3339_SIZE];
    rfc3339_format_seconds(clock_wall_us(), now);
    *m = (struct manifest){.kind = xstrdup("output"),
                           .job_namespace = xstrdup(assignment->job_namespace),
                           .job = xstrdup(assignment->job),
                           .job_uid = xstrdup(assignment->job_uid),
                           .pod_uid = xstrdup(assignment->pod_uid),
                           .attempt = assignment->attempt,
                           .index = assignment->index,
                           .name = xstrdup(""),
                           .step = -1,
                           .time = xstrdup(now)};
}

/* It succeeded, and a person should look at it all the same. */
static void warn(const struct manifest *m, const struct publication *p, struct report_writer *report)
{
    if (m->count == 0) {
        log_warning("the output is empty: the program has written nothing to " TRAINER_OUTPUT, NULL);
        report_writer_warning(report,
                              "The output is empty: the program has written nothing to " TRAINER_OUTPUT ".");
    }
    if (p->skipped_links == 0)
        return;
    char *path CLEANUP(cleanup_free) = xstrdup(p->skipped_link);
    utf8_sanitize(path);
    char *sentence CLEANUP(cleanup_free) = xasprintf(
        "%zu link%s out of " TRAINER_OUTPUT " %s not in the output, such as %.100s.", p->skipped_links,
        p->skipped_links == 1 ? " that leads" : "s that lead", p->skipped_links == 1 ? "is" : "are", path);
    log_warning("links that lead out of " TRAINER_OUTPUT " are not in the output", "path", path, NULL);
    report_writer_warning(report, sentence);
}

int output_publish(const struct assignment *assignment, const struct keyring *keys,
                   struct report_writer *report, struct err *e)
{
    char *folder CLEANUP(cleanup_free) = xasprintf("worker-%lld/", (long long)assignment->index);
    struct publish_source source = {.directory = POD_OUT_OUTPUT, .folder = folder};
    struct publication p = {.uri = NULL};
    struct seal_context seal;
    struct manifest m;
    if (file_make_directories(POD_OUT_OUTPUT, 0700, e) < 0 ||
        keyring_seal(keys, assignment->output_uri, assignment->output_key, &seal, e) < 0)
        return -1;
    fill_manifest(assignment, &m);
    int published = seal_publish(&seal, &source, &m, &p, e);
    seal_close(&seal);
    if (published == 0) {
        report_writer_output(report,
                             &(struct output_ref){.uri = p.uri, .manifest_sha256 = p.manifest.sha256});
        log_info("published output", "uri", p.uri, NULL);
        warn(&m, &p, report);
    }
    publication_fini(&p);
    manifest_fini(&m);
    return published < 0 ? err_wrap(e, TRAINER_OUTPUT) : 0;
}

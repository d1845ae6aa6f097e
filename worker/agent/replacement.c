#include "agent/replacement.h"

#include <unistd.h>

#include "agent/report_post.h"
#include "agentapi/pod.h"
#include "base/alloc.h"
#include "net/http_session.h"
#include "os/log.h"

#include "base/banned.h"

enum { TRIES = 3, PAUSE_SECONDS = 1, TIMEOUT_MS = 4 * 1000 };

/* The status of the answer; 0: there is none. */
static int post_once(struct http_session *session, const struct assignment *assignment,
                     struct report_writer *report)
{
    struct err e CLEANUP(err_fini) = {0};
    struct report_post post;
    struct http_response response;
    if (report_post_make(assignment, report_writer_text(report, NULL), &post, &e) < 0) {
        log_failure(LOG_LEVEL_WARNING, &e, "cannot ask the operator whether this pod was replaced", NULL);
        return 0;
    }
    post.request.total_timeout_ms = TIMEOUT_MS;
    http_response_init(&response);
    int result = http_perform(session, &post.request, &response, &e);
    if (result < 0)
        log_failure(LOG_LEVEL_WARNING, &e, "cannot ask the operator whether this pod was replaced", NULL);
    int status = result < 0 ? 0 : response.status;
    http_response_fini(&response);
    report_post_fini(&post);
    return status;
}

/* A standby answers with 503; the next connection may reach the leader. */
static int ask(const struct assignment *assignment, struct report_writer *report)
{
    const struct http_tls tls = report_post_tls(assignment);
    struct http_session *session = http_session_new(&tls);
    int status = 0;
    for (int i = 0; i < TRIES && (status == 0 || status >= 500); i++) {
        if (i > 0)
            sleep(PAUSE_SECONDS);
        status = post_once(session, assignment, report);
    }
    http_session_free(session);
    return status;
}

bool replacement_is_confirmed(const struct assignment *assignment, struct report_writer *report)
{
    int status = *assignment->reports_url != '\0' ? ask(assignment, report) : 0;
    char *text CLEANUP(cleanup_free) = xasprintf("%d", status);
    log_warning("HEAD says that this pod was replaced: asked the operator", "status", text, NULL);
    return status == REPORT_STATUS_REPLACED;
}

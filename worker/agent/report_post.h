/*
 * The request by which the agent posts its report: to the operator, with the pod's own
 * token. Used on the loop (agent/report_client.h) and by the work thread
 * (agent/replacement.h).
 */
#ifndef AGENT_REPORT_POST_H
#define AGENT_REPORT_POST_H

#include "agentapi/assignment.h"
#include "net/http.h"

struct report_post {
    struct secret token;
    char *url, *text;
    struct http_request request; /* refers to the others */
};

/* text is taken. The caller sets limits of time and frees *ret; a *ret that is all zero is fine. -1 when the
 * token cannot be read. */
int report_post_make(const struct assignment *assignment, char *text, struct report_post *ret,
                     struct err *e) MUST_CHECK;
void report_post_fini(struct report_post *p);
/* Whom to trust. Borrows from the assignment. */
struct http_tls report_post_tls(const struct assignment *assignment);

#endif

#include "agent/report_post.h"

#include <stdlib.h>

#include "agentapi/pod.h"
#include "base/alloc.h"
#include "os/file.h"

#include "base/banned.h"

#define TOKEN_FILE POD_REPORT_TOKEN "/" POD_REPORT_TOKEN_FILE

enum {
    TOKEN_MAX = 4 * 1024 - 1, /* of the locked memory, for a moment */
    ANSWER_MAX = 4096,
};

/* A new connection for each post: the operator has many agents, and the Service may select another replica.
 */
static const struct http_header headers[] = {{"Content-Type", "application/json"}, {"Connection", "close"}};

int report_post_make(const struct assignment *assignment, char *text, struct report_post *ret, struct err *e)
{
    *ret = (struct report_post){.text = text};
    if (file_read_secret(TOKEN_FILE, TOKEN_MAX, &ret->token, e) < 0) {
        report_post_fini(ret);
        return -1;
    }
    ret->url = xasprintf("%s" REPORT_PATH, assignment->reports_url);
    ret->request = (struct http_request){.method = "POST",
                                         .url = ret->url,
                                         .headers = headers,
                                         .header_count = ARRAY_LEN(headers),
                                         .bearer = &ret->token,
                                         .body = view_from(text),
                                         .max_body_bytes = ANSWER_MAX,
                                         .bypass_proxy = true};
    return 0;
}

void report_post_fini(struct report_post *p)
{
    secret_free(&p->token);
    free(p->url);
    free(p->text);
    *p = (struct report_post){.text = NULL};
}

struct http_tls report_post_tls(const struct assignment *assignment)
{
    return (struct http_tls){.ca_pem = *assignment->reports_ca != '\0' ? assignment->reports_ca : NULL};
}

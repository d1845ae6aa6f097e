#include "gcp/token_reply.h"

#include <string.h>

#include "data/js.h"
#include "os/loop.h"

#include "base/banned.h"

enum { LIFE_MAX_SECONDS = 366 * 86400 };

struct http_request metadata_token_request(const char *url)
{
    static const struct http_header FLAVOR = {"Metadata-Flavor", "Google"};
    return (struct http_request){.method = "GET",
                                 .url = url,
                                 .headers = &FLAVOR,
                                 .header_count = 1,
                                 .connect_timeout_ms = METADATA_CONNECT_MS,
                                 .total_timeout_ms = METADATA_TOTAL_MS,
                                 .bypass_proxy = true};
}

static int read_token(const char *url, const struct http_response *r, struct secret *ret,
                      int64_t *ret_good_until_ms, int *event, struct err *e)
{
    json_t *reply CLEANUP(js_free) = js_parse(strbuf_view(&r->body), url, e);
    if (reply == NULL) {
        *event = REPLY_NOT_JSON;
        return -1;
    }
    const char *token = js_text(reply, "access_token");
    int64_t seconds = js_int(reply, "expires_in", 0);
    if (*token == '\0' || seconds <= 0 || seconds > LIFE_MAX_SECONDS)
        return REPLY_FAIL(event, INCOMPLETE, e, "the reply of %s has no valid access token", url);
    secret_copy(ret, token, strlen(token));
    *ret_good_until_ms = clock_boot_ms() + seconds * 800;
    return 0;
}

/* The words are Google's own; tokens are refused in those of OAuth (RFC 6749, 5.2). */
static int refused(const char *url, const struct http_response *r, struct err *e)
{
    struct err ignored CLEANUP(err_fini) = {0};
    json_t *reply CLEANUP(js_free) = js_parse(strbuf_view(&r->body), "reply", &ignored);
    const char *why = js_text(reply, "error_description");
    return FAIL(e, ERR_PROTOCOL, "%s answered %d%s%s to the request for a token", url, r->status,
                *why != '\0' ? ": " : "", why);
}

enum reply_action token_reply_read(enum reply_kind kind, const char *url, const struct http_response *r,
                                   struct secret *ret, int64_t *ret_good_until_ms, struct err *e)
{
    int event = r->status;
    if (reply_rule(kind, r->status).action != REPLY_ACCEPT)
        (void)refused(url, r, e);
    else
        (void)read_token(url, r, ret, ret_good_until_ms, &event, e);
    enum reply_action action = reply_judge(kind, event, e);
    if (action != REPLY_ACCEPT)
        err_name_object(e, url);
    return action;
}

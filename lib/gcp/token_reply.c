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

static int refused(const char *url, const struct http_response *r, struct err *e)
{
    struct err ignored CLEANUP(err_fini) = {0};
    json_t *reply CLEANUP(js_free) = js_parse(strbuf_view(&r->body), "reply", &ignored);
    const char *why = js_text(reply, "error_description");
    bool is_final = r->status == 400 || r->status == 401 || r->status == 403 || r->status == 404;
    return FAIL_OBJECT(e, is_final ? ERR_IDENTITY_REFUSED : ERR_METADATA_UNAVAILABLE, url,
                       "%s answered %d%s%s to the request for a token", url, r->status,
                       *why != '\0' ? ": " : "", why);
}

int token_reply_read(const char *url, const struct http_response *r, struct secret *ret,
                     int64_t *ret_good_until_ms, struct err *e)
{
    if (r->status != 200)
        return refused(url, r, e);
    json_t *reply CLEANUP(js_free) = js_parse(strbuf_view(&r->body), url, e);
    if (reply == NULL)
        return -1;
    const char *token = js_text(reply, "access_token");
    int64_t seconds = js_int(reply, "expires_in", 0);
    if (*token == '\0' || seconds <= 0 || seconds > LIFE_MAX_SECONDS)
        return FAIL_OBJECT(e, ERR_PROTOCOL, url, "the reply of %s has no valid access token", url);
    secret_copy(ret, token, strlen(token));
    *ret_good_until_ms = clock_boot_ms() + seconds * 800;
    return 0;
}

#include "kobj/status.h"

#include <string.h>

#include "data/js.h"
#include "kobj/wire_meta.h"

#include "base/banned.h"

enum { FOREIGN_BODY_MAX = 200, STATUS_MAX = 64 * 1024 };

static enum err_code code_of(int http_status, const char *reason)
{
    switch (http_status) {
    case 401: return ERR_UNAUTHENTICATED;
    case 403: return ERR_DENIED;
    case 404: return ERR_NOT_FOUND;
    case 409: return strcmp(reason, "AlreadyExists") == 0 ? ERR_ALREADY_EXISTS : ERR_CONFLICT;
    case 410: return ERR_GONE;
    case 413: return ERR_TOO_LARGE;
    case 429: return ERR_THROTTLED;
    case 504: return ERR_TIMED_OUT;
    default: return http_status >= 500 ? ERR_UNAVAILABLE : ERR_INVALID;
    }
}

int status_object_to_err(const json_t *status, struct err *e)
{
    const char *reason = js_text(status, "reason"), *message = js_text(status, "message");
    return FAIL(e, code_of((int)js_int(status, "code", 500), reason), "%s",
                *message != '\0' ? message : reason);
}

/* NULL when the body is not a Status. */
static json_t *parse(struct view body)
{
    struct strbuf text CLEANUP(strbuf_fini) = STRBUF(STATUS_MAX);
    struct view message;
    if (!wire_open(body, &message))
        return js_parse(body, "the answer", NULL);
    if (wire_to_json(&wire_status, message, &text, NULL) < 0)
        return NULL;
    return js_parse(strbuf_view(&text), "the answer", NULL);
}

int status_to_err(int http_status, struct view body, struct err *e)
{
    json_t *status CLEANUP(js_free) = parse(body);
    const char *message = js_text(status, "message");
    enum err_code code = code_of(http_status, js_text(status, "reason"));
    if (*message != '\0')
        return FAIL(e, code, "%s", message);
    body.len = body.len < FOREIGN_BODY_MAX ? body.len : FOREIGN_BODY_MAX;
    body = view_trim(body);
    return FAIL(e, code, "HTTP status %d: %.*s", http_status, VIEW_ARG(body));
}

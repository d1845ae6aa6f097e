#include "net/url.h"

#include <string.h>

#include "base/banned.h"

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void url_add_encoded(struct strbuf *sb, struct view v)
{
    for (size_t i = 0; i < v.len; i++) {
        if (is_unreserved(v.ptr[i]))
            strbuf_add_char(sb, v.ptr[i]);
        else
            strbuf_addf(sb, "%%%02X", (unsigned char)v.ptr[i]);
    }
}

char *url_encode(const char *text)
{
    struct view v = view_from(text);
    struct strbuf sb = STRBUF(v.len * 3 + 1);
    url_add_encoded(&sb, v);
    return strbuf_take(&sb);
}

static int parse_authority(struct view authority, struct url *url)
{
    size_t host = authority.len;
    if (authority.len > 0 && authority.ptr[0] == '[') {
        const char *end = memchr(authority.ptr, ']', authority.len);
        if (end == NULL)
            return -1;
        host = (size_t)(end - authority.ptr) + 1;
    } else {
        const char *colon = authority.len == 0 ? NULL : memchr(authority.ptr, ':', authority.len);
        host = colon == NULL ? authority.len : (size_t)(colon - authority.ptr);
    }
    url->host = view_of(authority.ptr, host);
    struct view port = view_skip(authority, host);
    uint64_t number = 0;
    if (port.len == 0)
        return host == 0 ? -1 : 0;
    if (port.ptr[0] != ':' || !view_to_u64(view_skip(port, 1), &number) || number == 0 || number > 65535)
        return -1;
    url->port = (unsigned)number;
    return host == 0 ? -1 : 0;
}

int url_parse(const char *text, struct url *ret, struct err *e)
{
    struct url url = {.port = 443};
    struct view rest = view_from(text);
    if (view_has_prefix(rest, "https://")) {
        url.scheme = view_of(text, 5);
    } else if (view_has_prefix(rest, "http://")) {
        url.scheme = view_of(text, 4);
        url.port = 80;
    } else {
        return FAIL_OBJECT(e, ERR_INVALID, text, "'%s' must start with https:// or http://", text);
    }
    rest = view_skip(rest, url.scheme.len + 3);
    size_t authority = strcspn(rest.ptr, "/?#");
    url.path = rest.ptr + authority;
    if (memchr(rest.ptr, '@', authority) != NULL || parse_authority(view_of(rest.ptr, authority), &url) < 0)
        return FAIL_OBJECT(e, ERR_INVALID, text, "'%s' has no valid host and port", text);
    *ret = url;
    return 0;
}

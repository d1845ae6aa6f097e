#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "net/http_int.h"
#include "net/ranges.h"
#include "net/url.h"

#include "base/banned.h"

enum {
    CONNECT_TIMEOUT_MS = 10 * 1000,
    IDLE_TIMEOUT_MS = 30 * 1000,
};

int transfer_idle_ms(const struct transfer *t)
{
    return t->q->idle_timeout_ms != 0 ? t->q->idle_timeout_ms : IDLE_TIMEOUT_MS;
}

const char *transfer_label(const struct transfer *t)
{
    return t->q->label != NULL ? t->q->label : t->q->url;
}

/* ---- callbacks ---- */
/* Interim responses ("100 Continue") count as well: a server may send any number of them. */
static bool is_head_too_long(struct transfer *t, size_t length)
{
    t->head_bytes += length;
    if (t->head_bytes <= HTTP_HEADERS_MAX)
        return false;
    err_set(&t->error, ERR_PROTOCOL, transfer_label(t),
            "%s %s: the headers of the response are larger than %d bytes", t->q->method, transfer_label(t),
            HTTP_HEADERS_MAX);
    return true;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *t = context;
    if (is_head_too_long(t, size * count))
        return CURL_WRITEFUNC_ERROR;
    http_response_add_line(t->r, view_of(bytes, size * count));
    return size * count;
}

static int read_status(struct transfer *t)
{
    long status = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    t->r->status = (int)status;
    return t->r->status;
}

static bool is_cancelled(const struct transfer *t)
{
    return t->is_cancelled != NULL && *t->is_cancelled;
}

static int call_on_head(struct transfer *t)
{
    if (t->is_head_seen || is_cancelled(t))
        return 0;
    t->is_head_seen = true;
    return t->q->on_head == NULL ? 0 : t->q->on_head(t->q->context, t->r, &t->error);
}

/* Keeps the beginning of a body, and ends the transfer where it is full. */
static size_t buffer_body(struct transfer *t, const char *bytes, size_t length)
{
    struct strbuf *body = &t->r->body;
    size_t room = body->max - body->len;
    strbuf_add(body, bytes, length < room ? length : room);
    if (length <= room)
        return length;
    if (t->r->status >= 200 && t->r->status < 300)
        err_set(&t->error, ERR_TOO_LARGE, transfer_label(t), "the response is larger than %zu bytes",
                body->max);
    else
        t->is_body_cut = true;
    return CURL_WRITEFUNC_ERROR;
}

static size_t on_write(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *t = context;
    size_t length = size * count;
    int status = read_status(t);
    if (is_cancelled(t))
        return CURL_WRITEFUNC_ERROR;
    if (t->q->on_body != NULL && status >= 200 && status < 300) {
        if (call_on_head(t) < 0 || t->q->on_body(t->q->context, bytes, length, &t->error) < 0)
            return CURL_WRITEFUNC_ERROR;
        return length;
    }
    return buffer_body(t, bytes, length);
}

static size_t on_read(char *out, size_t size, size_t count, void *context)
{
    struct transfer *t = context;
    size_t capacity = size * count, length = 0;
    if (t->q->read_body != NULL) {
        if (t->q->read_body(t->q->context, out, capacity, &length, &t->error) < 0)
            return CURL_READFUNC_ABORT;
        return length;
    }
    struct view left = view_skip(t->q->body, t->sent);
    length = left.len < capacity ? left.len : capacity;
    if (length > 0)
        memcpy(out, left.ptr, length);
    t->sent += length;
    return length;
}

/* libcurl sends the body again when a kept connection turns out to be closed. */
static int on_seek(void *context, curl_off_t offset, int origin)
{
    struct transfer *t = context;
    if (t->q->read_body != NULL || origin != SEEK_SET || offset < 0 || (size_t)offset > t->q->body.len)
        return CURL_SEEKFUNC_CANTSEEK;
    t->sent = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

static void note_refused(struct transfer *t, const struct sockaddr *address)
{
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
    if (address->sa_family == AF_INET) {
        memcpy(&ipv4, address, sizeof(ipv4));
        inet_ntop(AF_INET, &ipv4.sin_addr, t->refused, sizeof(t->refused));
    } else {
        memcpy(&ipv6, address, sizeof(ipv6));
        inet_ntop(AF_INET6, &ipv6.sin6_addr, t->refused, sizeof(t->refused));
    }
}

/* Called with each address that the name resolved to, so nothing can change between check and use.
 * Close-on-exec, unlike libcurl's own sockets: child processes must not inherit the connection. */
static curl_socket_t on_open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *t = context;
    (void)purpose;
    if (t->q->refused != NULL && ranges_contain(t->q->refused, &address->addr)) {
        note_refused(t, &address->addr);
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* ---- options ---- */
static void add_header(struct transfer *t, const char *line)
{
    t->headers = curl_slist_append(t->headers, line);
}

/* libcurl keeps a copy in ordinary memory and wipes it when it is freed, so ordinary memory will do here too.
 */
static void add_secret_header(struct transfer *t, const char *name, const struct secret *value)
{
    size_t length = strlen(name), size = length + value->len + 1;
    char *line = xcalloc(1, size);
    memcpy(line, name, length);
    memcpy(line + length, value->bytes, value->len);
    add_header(t, line);
    secret_wipe(line, size);
    free(line);
}

static void set_headers(struct transfer *t)
{
    for (size_t i = 0; i < t->q->header_count; i++) {
        /* libcurl drops a header without a value unless it ends in a semicolon. */
        const char *value = t->q->headers[i].value;
        char *line CLEANUP(cleanup_free) = *value == '\0' ? xasprintf("%s;", t->q->headers[i].name)
                                                          : xasprintf("%s: %s", t->q->headers[i].name, value);
        add_header(t, line);
    }
    if (t->q->bearer != NULL)
        add_secret_header(t, "Authorization: Bearer ", t->q->bearer);
    else if (t->q->authorization != NULL)
        add_secret_header(t, "Authorization: ", t->q->authorization);
    add_header(t, "Expect:"); /* never wait for "100 Continue" */
    curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
}

static void set_method(struct transfer *t)
{
    bool has_body = t->q->read_body != NULL || t->q->body.len > 0;
    uint64_t length = t->q->read_body != NULL ? t->q->body_length : t->q->body.len;
    if (strcmp(t->q->method, "GET") == 0 && !has_body) {
        curl_easy_setopt(t->easy, CURLOPT_HTTPGET, 1L);
        return;
    }
    if (strcmp(t->q->method, "HEAD") == 0) {
        curl_easy_setopt(t->easy, CURLOPT_NOBODY, 1L);
        return;
    }
    /* UPLOAD sends Content-Length and reads the body by callback; CUSTOMREQUEST then sets the method. */
    if (has_body || strcmp(t->q->method, "DELETE") != 0) {
        curl_easy_setopt(t->easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(t->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)length);
    }
    curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, t->q->method);
}

static void set_callbacks(struct transfer *t)
{
    curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_write);
    curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(t->easy, CURLOPT_READDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_SEEKFUNCTION, on_seek);
    curl_easy_setopt(t->easy, CURLOPT_SEEKDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->text);
    curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETDATA, t);
}

static void set_limits(struct transfer *t)
{
    int connect_ms = t->q->connect_timeout_ms > 0 ? t->q->connect_timeout_ms : CONNECT_TIMEOUT_MS;
    curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, (long)t->q->total_timeout_ms);
    curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(t->easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(t->easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(t->easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    if (t->q->bypass_proxy || t->q->refused != NULL)
        curl_easy_setopt(t->easy, CURLOPT_NOPROXY, "*");
    strbuf_init(&t->r->body, t->q->max_body_bytes > 0 ? t->q->max_body_bytes : HTTP_BODY_MAX);
}

/* With a server name, the URL gets that name, and CONNECT_TO the address of the original URL. */
static int set_url(struct transfer *t, const struct http_tls *tls, struct err *e)
{
    if (tls == NULL || tls->server_name == NULL) {
        curl_easy_setopt(t->easy, CURLOPT_URL, t->q->url);
        return 0;
    }
    struct url url;
    if (url_parse(t->q->url, &url, e) < 0)
        return -1;
    char *renamed CLEANUP(cleanup_free) =
        xasprintf("%.*s://%s:%u%s", VIEW_ARG(url.scheme), tls->server_name, url.port, url.path);
    char *connect_to CLEANUP(cleanup_free) =
        xasprintf("%s:%u:%.*s:%u", tls->server_name, url.port, VIEW_ARG(url.host), url.port);
    t->connect_to = curl_slist_append(NULL, connect_to);
    curl_easy_setopt(t->easy, CURLOPT_CONNECT_TO, t->connect_to);
    curl_easy_setopt(t->easy, CURLOPT_URL, renamed);
    return 0;
}

int transfer_begin(struct transfer *t, const struct http_tls *tls, struct err *e)
{
    t->headers = NULL;
    t->connect_to = NULL;
    t->sent = t->head_bytes = 0;
    t->is_head_seen = t->is_body_cut = false;
    t->refused[0] = '\0';
    t->text[0] = '\0';
    http_response_fini(t->r);
    set_limits(t);
    set_callbacks(t);
    set_method(t);
    set_headers(t);
    if (set_url(t, tls, e) < 0 || tls_apply(t->easy, tls, e) < 0) {
        curl_slist_free_all(t->headers);
        curl_slist_free_all(t->connect_to);
        return -1;
    }
    return 0;
}

static enum err_code code_of(CURLcode code)
{
    switch ((int)code) {
    case CURLE_OPERATION_TIMEDOUT: return ERR_TIMED_OUT;
    case CURLE_ABORTED_BY_CALLBACK: return ERR_CANCELLED;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_UNSUPPORTED_PROTOCOL: return ERR_PROTOCOL;
    case CURLE_URL_MALFORMAT: return ERR_INVALID;
    default: return ERR_UNAVAILABLE; /* also a failed handshake; certificates have codes of their own */
    }
}

int transfer_end(struct transfer *t, CURLcode code, struct err *e)
{
    read_status(t);
    curl_slist_free_all(t->headers);
    curl_slist_free_all(t->connect_to);
    t->headers = t->connect_to = NULL;
    if (t->error.code == ERR_NONE && code == CURLE_OK && t->q->on_body != NULL && t->r->status >= 200 &&
        t->r->status < 300)
        (void)!call_on_head(t); /* an empty body; the error is handled below */
    if (t->error.code != ERR_NONE) {
        err_move(e, &t->error);
        return -1;
    }
    if (code == CURLE_OK || t->is_body_cut)
        return 0;
    const char *label = transfer_label(t);
    if (code == CURLE_COULDNT_CONNECT && *t->refused != '\0')
        return FAIL_OBJECT(e, ERR_DENIED, label, "%s %s: its address %s is in a refused range", t->q->method,
                           label, t->refused);
    return FAIL_OBJECT(e, code_of(code), label, "%s %s: %s", t->q->method, label,
                       *t->text != '\0' ? t->text : curl_easy_strerror(code));
}

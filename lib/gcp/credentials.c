#include "gcp/credentials.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "crypt/jwt.h"
#include "data/js.h"
#include "gcp/token_reply.h"
#include "net/http_session.h"
#include "net/url.h"
#include "os/file.h"
#include "os/loop.h"

#include "base/banned.h"

#define METADATA_HOST "169.254.169.254"
#define TOKEN_URI     "https://oauth2.googleapis.com/token"

enum { FILE_MAX = 64 * 1024, TOKEN_TRY_MS = 30 * 1000 };

enum source { SOURCE_METADATA, SOURCE_SERVICE_ACCOUNT, SOURCE_USER };

/* The credentials are one of its holders until the token is replaced or forgotten. */
struct held_token {
    struct secret secret;
    unsigned holders;
};

struct credentials {
    enum source source;
    char *token_url; /* token endpoint, or the metadata server's token URL */
    char *account;
    json_t *file;               /* credentials file */
    const struct http_tls *tls; /* borrowed */
    struct gcp_retry_policy retry;

    pthread_mutex_t lock;
    struct held_token *token; /* NULL: none yet */
    int64_t good_until_ms;    /* CLOCK_BOOTTIME */
};

static struct credentials *credentials_make(enum source source)
{
    struct credentials *c = xcalloc(1, sizeof(*c));
    c->source = source;
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

struct credentials *credentials_from_metadata(const char *endpoint, const struct gcp_retry_policy *retry)
{
    struct credentials *c = credentials_make(SOURCE_METADATA);
    c->token_url = xasprintf("%s" METADATA_TOKEN_PATH, endpoint);
    c->account = xstrdup("");
    c->retry = *retry;
    return c;
}

static void drop(struct held_token *token)
{
    if (token == NULL || --token->holders > 0)
        return;
    secret_free(&token->secret);
    free(token);
}

void credentials_free(struct credentials *c)
{
    if (c == NULL)
        return;
    drop(c->token);
    json_decref(c->file);
    free(c->token_url);
    free(c->account);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

const char *credentials_quota_project(const struct credentials *c)
{
    return c->source == SOURCE_USER ? js_text(c->file, "quota_project_id") : "";
}

void credentials_forget_token(struct credentials *c)
{
    pthread_mutex_lock(&c->lock);
    drop(c->token);
    c->token = NULL;
    pthread_mutex_unlock(&c->lock);
}

/* ---- Application Default Credentials ---- */
static struct credentials *credentials_from_file(const char *path, const struct credentials_options *options,
                                                 struct err *e)
{
    size_t length = 0;
    char *text = file_read(path, FILE_MAX, &length, e);
    if (text == NULL)
        return NULL;
    json_t *file = js_parse(view_of(text, length), path, e);
    secret_wipe(text, length);
    free(text);
    if (file == NULL)
        return NULL;
    const char *type = js_text(file, "type");
    bool is_service_account = strcmp(type, "service_account") == 0;
    if (!is_service_account && strcmp(type, "authorized_user") != 0) {
        err_set(e, ERR_INVALID, path,
                "unsupported credentials type \"%s\" in %s (supported: service_account, authorized_user)",
                type, path);
        json_decref(file);
        return NULL;
    }
    struct credentials *c = credentials_make(is_service_account ? SOURCE_SERVICE_ACCOUNT : SOURCE_USER);
    const char *uri = js_text(file, "token_uri");
    c->file = file;
    c->tls = options->tls;
    c->retry = options->retry;
    c->account = xstrdup(js_text(file, is_service_account ? "client_email" : "account"));
    c->token_url = xstrdup(options->token_uri != NULL && *options->token_uri != '\0' ? options->token_uri
                           : *uri != '\0'                                            ? uri
                                                                                     : TOKEN_URI);
    return c;
}

struct credentials *credentials_find(const struct credentials_options *options, struct err *e)
{
    if (options->credentials_file != NULL && *options->credentials_file != '\0')
        return credentials_from_file(options->credentials_file, options, e);
    char *path CLEANUP(cleanup_free) =
        options->config_directory != NULL && *options->config_directory != '\0'
            ? xasprintf("%s/application_default_credentials.json", options->config_directory)
            : xasprintf("%s/.config/gcloud/application_default_credentials.json",
                        options->home != NULL ? options->home : "");
    if (access(path, R_OK) == 0)
        return credentials_from_file(path, options, e);
    const char *host = options->metadata_host != NULL && *options->metadata_host != '\0'
                           ? options->metadata_host
                           : METADATA_HOST;
    char *endpoint CLEANUP(cleanup_free) = xasprintf("http://%s", host);
    return credentials_from_metadata(endpoint, &(struct gcp_retry_policy){.total_ms = 0});
}

/* ---- fetching tokens ---- */
static enum reply_action take_token(struct credentials *c, enum reply_kind kind,
                                    const struct http_response *r, struct err *e)
{
    struct secret token = {0};
    enum reply_action action = token_reply_read(kind, c->token_url, r, &token, &c->good_until_ms, e);
    if (action != REPLY_ACCEPT)
        return action;
    drop(c->token);
    c->token = xcalloc(1, sizeof(*c->token));
    c->token->holders = 1;
    secret_move(&c->token->secret, &token);
    return REPLY_ACCEPT;
}

/* The most that one try may take; usual is what it takes without a policy. */
static int try_ms(const struct credentials *c, int usual)
{
    return c->retry.try_ms > 0 && c->retry.try_ms < usual ? c->retry.try_ms : usual;
}

static int ask_metadata(struct credentials *c, struct http_response *r, struct err *e)
{
    struct http_request q = metadata_token_request(c->token_url);
    struct http_session *s = http_session_new(NULL);
    q.total_timeout_ms = try_ms(c, METADATA_TOTAL_MS);
    int result = http_perform(s, &q, r, e);
    http_session_free(s);
    return result;
}

/* RFC 7523 section 2.1, as Google documents it for service accounts. */
static char *signed_assertion(const struct credentials *c, struct err *e)
{
    const char *pem = js_text(c->file, "private_key");
    int64_t now = clock_wall_us() / 1000000;
    json_t *header CLEANUP(js_free) =
        json_pack("{s:s,s:s,s:s}", "alg", "RS256", "typ", "JWT", "kid", js_text(c->file, "private_key_id"));
    json_t *claims CLEANUP(js_free) =
        json_pack("{s:s,s:s,s:s,s:I,s:I}", "iss", c->account, "scope", GOOGLE_SCOPE, "aud", c->token_url,
                  "iat", (json_int_t)now, "exp", (json_int_t)(now + 3600));
    char *head CLEANUP(cleanup_free) = js_dump(header), *body CLEANUP(cleanup_free) = js_dump(claims);
    return jwt_sign_rs256(view_from(pem), head, body, e);
}

static void add_form(struct strbuf *form, const char *name, const char *value)
{
    if (form->len > 0)
        strbuf_add_char(form, '&');
    strbuf_add_text(form, name);
    strbuf_add_char(form, '=');
    url_add_encoded(form, view_from(value));
}

static int fill_form(const struct credentials *c, struct strbuf *form, struct err *e)
{
    if (c->source == SOURCE_USER) {
        add_form(form, "grant_type", "refresh_token");
        add_form(form, "client_id", js_text(c->file, "client_id"));
        add_form(form, "client_secret", js_text(c->file, "client_secret"));
        add_form(form, "refresh_token", js_text(c->file, "refresh_token"));
        return 0;
    }
    char *assertion CLEANUP(cleanup_free) = signed_assertion(c, e);
    if (assertion == NULL)
        return -1;
    add_form(form, "grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
    add_form(form, "assertion", assertion);
    return 0;
}

static int ask_token_endpoint(struct credentials *c, struct http_response *r, struct err *e)
{
    static const struct http_header TYPE = {"Content-Type", "application/x-www-form-urlencoded"};
    struct strbuf form = STRBUF(FILE_MAX);
    int result = fill_form(c, &form, e);
    if (result == 0) {
        struct http_request q = {.method = "POST",
                                 .url = c->token_url,
                                 .headers = &TYPE,
                                 .header_count = 1,
                                 .body = strbuf_view(&form),
                                 .total_timeout_ms = try_ms(c, TOKEN_TRY_MS)};
        struct http_session *s = http_session_new(c->tls);
        result = http_perform(s, &q, r, e);
        http_session_free(s);
    }
    if (form.data != NULL)
        secret_wipe(form.data, form.len);
    strbuf_fini(&form);
    return result;
}

static enum reply_action fetch_once(struct credentials *c, struct http_response *r, struct err *e)
{
    bool is_metadata = c->source == SOURCE_METADATA;
    enum reply_kind kind = is_metadata ? REPLY_METADATA : REPLY_TOKEN;
    int result = is_metadata ? ask_metadata(c, r, e) : ask_token_endpoint(c, r, e);
    int event = result < 0 ? reply_event_of_failure(r, e) : r->status;
    if (event > REPLY_STATUS_MAX)
        return reply_judge(kind, event, e);
    err_fini(e); /* only the page of a refusal is incomplete */
    return take_token(c, kind, r, e);
}

static int fetch(struct credentials *c, struct err *e)
{
    struct gcp_retry retry;
    struct http_response r;
    enum reply_action action;
    gcp_retry_init(&retry, &c->retry);
    retry.message = "retrying a request for an access token";
    http_response_init(&r);
    while ((action = fetch_once(c, &r, e)) != REPLY_ACCEPT)
        if (action != REPLY_AGAIN || gcp_retry_wait(&retry, &r, e) < 0)
            break;
    http_response_fini(&r);
    return action == REPLY_ACCEPT ? 0 : -1;
}

const struct secret *credentials_hold_token(struct credentials *c, struct err *e)
{
    const struct secret *held = NULL;
    pthread_mutex_lock(&c->lock);
    bool is_good = c->token != NULL && clock_boot_ms() <= c->good_until_ms;
    if (is_good || fetch(c, e) == 0) {
        c->token->holders++;
        held = &c->token->secret;
    }
    pthread_mutex_unlock(&c->lock);
    return held;
}

void credentials_release_token(struct credentials *c, const struct secret *token)
{
    if (token == NULL)
        return;
    pthread_mutex_lock(&c->lock);
    drop((struct held_token *)(uintptr_t)token); /* its first member */
    pthread_mutex_unlock(&c->lock);
}

#include "gcp/loop_token.h"

#include "base/alloc.h"
#include "gcp/token_reply.h"
#include "net/http_loop.h"
#include "os/loop.h"

#include "base/banned.h"

struct loop_token {
    struct http_loop *http;
    struct http_call *call; /* NULL: none is being fetched */
    char *url;
    struct secret token; /* empty: none */
    int64_t good_until_ms;
    void (*on_settled)(void *context, const struct err *e);
    void *context;
};

struct loop_token *loop_token_new(struct loop *loop, const char *endpoint,
                                  void (*on_settled)(void *context, const struct err *e), void *context)
{
    struct loop_token *t = xcalloc(1, sizeof(*t));
    t->http = http_loop_new(loop, NULL);
    t->url = xasprintf("%s" METADATA_TOKEN_PATH, endpoint);
    t->on_settled = on_settled;
    t->context = context;
    return t;
}

void loop_token_free(struct loop_token *t)
{
    if (t == NULL)
        return;
    http_loop_free(t->http);
    secret_free(&t->token);
    free(t->url);
    free(t);
}

static void on_answer(void *context, const struct http_response *r, const struct err *transport)
{
    struct loop_token *t = context;
    struct err e CLEANUP(err_fini) = {0};
    bool is_good = false;
    t->call = NULL;
    if (transport != NULL) {
        char *text CLEANUP(cleanup_free) = err_text(transport);
        err_set(&e, ERR_METADATA_UNAVAILABLE, t->url, "%s", text);
    } else {
        is_good =
            token_reply_read(REPLY_METADATA, t->url, r, &t->token, &t->good_until_ms, &e) == REPLY_ACCEPT;
    }
    t->on_settled(t->context, is_good ? NULL : &e);
}

const struct secret *loop_token_get(struct loop_token *t)
{
    if (t->token.len > 0 && clock_boot_ms() <= t->good_until_ms)
        return &t->token;
    if (t->call == NULL) {
        struct http_request q = metadata_token_request(t->url);
        secret_free(&t->token);
        t->call = http_start(t->http, &q, on_answer, t);
    }
    return NULL;
}

void loop_token_forget(struct loop_token *t)
{
    secret_free(&t->token);
}

#include "shell/reports/token_reviews.h"

#include <stdlib.h>
#include <string.h>

#include "api/labels.h"
#include "base/alloc.h"
#include "base/pack.h"
#include "crypt/digest.h"
#include "data/js.h"
#include "kube/store.h"
#include "os/loop.h"

#include "base/banned.h"

#define PATH      "/apis/authentication.k8s.io/v1/tokenreviews"
#define POD_NAME  "authentication.kubernetes.io/pod-name"
#define POD_UID   "authentication.kubernetes.io/pod-uid"
#define USER_HEAD "system:serviceaccount:"

/* A pod that is gone is refused by the cache of pods, whatever is remembered of its token. */
enum { KNOWN_MS = 5 * 60 * 1000, REFUSED_MS = 10 * 1000, KNOWN_MAX = 4096, IN_FLIGHT_MAX = 16 };

/* One block. name is "" for a token that was refused. */
struct known {
    const char *ns, *name, *uid;
    int64_t until_ms;
};

struct question {
    struct token_reviews *reviews;
    struct kube_call *call; /* NULL: not in use */
    char token_digest[SHA256_HEX_SIZE];
    review_fn *fn;
    void *context;
};

struct token_reviews {
    struct kube_client *client;
    struct store *known; /* under the token's SHA-256 */
    struct question questions[IN_FLIGHT_MAX];
};

struct token_reviews *token_reviews_new(struct kube_client *client)
{
    struct token_reviews *r = xcalloc(1, sizeof(*r));
    r->client = client;
    r->known = store_new(free);
    return r;
}

void token_reviews_free(struct token_reviews *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < IN_FLIGHT_MAX; i++)
        kube_call_cancel(r->questions[i].call);
    store_free(r->known);
    free(r);
}

/* ---- what is remembered ---- */
static void tell(const struct known *k, review_fn *fn, void *context)
{
    struct err e CLEANUP(err_fini) = {0};
    if (*k->name == '\0') {
        err_set(&e, ERR_DENIED, NULL, "the token is not one of a pod for the audience " REPORTS_AUDIENCE);
        fn(context, NULL, &e);
        return;
    }
    fn(context, &(struct reviewed_pod){k->ns, k->name, k->uid}, NULL);
}

static void remember(struct token_reviews *r, const char *token_digest, const struct known *k)
{
    static const size_t texts[] = {offsetof(struct known, ns), offsetof(struct known, name),
                                   offsetof(struct known, uid)};
    if (store_count(r->known) >= KNOWN_MAX) {
        /* Rare: all are asked about once more. */
        store_free(r->known);
        r->known = store_new(free);
    }
    free(store_put(r->known, "", token_digest, pack_block(k, sizeof(*k), texts, ARRAY_LEN(texts))));
}

/* ---- answers ---- */
static const char *extra(const json_t *user, const char *key)
{
    const char *text =
        json_string_value(json_array_get(json_object_get(json_object_get(user, "extra"), key), 0));
    return text == NULL ? "" : text;
}

static bool has_audience(const json_t *status)
{
    size_t at;
    json_t *audience;
    json_array_foreach(json_object_get(status, "audiences"), at, audience)
    {
        if (json_is_string(audience) && strcmp(json_string_value(audience), REPORTS_AUDIENCE) == 0)
            return true;
    }
    return false;
}

/* The namespace in "system:serviceaccount:NAMESPACE:NAME"; the caller frees it. */
static char *namespace_of(const char *username)
{
    struct view rest = view_from(username);
    if (!view_has_prefix(rest, USER_HEAD))
        return xstrdup("");
    return view_dup(view_cut(view_skip(rest, sizeof(USER_HEAD) - 1), ':', &rest));
}

static void on_answer(void *context, const struct kube_answer *answer, const struct err *e)
{
    struct question *q = context;
    const json_t *status = json_object_get(answer->object, "status"), *user = json_object_get(status, "user");
    q->call = NULL;
    if (e != NULL) {
        q->fn(q->context, NULL, e);
        return;
    }
    char *ns CLEANUP(cleanup_free) = namespace_of(js_text(user, "username"));
    struct known k = {.ns = ns, .name = extra(user, POD_NAME), .uid = extra(user, POD_UID)};
    if (!js_bool(status, "authenticated", false) || !has_audience(status) || *ns == '\0' || *k.uid == '\0')
        k.name = "";
    k.until_ms = clock_boot_ms() + (*k.name == '\0' ? REFUSED_MS : KNOWN_MS);
    remember(q->reviews, q->token_digest, &k);
    tell(&k, q->fn, q->context);
}

/* ---- questions ---- */
static struct question *free_question(struct token_reviews *r)
{
    for (size_t i = 0; i < IN_FLIGHT_MAX; i++)
        if (r->questions[i].call == NULL)
            return &r->questions[i];
    return NULL;
}

void token_reviews_ask(struct token_reviews *r, struct view token, review_fn *fn, void *context)
{
    char token_digest[SHA256_HEX_SIZE];
    sha256_hex(token.ptr, token.len, token_digest);
    const struct known *k = store_get(r->known, "", token_digest);
    if (k != NULL && clock_boot_ms() < k->until_ms) {
        tell(k, fn, context);
        return;
    }
    struct question *q = free_question(r);
    if (q == NULL) {
        struct err e CLEANUP(err_fini) = {0};
        err_set(&e, ERR_THROTTLED, NULL, "too many tokens are being looked at");
        fn(context, NULL, &e);
        return;
    }
    *q = (struct question){.reviews = r, .fn = fn, .context = context};
    memcpy(q->token_digest, token_digest, sizeof(token_digest));
    json_t *body CLEANUP(js_free) =
        json_pack("{s:s, s:s, s:{s:s%, s:[s]}}", "apiVersion", "authentication.k8s.io/v1", "kind",
                  "TokenReview", "spec", "token", token.ptr, token.len, "audiences", REPORTS_AUDIENCE);
    if (body == NULL) {
        struct err e CLEANUP(err_fini) = {0};
        err_set(&e, ERR_DENIED, NULL, "the token is no text");
        fn(context, NULL, &e);
        return;
    }
    q->call = kube_start(r->client, "POST", PATH, body, on_answer, q);
}

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

/* A deleted pod is rejected by the cache of pods, even while its token is still cached here. */
enum { ACCEPTED_MS = 5 * 60 * 1000, DENIED_MS = 10 * 1000, CACHED_MAX = 4096, IN_FLIGHT_MAX = 16 };

/* A cached result, one block. name is "" for a denied token. */
struct review_result {
    const char *ns, *name, *uid;
    int64_t until_ms;
};

struct review {
    struct token_reviews *reviews;
    struct kube_call *call; /* NULL: this slot is free */
    char token_digest[SHA256_HEX_SIZE];
    review_fn *fn;
    void *context;
};

struct token_reviews {
    struct kube_client *client;
    struct store *results; /* under the token's SHA-256 */
    struct review reviews[IN_FLIGHT_MAX];
};

struct token_reviews *token_reviews_new(struct kube_client *client)
{
    struct token_reviews *r = xcalloc(1, sizeof(*r));
    r->client = client;
    r->results = store_new(free);
    return r;
}

void token_reviews_free(struct token_reviews *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < IN_FLIGHT_MAX; i++)
        kube_call_cancel(r->reviews[i].call);
    store_free(r->results);
    free(r);
}

/* ---- results ---- */
static void report_result(const struct review_result *result, review_fn *fn, void *context)
{
    struct err e CLEANUP(err_fini) = {0};
    if (*result->name == '\0') {
        err_set(&e, ERR_DENIED, NULL,
                "the token is not bound to a pod, or not for the audience " REPORTS_AUDIENCE);
        fn(context, NULL, &e);
        return;
    }
    fn(context, &(struct reviewed_pod){result->ns, result->name, result->uid}, NULL);
}

static void cache_result(struct token_reviews *r, const char *token_digest,
                         const struct review_result *result)
{
    static const size_t texts[] = {offsetof(struct review_result, ns), offsetof(struct review_result, name),
                                   offsetof(struct review_result, uid)};
    if (store_count(r->results) >= CACHED_MAX) {
        /* Rare: all are reviewed once more. */
        store_free(r->results);
        r->results = store_new(free);
    }
    free(store_put(r->results, "", token_digest,
                   pack_block(result, sizeof(*result), texts, ARRAY_LEN(texts))));
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
    struct review *review = context;
    const json_t *status = json_object_get(answer->object, "status"), *user = json_object_get(status, "user");
    review->call = NULL;
    if (e != NULL) {
        review->fn(review->context, NULL, e);
        return;
    }
    char *ns CLEANUP(cleanup_free) = namespace_of(js_text(user, "username"));
    struct review_result result = {.ns = ns, .name = extra(user, POD_NAME), .uid = extra(user, POD_UID)};
    if (!js_bool(status, "authenticated", false) || !has_audience(status) || *ns == '\0' ||
        *result.uid == '\0')
        result.name = "";
    result.until_ms = clock_boot_ms() + (*result.name == '\0' ? DENIED_MS : ACCEPTED_MS);
    cache_result(review->reviews, review->token_digest, &result);
    report_result(&result, review->fn, review->context);
}

/* ---- reviews ---- */
static struct review *free_slot(struct token_reviews *r)
{
    for (size_t i = 0; i < IN_FLIGHT_MAX; i++)
        if (r->reviews[i].call == NULL)
            return &r->reviews[i];
    return NULL;
}

void token_reviews_ask(struct token_reviews *r, struct view token, review_fn *fn, void *context)
{
    char token_digest[SHA256_HEX_SIZE];
    sha256_hex(token.ptr, token.len, token_digest);
    const struct review_result *result = store_get(r->results, "", token_digest);
    if (result != NULL && clock_boot_ms() < result->until_ms) {
        report_result(result, fn, context);
        return;
    }
    struct review *review = free_slot(r);
    if (review == NULL) {
        struct err e CLEANUP(err_fini) = {0};
        err_set(&e, ERR_THROTTLED, NULL, "too many TokenReviews are in flight");
        fn(context, NULL, &e);
        return;
    }
    *review = (struct review){.reviews = r, .fn = fn, .context = context};
    memcpy(review->token_digest, token_digest, sizeof(token_digest));
    json_t *body CLEANUP(js_free) =
        json_pack("{s:s, s:s, s:{s:s%, s:[s]}}", "apiVersion", "authentication.k8s.io/v1", "kind",
                  "TokenReview", "spec", "token", token.ptr, token.len, "audiences", REPORTS_AUDIENCE);
    if (body == NULL) {
        struct err e CLEANUP(err_fini) = {0};
        err_set(&e, ERR_DENIED, NULL, "the token is not valid UTF-8");
        fn(context, NULL, &e);
        return;
    }
    review->call = kube_start(r->client, "POST", PATH, body, on_answer, review);
}

#include "gcp/gcs.h"

#include <string.h>

#include "base/alloc.h"
#include "data/js.h"
#include "gcp/gcs_int.h"
#include "net/url.h"

#include "base/banned.h"

enum { URL_MAX = 8192 };

void gcs_bucket_open(struct gcs_bucket *ret, const struct gcp_config *config, const char *name)
{
    gcp_client_open(&ret->client, config);
    ret->name = xstrdup(name);
}

void gcs_bucket_close(struct gcs_bucket *b)
{
    gcp_client_close(&b->client);
    free(b->name);
    b->name = NULL;
}

void gcs_object_fini(struct gcs_object *o)
{
    free(o->name);
    free(o->sealed_name);
    *o = (struct gcs_object){.name = NULL};
}

int gcs_uri_parse(const char *uri, char **ret_bucket, char **ret_name, struct err *e)
{
    struct view name, v = view_from(uri);
    if (!view_has_prefix(v, "gs://"))
        return FAIL_OBJECT(e, ERR_INVALID, uri, "%s is not a gs:// URI", uri);
    struct view bucket = view_cut(view_skip(v, 5), '/', &name);
    if (bucket.len == 0)
        return FAIL_OBJECT(e, ERR_INVALID, uri, "%s has no bucket name", uri);
    *ret_bucket = view_dup(bucket);
    *ret_name = view_dup(name);
    return 0;
}

char *gcs_uri(const char *bucket, const char *name)
{
    return xasprintf("gs://%s/%s", bucket, name);
}

char *gcs_url(const struct gcs_bucket *b, const char *prefix, const char *name)
{
    struct strbuf url = STRBUF(URL_MAX);
    strbuf_addf(&url, "%s%s/storage/v1/b/", b->client.config->storage_url, prefix);
    url_add_encoded(&url, view_from(b->name));
    strbuf_add_text(&url, "/o");
    if (name != NULL) {
        strbuf_add_char(&url, '/');
        url_add_encoded(&url, view_from(name));
    }
    return strbuf_take(&url);
}

int gcs_fail(const struct gcs_bucket *b, const char *name, struct err *e)
{
    char *uri CLEANUP(cleanup_free) = gcs_uri(b->name, name);
    err_name_object(e, uri);
    return err_wrap(e, "%s", uri);
}

/* ---- an object's metadata ---- */
struct description {
    const char *name;
    struct gcs_object found;
    json_t *metadata; /* of the object; NULL: none */
    int event;
};

static int read_description(void *context, const struct http_response *r, struct err *e)
{
    struct description *d = context;
    json_t *tree CLEANUP(js_free) = gcs_parse(r, &d->event, e);
    if (tree == NULL || gcs_object_decode(tree, &d->found, &d->event, e) < 0)
        return -1;
    if (strcmp(d->found.name, d->name) == 0) {
        d->metadata = json_incref((json_t *)(uintptr_t)js_at(tree, "metadata"));
        return 0;
    }
    (void)REPLY_FAIL(&d->event, OTHER_NAME, e, "the reply describes another object, %s", d->found.name);
    gcs_object_fini(&d->found);
    return -1;
}

int gcs_stat_with_metadata(const struct gcs_bucket *b, const char *name, struct gcs_object *ret,
                           json_t **ret_metadata, struct err *e)
{
    char *url CLEANUP(cleanup_free) = gcs_url(b, "", name);
    struct description d = {.name = name};
    struct gcp_request q = {.kind = REPLY_STAT,
                            .http = {.method = "GET", .url = url, .max_body_bytes = GCS_RESOURCE_MAX},
                            .read = read_description,
                            .context = &d,
                            .event = &d.event};
    struct http_response r;
    http_response_init(&r);
    int result = gcp_call(&b->client, &q, &r, e);
    http_response_fini(&r);
    if (result < 0)
        return gcs_fail(b, name, e);
    *ret = d.found;
    *ret_metadata = d.metadata;
    return 0;
}

int gcs_stat(const struct gcs_bucket *b, const char *name, struct gcs_object *ret, struct err *e)
{
    json_t *ignored CLEANUP(js_free) = NULL;
    return gcs_stat_with_metadata(b, name, ret, &ignored, e);
}

#include "seal/context.h"

#include "base/alloc.h"

#include "base/banned.h"

int seal_open(struct seal_context *ret, const struct gcp_config *config, const char *uri,
              const struct keyset *keys, struct err *e)
{
    char *bucket CLEANUP(cleanup_free) = NULL, *prefix = NULL;
    if (gcs_uri_parse(uri, &bucket, &prefix, e) < 0)
        return -1;
    *ret = (struct seal_context){.prefix = prefix, .keys = keys};
    gcs_bucket_open(&ret->bucket, config, bucket);
    return 0;
}

void seal_close(struct seal_context *c)
{
    gcs_bucket_close(&c->bucket);
    free(c->prefix);
    c->prefix = NULL;
}

char *seal_object_name(const struct seal_context *c, const char *name)
{
    return xasprintf("%s%s", c->prefix, name);
}

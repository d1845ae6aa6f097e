#include "store.h"

#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "base/alloc.h"
#include "gcp/gcs_list.h"
#include "gcp/gcs_read.h"
#include "gcp/gcs_upload.h"
#include "gcp/gcs_write.h"
#include "history.h"
#include "troubles.h"

#include "base/banned.h"

static struct {
    struct blob *list; /* as they were written */
    int count, room;
    uint64_t generation;
} store;

/* ---- objects ---- */
static void blob_fini(struct blob *b)
{
    free(b->name);
    free(b->bytes);
    free(b->sealed_name);
}

void store_begin(void)
{
    store.count = 0;
    store.generation = 0;
}

void store_end(void)
{
    for (int i = 0; i < store.count; i++)
        blob_fini(&store.list[i]);
    store.count = 0;
}

int store_count(void)
{
    return store.count;
}

static struct blob *find(const char *name)
{
    for (int i = store.count; i-- > 0;)
        if (strcmp(store.list[i].name, name) == 0)
            return store.list[i].is_removed ? NULL : &store.list[i];
    return NULL;
}

struct blob *store_find(const char *name)
{
    return find(name);
}

static struct blob *put(const char *name, struct view bytes)
{
    if (store.count == store.room) {
        store.room = 2 * store.room + 64;
        store.list = xreallocarray(store.list, (size_t)store.room, sizeof(*store.list));
    }
    struct blob *b = &store.list[store.count++];
    *b = (struct blob){.name = xstrdup(name),
                       .bytes = xmalloc(bytes.len + 1),
                       .size = bytes.len,
                       .generation = ++store.generation,
                       .content = CONTENT_UNKNOWN};
    memcpy(b->bytes, bytes.ptr, bytes.len);
    return b;
}

void store_put(const char *name, struct view bytes)
{
    (void)put(name, bytes);
}

void store_remove(const char *name)
{
    put(name, view_from(""))->is_removed = true;
}

const struct blob *store_head_of(const char *manifest_name)
{
    for (int i = store.count; i-- > 0;) {
        const struct blob *b = &store.list[i];
        if (strcmp(b->name, SIM_PREFIX "HEAD") == 0 &&
            memmem(b->bytes, b->size, manifest_name, strlen(manifest_name)) != NULL)
            return b;
    }
    return NULL;
}

/* ---- attacks ---- */
void store_alter(const char *name)
{
    struct blob *b = find(name);
    if (b != NULL && b->size > 0)
        b->bytes[(size_t)roll(&world.dice, (int)b->size)] ^= 1;
}

void store_truncate(const char *name)
{
    struct blob *b = find(name);
    if (b != NULL)
        b->size = (size_t)roll(&world.dice, (int)b->size + 1);
}

bool store_swap(const char *name)
{
    struct blob *b = find(name);
    const char *end = strrchr(name, '/');
    for (int i = 0; b != NULL && i < store.count; i++) {
        const struct blob *other = &store.list[i];
        const char *other_end = strrchr(other->name, '/');
        if (other->is_removed || strcmp(other->name, name) == 0 || strcmp(end, other_end) != 0)
            continue;
        b->bytes = xreallocarray(b->bytes, other->size + 1, 1);
        memcpy(b->bytes, other->bytes, other->size);
        b->size = other->size;
        return true;
    }
    return false;
}

/* ---- calls ---- */
static struct agent *agent_of(const struct gcs_bucket *b)
{
    return (struct agent *)(uintptr_t)b->client.config;
}

static int missing(const char *name, struct err *e)
{
    return FAIL_OBJECT(e, ERR_NOT_FOUND, name, "there is no object %s", name);
}

static int begin(struct agent *a, enum call_kind kind, const char *name, enum trouble *ret, struct err *e)
{
    *ret = a->is_ghost ? TROUBLE_NONE : trouble_before(a, kind, name, e);
    return e->code == ERR_NONE ? 0 : -1;
}

static int end(struct agent *a, enum trouble trouble, struct err *e)
{
    if (!a->is_ghost)
        trouble_after(a, trouble, e);
    return e->code == ERR_NONE ? 0 : -1;
}

int gcs_stat(const struct gcs_bucket *b, const char *name, struct gcs_object *ret, struct err *e)
{
    enum trouble trouble;
    if (begin(agent_of(b), CALL_STAT, name, &trouble, e) < 0)
        return -1;
    const struct blob *found = find(name);
    if (found == NULL)
        return missing(name, e);
    struct gcs_object object = {
        .name = xstrdup(name),
        .size = found->size,
        .generation = found->generation,
        .key_id = found->key_id,
        .sealed_size = found->sealed_size,
        .sealed_name = found->sealed_name == NULL ? NULL : xstrdup(found->sealed_name),
    };
    if (end(agent_of(b), trouble, e) < 0) {
        gcs_object_fini(&object);
        return -1;
    }
    *ret = object;
    return 0;
}

int gcs_read(const struct gcs_bucket *b, const struct gcs_object *o, struct byte_sink sink, struct err *e)
{
    enum trouble trouble;
    if (begin(agent_of(b), CALL_READ, o->name, &trouble, e) < 0)
        return -1;
    const struct blob *found = find(o->name);
    if (found == NULL || found->generation != o->generation)
        return FAIL_OBJECT(e, ERR_DATA_CHANGED, o->name, "another generation is there");
    size_t size = found->size < o->size ? found->size : (size_t)o->size;
    if (size > 0 && sink.take(sink.context, found->bytes, size, e) < 0)
        return -1;
    return end(agent_of(b), trouble, e);
}

/* What a server shows that has an old copy. */
static const struct blob *before(const struct blob *b)
{
    const struct blob *old = b;
    for (int i = 0; i < store.count; i++)
        if (strcmp(store.list[i].name, b->name) == 0 && store.list[i].generation < b->generation)
            old = &store.list[i];
    return old;
}

int gcs_read_small(const struct gcs_bucket *b, const char *name, struct strbuf *ret, uint64_t *ret_generation,
                   struct err *e)
{
    enum trouble trouble;
    struct agent *a = agent_of(b);
    if (begin(a, CALL_READ_SMALL, name, &trouble, e) < 0)
        return -1;
    const struct blob *found = find(name);
    if (found != NULL && trouble == TROUBLE_OLD_REPLY)
        found = before(found);
    if (!a->is_ghost)
        history_head_was_read(a);
    if (found == NULL || found->is_removed)
        return missing(name, e);
    strbuf_add(ret, found->bytes, found->size);
    *ret_generation = found->generation;
    return end(a, trouble, e);
}

static void take_hints(struct blob *b, const struct gcs_write *w)
{
    for (size_t i = 0; i < w->metadata_count; i++) {
        const struct gcs_metadata *m = &w->metadata[i];
        if (strcmp(m->key, GCS_NAME_HINT) == 0)
            b->sealed_name = xstrdup(m->value);
        else if (strcmp(m->key, GCS_KEY_ID_HINT) == 0)
            b->key_id = (uint32_t)strtoul(m->value, NULL, 10);
        else if (strcmp(m->key, GCS_SIZE_HINT) == 0)
            b->sealed_size = strtoull(m->value, NULL, 10);
    }
}

int gcs_write_small(const struct gcs_bucket *b, const struct gcs_write *w, struct view bytes,
                    uint64_t *ret_generation, struct err *e)
{
    enum trouble trouble;
    struct agent *a = agent_of(b);
    if (begin(a, CALL_WRITE, w->name, &trouble, e) < 0)
        return -1;
    const struct blob *there = find(w->name);
    uint64_t generation = there == NULL ? 0 : there->generation;
    if (w->if_generation != GCS_ANY_GENERATION && w->if_generation != generation)
        return there == NULL ? missing(w->name, e)
                             : FAIL_OBJECT(e, ERR_CONFLICT, w->name, "another generation is there");
    struct blob *written = put(w->name, bytes);
    trace("agent %d writes %s", a->number, w->name);
    take_hints(written, w);
    if (ret_generation != NULL)
        *ret_generation = written->generation;
    if (strcmp(w->name, SIM_PREFIX "HEAD") == 0)
        history_head_was_moved(a);
    return end(a, trouble, e);
}

/* ---- without calls ---- */
void gcs_bucket_open(struct gcs_bucket *ret, const struct gcp_config *config, const char *name)
{
    *ret = (struct gcs_bucket){.client = {.config = config}, .name = xstrdup(name)};
}

void gcs_bucket_close(struct gcs_bucket *b)
{
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
    (void)uri;
    (void)e;
    *ret_bucket = xstrdup(SIM_BUCKET);
    *ret_name = xstrdup(SIM_PREFIX);
    return 0;
}

char *gcs_uri(const char *bucket, const char *name)
{
    return xasprintf("gs://%s/%s", bucket, name);
}

/* Nothing here lists, and nothing is larger than one request. */
int gcs_list(const struct gcs_bucket *b, const char *prefix,
             int (*take)(void *context, struct gcs_object *o, struct err *e), void *context, struct err *e)
{
    (void)b;
    (void)take;
    (void)context;
    return FAIL(e, ERR_BUG, "%s is not listed", prefix);
}

int gcs_upload(const struct gcs_bucket *b, const struct gcs_write *w, const struct gcs_content *content,
               struct err *e)
{
    (void)b;
    (void)content;
    return FAIL(e, ERR_BUG, "%s is not large", w->name);
}

void gcp_client_retry_init(const struct gcp_client *c, struct gcp_retry *ret)
{
    (void)c;
    (void)ret;
}

int gcp_retry_wait(struct gcp_retry *t, const struct http_response *r, struct err *e)
{
    (void)t;
    (void)r;
    (void)e;
    return -1;
}

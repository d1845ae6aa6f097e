#include "seal/set.h"

#include <string.h>

#include "base/alloc.h"
#include "gcp/gcs_list.h"

#include "base/banned.h"

void seal_set_fini(struct seal_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        seal_item_fini(&set->items[i]);
    free(set->items);
    *set = (struct seal_set){.items = NULL};
}

void seal_set_add(struct seal_set *set, struct seal_item *item)
{
    set->items = xreallocarray(set->items, set->count + 1, sizeof(*set->items));
    set->items[set->count++] = *item;
    set->plain_bytes += item->plain_bytes;
    *item = (struct seal_item){.path = NULL};
}

/* ---- listing ---- */
struct object_listing {
    const struct seal_context *c;
    const char *mode;
    size_t prefix; /* length of the part of names that is not in paths */
    struct seal_set *set;
};

static char *associated_data_of(const struct object_listing *l, const struct gcs_object *o, const char *path)
{
    if (strcmp(l->mode, "Object") == 0)
        return gcs_uri(l->c->bucket.name, o->name);
    if (strcmp(l->mode, "Relative") == 0)
        return xstrdup(path);
    return view_dup(view_skip(view_from(l->mode), strlen(SEAL_FIXED)));
}

static int take_object(void *context, struct gcs_object *o, struct err *e)
{
    struct object_listing *l = context;
    const char *path = o->name + l->prefix;
    if (o->size == 0 && view_has_suffix(view_from(o->name), "/"))
        return 0; /* a folder, as the Cloud console creates them */
    if (!seal_path_is_safe(path))
        return FAIL_OBJECT(e, ERR_INVALID, o->name, "gs://%s/%s: \"%s\" is not a valid path below the inputs",
                           l->c->bucket.name, o->name, path);
    struct seal_item item = {.path = xstrdup(path),
                             .associated_data = associated_data_of(l, o, path),
                             .plain_bytes = stream_least_plain_size(l->c->keys, o->key_id, o->size)};
    item.object = *o;
    *o = (struct gcs_object){.name = NULL};
    seal_set_add(l->set, &item);
    return 0;
}

static int list_one(struct object_listing *l, struct err *e)
{
    struct gcs_object o;
    const char *name = l->c->prefix, *slash = strrchr(name, '/');
    if (gcs_stat(&l->c->bucket, name, &o, e) < 0)
        return -1;
    l->prefix = slash == NULL ? 0 : (size_t)(slash - name) + 1;
    int result = take_object(l, &o, e);
    gcs_object_fini(&o);
    return result;
}

static int list_all(struct object_listing *l, struct err *e)
{
    const char *name = l->c->prefix;
    l->prefix = strlen(name);
    bool is_folder = *name == '\0' || name[l->prefix - 1] == '/';
    if ((is_folder ? gcs_list(&l->c->bucket, name, take_object, l, e) : list_one(l, e)) < 0)
        return -1;
    char *uri CLEANUP(cleanup_free) = gcs_uri(l->c->bucket.name, name);
    return l->set->count > 0 ? 0 : FAIL_OBJECT(e, ERR_DATA_NOT_FOUND, uri, "there is nothing at %s", uri);
}

int seal_set_list(const struct seal_context *c, const char *mode, struct seal_set *ret, struct err *e)
{
    struct seal_set set = {.items = NULL};
    struct object_listing l = {.c = c, .mode = mode, .set = &set};
    if (list_all(&l, e) < 0) {
        seal_set_fini(&set);
        if (e->code == ERR_NOT_FOUND)
            err_recode(e, ERR_DATA_NOT_FOUND);
        else if (e->code == ERR_DENIED)
            err_recode(e, ERR_DATA_ACCESS_DENIED);
        return -1;
    }
    *ret = set;
    return 0;
}

#include "seal/set.h"

#include <string.h>

#include "base/alloc.h"
#include "gcp/gcs_list.h"

#include "base/banned.h"

static void free_items(struct seal_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        seal_item_fini(&set->items[i]);
    free(set->items);
    set->items = NULL;
    set->count = 0;
}

void seal_set_fini(struct seal_set *set)
{
    free_items(set);
    free(set->largest);
    *set = (struct seal_set){.items = NULL};
}

/* Most of an item, and the blocks of its texts; they are about as long as its path. */
static uint64_t agent_bytes(const struct seal_item *item)
{
    return sizeof(*item) + 2 * (strlen(item->object.name) + 16);
}

static void note_largest(const struct seal_context *c, struct seal_set *set, const struct seal_item *item)
{
    if (set->largest != NULL && item->plain_bytes <= set->largest_bytes)
        return;
    free(set->largest);
    set->largest = gcs_uri(c->bucket.name, item->object.name);
    set->largest_bytes = item->plain_bytes;
}

static void keep(struct seal_set *set, const struct seal_item *item)
{
    if ((set->count & (set->count - 1)) == 0) /* 0, or a power of two: all places are taken */
        set->items = xreallocarray(set->items, set->count == 0 ? 1 : 2 * set->count, sizeof(*set->items));
    set->items[set->count++] = *item;
}

void seal_set_add(const struct seal_context *c, struct seal_set *set, struct seal_item *item)
{
    bool has_room = set->count == set->footprint.files; /* so far */
    const char *previous = set->count > 0 ? set->items[set->count - 1].path : NULL;
    footprint_add_file(&set->footprint, item->path, has_room ? previous : item->path, item->plain_bytes,
                       agent_bytes(item));
    note_largest(c, set, item);
    if (has_room && (set->room == NULL || footprint_fits(set->room, &set->footprint))) {
        keep(set, item);
    } else {
        free_items(set);
        seal_item_fini(item);
    }
    *item = (struct seal_item){.path = NULL};
}

/* ---- listing ---- */
struct object_listing {
    const struct seal_context *c;
    const char *mode;
    size_t prefix; /* length of the part of names that is not in paths */
    struct seal_set *set;
};

/* NULL: its URI. */
static char *associated_data_of(const struct object_listing *l, const char *path)
{
    if (strcmp(l->mode, "Object") == 0)
        return NULL;
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
    char *uri CLEANUP(cleanup_free) = gcs_uri(l->c->bucket.name, o->name);
    struct seal_item item = {.object = *o,
                             .path = path,
                             .associated_data = associated_data_of(l, path),
                             .plain_bytes = stream_least_plain_size(l->c->keys, o->key_id, o->size)};
    seal_item_check_hint(&item, item.associated_data != NULL ? item.associated_data : uri);
    *o = (struct gcs_object){.name = NULL};
    seal_set_add(l->c, l->set, &item);
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
    return l->set->footprint.files > 0
               ? 0
               : FAIL_OBJECT(e, ERR_DATA_NOT_FOUND, uri, "there is nothing at %s", uri);
}

int seal_set_list(const struct seal_context *c, const char *mode, const struct footprint_room *room,
                  struct seal_set *ret, struct err *e)
{
    struct seal_set set = {.room = room};
    struct object_listing l = {.c = c, .mode = mode, .set = &set};
    if (list_all(&l, e) < 0) {
        seal_set_fini(&set);
        if (e->code == ERR_NOT_FOUND)
            err_recode(e, ERR_DATA_NOT_FOUND);
        else if (e->code == ERR_DENIED)
            err_recode(e, ERR_DATA_ACCESS_DENIED);
        return -1;
    }
    set.room = NULL;
    *ret = set;
    return 0;
}

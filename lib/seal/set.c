#include "seal/set.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/codec.h"
#include "gcp/kms.h"
#include "os/file.h"

#include "base/banned.h"

enum { WRAPPED_MAX = 64 * 1024, RECEIVE_BUFFER = 256 * 1024 };

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
struct listing {
    struct seal_set *set;
    const char *mode;
    const struct keyset *ks;
    size_t prefix; /* length of the part of names that is no path */
};

static char *associated_data_of(const struct listing *l, const struct gcs_object *o, const char *path)
{
    if (strcmp(l->mode, "Object") == 0)
        return gcs_uri(o->bucket, o->name);
    if (strcmp(l->mode, "Relative") == 0)
        return xstrdup(path);
    return view_dup(view_skip(view_from(l->mode), strlen(SEAL_FIXED)));
}

static int take_object(void *context, struct gcs_object *o, struct err *e)
{
    struct listing *l = context;
    const char *path = o->name + l->prefix;
    if (o->size == 0 && view_has_suffix(view_from(o->name), "/"))
        return 0; /* a console's "folder" */
    if (!seal_path_is_safe(path))
        return FAIL_OBJECT(e, ERR_INVALID, o->name, "gs://%s/%s: \"%s\" cannot be a path below the inputs",
                           o->bucket, o->name, path);
    struct seal_item item = {.path = xstrdup(path), .associated_data = associated_data_of(l, o, path)};
    if (stream_plain_size(&l->ks->keys[l->ks->primary].params, o->size, &item.plain_bytes) < 0)
        item.plain_bytes = 0; /* no stream has this size: reading says so with the object's name */
    item.object = *o;
    *o = (struct gcs_object){.bucket = NULL};
    seal_set_add(l->set, &item);
    return 0;
}

static int list_one(const struct gcp_site *site, struct http_session *s, const char *bucket, const char *name,
                    struct listing *l, struct err *e)
{
    struct gcs_object o;
    const char *slash = strrchr(name, '/');
    if (gcs_stat(site, s, bucket, name, &o, e) < 0)
        return -1;
    l->prefix = slash == NULL ? 0 : (size_t)(slash - name) + 1;
    int result = take_object(l, &o, e);
    gcs_object_fini(&o);
    return result;
}

int seal_set_list(const struct gcp_site *site, struct http_session *s, const char *uri, const char *mode,
                  const struct keyset *ks, struct seal_set *ret, struct err *e)
{
    char *bucket CLEANUP(cleanup_free) = NULL, *name CLEANUP(cleanup_free) = NULL;
    struct seal_set set = {.items = NULL};
    if (gcs_uri_parse(uri, &bucket, &name, e) < 0)
        return -1;
    struct listing l = {.set = &set, .mode = mode, .ks = ks, .prefix = strlen(name)};
    bool is_prefix = l.prefix == 0 || name[l.prefix - 1] == '/';
    int result = is_prefix ? gcs_list(site, s, bucket, name, take_object, &l, e)
                           : list_one(site, s, bucket, name, &l, e);
    if (result == 0 && set.count == 0)
        result = FAIL_OBJECT(e, ERR_DATA_NOT_FOUND, uri, "there is nothing at %s", uri);
    if (result < 0) {
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

/* ---- parallel download ---- */
struct fetch {
    struct gcp_site site; /* with a cancel flag of our own */
    const struct gcp_site *outer;
    const struct keyset *ks;
    const struct seal_set *set;
    int directory_fd;
    pthread_mutex_t lock; /* guards next and error */
    size_t next;
    struct err error; /* the first one */
    atomic_bool is_cancelled;
};

static const struct seal_item *take_item(struct fetch *f)
{
    pthread_mutex_lock(&f->lock);
    bool is_over = f->error.code != ERR_NONE || f->next == f->set->count;
    const struct seal_item *item = is_over ? NULL : &f->set->items[f->next++];
    pthread_mutex_unlock(&f->lock);
    return item;
}

static void keep_first_error(struct fetch *f, struct err *e)
{
    pthread_mutex_lock(&f->lock);
    if (f->error.code == ERR_NONE)
        err_move(&f->error, e);
    pthread_mutex_unlock(&f->lock);
    atomic_store(&f->is_cancelled, true);
    err_fini(e);
}

static void *fetch_items(void *context)
{
    struct fetch *f = context;
    struct http_session *s = http_session_new(f->site.tls);
    const struct seal_item *item;
    http_session_set_buffer(s, RECEIVE_BUFFER);
    while ((item = take_item(f)) != NULL) {
        struct err e = {0};
        if (f->outer->is_cancelled != NULL && atomic_load(f->outer->is_cancelled))
            err_set(&e, ERR_CANCELLED, NULL, "cancelled");
        else if (seal_read_file(&f->site, s, f->ks, item, f->directory_fd, &e) == 0)
            continue;
        keep_first_error(f, &e);
    }
    http_session_free(s);
    return NULL;
}

static void run_threads(struct fetch *f, unsigned count)
{
    pthread_t *threads = xcalloc(count, sizeof(*threads));
    unsigned started = 0;
    while (started < count && pthread_create(&threads[started], NULL, fetch_items, f) == 0)
        started++;
    if (started == 0)
        fetch_items(f); /* no threads to be had: slower, not wrong */
    for (unsigned i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    free(threads);
}

int seal_fetch(const struct gcp_site *site, const struct keyset *ks, const struct seal_set *set,
               const char *directory, unsigned connections, struct err *e)
{
    struct fetch f = {.site = *site, .outer = site, .ks = ks, .set = set};
    int fd CLEANUP(cleanup_fd) = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return FAIL_ERRNO(e, "opening %s", directory);
    f.directory_fd = fd;
    f.site.is_cancelled = &f.is_cancelled;
    pthread_mutex_init(&f.lock, NULL);
    run_threads(&f, set->count < connections ? (unsigned)set->count : connections);
    pthread_mutex_destroy(&f.lock);
    if (f.error.code == ERR_NONE)
        return 0;
    err_move(e, &f.error);
    return -1;
}

/* ---- keys ---- */
int seal_open_keyset(const struct gcp_site *site, struct http_session *s, const char *kms_key_name,
                     const char *wrapped, bool require_hsm, struct keyset *ret, struct err *e)
{
    size_t capacity = BASE64_MAX_BYTES(strlen(wrapped)), length = 0;
    struct secret serialized CLEANUP(secret_free) = {.bytes = NULL};
    void *ciphertext CLEANUP(cleanup_free) = xmalloc(capacity + 1);
    if (strlen(wrapped) > WRAPPED_MAX ||
        base64_decode(view_from(wrapped), ciphertext, capacity, &length) < 0 || length == 0)
        return FAIL_OBJECT(e, ERR_KEYSET_INVALID, kms_key_name, "the wrappedKeyset under %s is not base64",
                           kms_key_name);
    if (kms_decrypt(site, s, kms_key_name, view_of(ciphertext, length), require_hsm, &serialized, e) < 0)
        return -1;
    if (keyset_parse(view_of(serialized.bytes, serialized.len), ret, e) < 0) {
        err_name_object(e, kms_key_name);
        return err_wrap(e, "the wrappedKeyset under %s", kms_key_name);
    }
    return 0;
}

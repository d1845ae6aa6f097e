#include "seal/fetch.h"

#include <fcntl.h>
#include <pthread.h>

#include "base/alloc.h"
#include "os/file.h"
#include "seal/object_read.h"

#include "base/banned.h"

enum { RECEIVE_BUFFER = 256 * 1024 };

/* Shared by the threads. */
struct fetch {
    const struct seal_context *c;
    const struct seal_set *set;
    int directory_fd;
    struct gcp_config config; /* the context's, with our own flag */
    atomic_bool is_cancelled;
    pthread_mutex_t lock; /* guards next and error */
    size_t next;
    struct err error; /* the first one */
};

/* NULL when no item is left or another thread has failed. */
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
    const struct gcp_config *outer = f->c->bucket.client.config;
    struct seal_context mine = {.keys = f->c->keys};
    const struct seal_item *item;
    gcs_bucket_open(&mine.bucket, &f->config, f->c->bucket.name);
    http_session_set_buffer(mine.bucket.client.session, RECEIVE_BUFFER);
    while ((item = take_item(f)) != NULL) {
        struct err e = {0};
        if (outer->is_cancelled != NULL && atomic_load(outer->is_cancelled))
            err_set(&e, ERR_CANCELLED, NULL, "cancelled");
        else if (seal_read_file(&mine, item, f->directory_fd, &e) == 0)
            continue;
        keep_first_error(f, &e);
    }
    seal_close(&mine);
    return NULL;
}

static void run_threads(struct fetch *f, unsigned count)
{
    pthread_t *threads = xcalloc(count, sizeof(*threads));
    unsigned started = 0;
    while (started < count && pthread_create(&threads[started], NULL, fetch_items, f) == 0)
        started++;
    if (started == 0)
        fetch_items(f); /* no thread could be started: slower, but right */
    for (unsigned i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    free(threads);
}

int seal_fetch(const struct seal_context *c, const struct seal_set *set, const char *directory,
               unsigned connections, struct err *e)
{
    struct fetch f = {.c = c, .set = set, .config = *c->bucket.client.config};
    int fd CLEANUP(cleanup_fd) = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return FAIL_ERRNO(e, "opening %s", directory);
    f.directory_fd = fd;
    f.config.is_cancelled = &f.is_cancelled;
    pthread_mutex_init(&f.lock, NULL);
    run_threads(&f, set->count < connections ? (unsigned)set->count : connections);
    pthread_mutex_destroy(&f.lock);
    if (f.error.code == ERR_NONE)
        return 0;
    err_move(e, &f.error);
    return -1;
}

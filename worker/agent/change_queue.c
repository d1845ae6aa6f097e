#include "agent/change_queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "os/loop.h"

#include "base/banned.h"

enum { FILES_AT_ONCE = 64 };

struct change_queue {
    pthread_mutex_t lock;
    struct change *changes;
    size_t count, room;
    struct err failure;
};

struct change_queue *change_queue_new(void)
{
    struct change_queue *q = xcalloc(1, sizeof(*q));
    pthread_mutex_init(&q->lock, NULL);
    return q;
}

static void free_changes(struct change *changes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free((char *)(uintptr_t)changes[i].path);
        free((char *)(uintptr_t)changes[i].to);
    }
    free(changes);
}

void change_queue_free(struct change_queue *q)
{
    if (q == NULL)
        return;
    free_changes(q->changes, q->count);
    err_fini(&q->failure);
    pthread_mutex_destroy(&q->lock);
    free(q);
}

/* A program that writes large files, several at once, makes an event for each call. */
static bool is_being_written(const struct change_queue *q, const char *path)
{
    for (size_t i = q->count;
         i > 0 && q->count - i < FILES_AT_ONCE && q->changes[i - 1].kind == CHANGE_WRITTEN; i--)
        if (strcmp(q->changes[i - 1].path, path) == 0)
            return true;
    return false;
}

void change_queue_add(struct change_queue *q, enum change_kind kind, const char *path, const char *to,
                      bool is_directory)
{
    pthread_mutex_lock(&q->lock);
    if (kind == CHANGE_WRITTEN && is_being_written(q, path)) {
        pthread_mutex_unlock(&q->lock);
        return;
    }
    if (q->count == q->room) {
        q->room = 2 * q->room + 64;
        q->changes = xreallocarray(q->changes, q->room, sizeof(*q->changes));
    }
    q->changes[q->count++] = (struct change){.kind = kind,
                                             .path = xstrdup(path),
                                             .to = to == NULL ? NULL : xstrdup(to),
                                             .is_directory = is_directory,
                                             .at_ms = clock_boot_ms()};
    pthread_mutex_unlock(&q->lock);
}

void change_queue_fail(struct change_queue *q, struct err *e)
{
    pthread_mutex_lock(&q->lock);
    if (q->failure.code == ERR_NONE)
        err_move(&q->failure, e);
    else
        err_fini(e);
    pthread_mutex_unlock(&q->lock);
}

int change_queue_drain(struct change_queue *q, void (*fn)(void *context, const struct change *c),
                       void *context, struct err *e)
{
    pthread_mutex_lock(&q->lock);
    struct change *changes = q->changes;
    size_t count = q->count;
    q->changes = NULL;
    q->count = q->room = 0;
    bool has_failed = q->failure.code != ERR_NONE;
    err_move(e, &q->failure);
    pthread_mutex_unlock(&q->lock);
    for (size_t i = 0; i < count; i++)
        fn(context, &changes[i]);
    free_changes(changes, count);
    return has_failed ? -1 : 0;
}

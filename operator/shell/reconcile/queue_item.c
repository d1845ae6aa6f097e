#include "shell/reconcile/queue_item.h"

#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "os/loop.h"

#include "base/banned.h"

enum { BACKOFF_FIRST_MS = 500, BACKOFF_MOST_MS = 60 * 1000 };
enum { STATUS_PAUSE_MS = 1000, STATUS_PAUSE_MOST_MS = 2000, STATUS_SHARE = 20 };

static void set_text(char **to, const char *text)
{
    char *copy = xstrdup(text);
    free(*to);
    *to = copy;
}

static void set_refused(struct queue_item *item, const struct child_ref *child, const char *message)
{
    set_text(&item->refused_name, child->name);
    set_text(&item->refused_message, message);
    item->refused = (struct child_ref){child->kind, item->refused_name, child->attempt};
}

struct queue_item *queue_item_new(struct loop *loop, const char *ns, const char *name,
                                  void (*on_due)(void *item), void *controller)
{
    struct queue_item *item = xcalloc(1, sizeof(*item));
    item->ns = xstrdup(ns);
    item->name = xstrdup(name);
    item->controller = controller;
    item->backoff = (struct backoff)BACKOFF(BACKOFF_FIRST_MS, BACKOFF_MOST_MS);
    item->backoff.random = (uint64_t)clock_wall_us() | 1;
    item->timer = loop_add_timer(loop, on_due, item);
    queue_item_reset(item, "");
    return item;
}

void queue_item_note_departed(struct queue_item *item, const struct pod_facts *last)
{
    item->departed = xreallocarray(item->departed, item->departed_count + 1, sizeof(*item->departed));
    item->departed[item->departed_count++] = pod_facts_copy(last);
}

void queue_item_forget_departed(struct queue_item *item, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(item->departed[i]);
    item->departed_count -= count;
    for (size_t i = 0; i < item->departed_count; i++)
        item->departed[i] = item->departed[i + count];
    if (item->departed_count > 0)
        return;
    free(item->departed);
    item->departed = NULL;
}

void queue_item_free(void *context)
{
    struct queue_item *item = context;
    if (item == NULL)
        return;
    loop_source_free(item->timer);
    expectations_fini(&item->expectations);
    queue_item_forget_departed(item, item->departed_count);
    free(item->ns);
    free(item->name);
    free(item->uid);
    free(item->listed_for);
    free(item->refused_name);
    free(item->refused_message);
    free(item->scaling_uid);
    free(item->scaling_message);
    free(item);
}

void queue_item_schedule(struct queue_item *item, int64_t delay_ms)
{
    int64_t now_ms = clock_boot_ms(), due_ms = now_ms + delay_ms;
    if (due_ms < item->held_until_ms)
        due_ms = item->held_until_ms;
    if (item->due_ms != 0 && item->due_ms <= due_ms)
        return;
    item->due_ms = due_ms;
    loop_timer_set(item->timer, due_ms - now_ms);
}

void queue_item_hold(struct queue_item *item, int64_t for_ms)
{
    item->held_until_ms = clock_boot_ms() + for_ms;
    if (item->due_ms == 0 || item->due_ms >= item->held_until_ms)
        return;
    item->due_ms = item->held_until_ms;
    loop_timer_set(item->timer, for_ms);
}

void queue_item_unschedule(struct queue_item *item)
{
    item->due_ms = 0;
}

void queue_item_reset(struct queue_item *item, const char *uid)
{
    set_text(&item->uid, uid);
    set_text(&item->listed_for, "");
    set_refused(item, &(struct child_ref){.name = ""}, "");
    set_text(&item->scaling_uid, "");
    set_text(&item->scaling_message, "");
    item->refused_count = 0;
    expectations_fini(&item->expectations);
    queue_item_forget_departed(item, item->departed_count);
    backoff_reset(&item->backoff);
}

void queue_item_note_refusal(struct queue_item *item, const struct child_ref *child, const char *message)
{
    /* Retries of a new attempt begin with the short pauses again. */
    if (child_is_of_other_attempt(child, &item->refused))
        item->refused_count = 0;
    set_refused(item, child, message);
    item->refused_us = clock_wall_us();
    item->is_refusal_told = false;
    if (item->refused_count < INT32_MAX)
        item->refused_count++;
}

void queue_item_note_further_refusal(struct queue_item *item, const struct child_ref *child,
                                     const char *message)
{
    if (child_order(child, &item->refused) < 0)
        set_refused(item, child, message);
}

void queue_item_note_created(struct queue_item *item)
{
    set_refused(item, &(struct child_ref){.name = ""}, "");
    item->refused_count = 0;
}

bool queue_item_note_relist(struct queue_item *item, const char *version)
{
    if (strcmp(item->listed_for, version) == 0)
        return false;
    set_text(&item->listed_for, version);
    return true;
}

/*
 * When many pods start or stop, the progress in the status changes many times. One write a second is enough
 * for people. While the API server is slow, a job's status may take a twentieth of its time; but not so
 * rarely that a phase of a few seconds is never seen.
 */
static int64_t status_pause_ms(int64_t took_ms)
{
    int64_t pause_ms = took_ms * STATUS_SHARE;
    if (pause_ms < STATUS_PAUSE_MS)
        return STATUS_PAUSE_MS;
    return pause_ms < STATUS_PAUSE_MOST_MS ? pause_ms : STATUS_PAUSE_MOST_MS;
}

int64_t queue_item_status_after_us(const struct queue_item *item, int64_t now_us)
{
    int64_t wait_ms = item->status_after_ms - clock_boot_ms();
    return wait_ms > 0 ? now_us + wait_ms * 1000 : 0;
}

void queue_item_note_status(struct queue_item *item, int64_t took_ms)
{
    item->is_refusal_told = item->refused_count > 0;
    item->status_after_ms = clock_boot_ms() + status_pause_ms(took_ms);
}

struct refusal queue_item_refusal(const struct queue_item *item)
{
    return (struct refusal){.child = item->refused,
                            .message = item->refused_message,
                            .at_us = item->refused_us,
                            .count = item->refused_count,
                            .is_told = item->is_refusal_told};
}

void queue_item_note_scaling(struct queue_item *item, const char *pod_uid, const struct scaling *scaling)
{
    set_text(&item->scaling_uid, pod_uid);
    set_text(&item->scaling_message, scaling->message);
    item->scaling_word = scaling->word;
    item->scaling_us = clock_wall_us();
}

struct scaling queue_item_scaling(const struct queue_item *item)
{
    return (struct scaling){.pod_uid = item->scaling_uid,
                            .word = item->scaling_word,
                            .message = item->scaling_message,
                            .asked_us = item->scaling_us};
}

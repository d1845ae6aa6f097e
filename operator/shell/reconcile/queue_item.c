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

static void set_refused(struct queue_item *t, const struct child *child, const char *message)
{
    set_text(&t->refused_name, child->name);
    set_text(&t->refused_message, message);
    t->refused = (struct child){child->kind, t->refused_name, child->attempt};
}

struct queue_item *queue_item_new(struct loop *loop, const char *ns, const char *name,
                                  void (*on_due)(void *task), void *controller)
{
    struct queue_item *t = xcalloc(1, sizeof(*t));
    t->ns = xstrdup(ns);
    t->name = xstrdup(name);
    t->controller = controller;
    t->backoff = (struct backoff)BACKOFF(BACKOFF_FIRST_MS, BACKOFF_MOST_MS);
    t->backoff.random = (uint64_t)clock_wall_us() | 1;
    t->timer = loop_add_timer(loop, on_due, t);
    queue_item_reset(t, "");
    return t;
}

void queue_item_note_departed(struct queue_item *t, const struct pod_facts *last)
{
    t->departed = xreallocarray(t->departed, t->departed_count + 1, sizeof(*t->departed));
    t->departed[t->departed_count++] = pod_facts_copy(last);
}

void queue_item_forget_departed(struct queue_item *t, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(t->departed[i]);
    t->departed_count -= count;
    for (size_t i = 0; i < t->departed_count; i++)
        t->departed[i] = t->departed[i + count];
    if (t->departed_count > 0)
        return;
    free(t->departed);
    t->departed = NULL;
}

void queue_item_free(void *task)
{
    struct queue_item *t = task;
    loop_source_free(t->timer);
    expectations_fini(&t->expectations);
    queue_item_forget_departed(t, t->departed_count);
    free(t->ns);
    free(t->name);
    free(t->uid);
    free(t->listed_for);
    free(t->refused_name);
    free(t->refused_message);
    free(t->scaling_uid);
    free(t->scaling_message);
    free(t);
}

void queue_item_schedule(struct queue_item *t, int64_t delay_ms)
{
    int64_t now_ms = clock_boot_ms(), due_ms = now_ms + delay_ms;
    if (due_ms < t->held_until_ms)
        due_ms = t->held_until_ms;
    if (t->due_ms != 0 && t->due_ms <= due_ms)
        return;
    t->due_ms = due_ms;
    loop_timer_set(t->timer, due_ms - now_ms);
}

void queue_item_hold(struct queue_item *t, int64_t for_ms)
{
    t->held_until_ms = clock_boot_ms() + for_ms;
    if (t->due_ms == 0 || t->due_ms >= t->held_until_ms)
        return;
    t->due_ms = t->held_until_ms;
    loop_timer_set(t->timer, for_ms);
}

void queue_item_unschedule(struct queue_item *t)
{
    t->due_ms = 0;
}

void queue_item_reset(struct queue_item *t, const char *uid)
{
    set_text(&t->uid, uid);
    set_text(&t->listed_for, "");
    set_refused(t, &(struct child){.name = ""}, "");
    set_text(&t->scaling_uid, "");
    set_text(&t->scaling_message, "");
    t->refused_count = 0;
    expectations_fini(&t->expectations);
    queue_item_forget_departed(t, t->departed_count);
    backoff_reset(&t->backoff);
}

void queue_item_note_created(struct queue_item *t)
{
    set_refused(t, &(struct child){.name = ""}, "");
    t->refused_count = 0;
}

void queue_item_note_refusal(struct queue_item *t, const struct child *child, const char *message)
{
    /* The backoff starts anew with each attempt. */
    if (child_is_of_other_attempt(child, &t->refused))
        t->refused_count = 0;
    set_refused(t, child, message);
    t->refused_us = clock_wall_us();
    t->is_refusal_told = false;
    if (t->refused_count < INT32_MAX)
        t->refused_count++;
}

void queue_item_note_further_refusal(struct queue_item *t, const struct child *child, const char *message)
{
    if (child_order(child, &t->refused) < 0)
        set_refused(t, child, message);
}

bool queue_item_note_relist(struct queue_item *t, const char *version)
{
    if (strcmp(t->listed_for, version) == 0)
        return false;
    set_text(&t->listed_for, version);
    return true;
}

/*
 * Many pods that start or end bring many changes of what the status tells. One write a second is enough for
 * people, and fewer while the API server is slow with them: a job then keeps it busy for a twentieth of the
 * time. Nobody shall miss a phase that lasts a few seconds.
 */
static int64_t status_pause_ms(int64_t took_ms)
{
    int64_t pause_ms = took_ms * STATUS_SHARE;
    if (pause_ms < STATUS_PAUSE_MS)
        return STATUS_PAUSE_MS;
    return pause_ms < STATUS_PAUSE_MOST_MS ? pause_ms : STATUS_PAUSE_MOST_MS;
}

int64_t queue_item_status_after_us(const struct queue_item *t, int64_t now_us)
{
    int64_t wait_ms = t->status_after_ms - clock_boot_ms();
    return wait_ms > 0 ? now_us + wait_ms * 1000 : 0;
}

void queue_item_note_status(struct queue_item *t, int64_t took_ms)
{
    t->is_refusal_told = t->refused_count > 0;
    t->status_after_ms = clock_boot_ms() + status_pause_ms(took_ms);
}

struct refusal queue_item_refusal(const struct queue_item *t)
{
    return (struct refusal){.child = t->refused,
                            .message = t->refused_message,
                            .at_us = t->refused_us,
                            .count = t->refused_count,
                            .is_told = t->is_refusal_told};
}

void queue_item_note_scaling(struct queue_item *t, const char *pod_uid, const struct scaling *word)
{
    set_text(&t->scaling_uid, pod_uid);
    set_text(&t->scaling_message, word->message);
    t->scaling_word = word->word;
    t->scaling_us = clock_wall_us();
}

struct scaling queue_item_scaling(const struct queue_item *t)
{
    return (struct scaling){.pod_uid = t->scaling_uid,
                            .word = t->scaling_word,
                            .message = t->scaling_message,
                            .asked_us = t->scaling_us};
}

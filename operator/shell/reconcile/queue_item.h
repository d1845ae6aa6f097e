/*
 * One job's place in the queue: when it is looked at next, what its writes still
 * have to show, what the API server refused, and which workers have gone. Memory of this process only; a
 * new process starts without it. Owned by the controller.
 */
#ifndef RECONCILE_QUEUE_ITEM_H
#define RECONCILE_QUEUE_ITEM_H

#include "base/backoff.h"
#include "shell/cache/expectations.h"

struct loop;
struct loop_source;
struct reconcile;

struct queue_item {
    char *ns;
    char *name;
    char *uid;        /* of the job that it is about; "" before the first pass */
    char *listed_for; /* version of the job for which pods were listed anew; see reconcile.c */
    struct loop_source *timer;
    int64_t due_ms;        /* boot clock; 0 = not due */
    int64_t begun_ms;      /* of the running pass */
    int64_t held_until_ms; /* whatever changes, not before: the server asked to wait */
    struct backoff backoff;
    struct expectations expectations;
    struct child refused; /* its name is refused_name; CHILD_NONE = nothing */
    char *refused_name;
    char *refused_message;
    int64_t refused_us;
    int32_t refused_count;
    bool is_refusal_told;
    char *scaling_uid; /* of the pod that the autoscaler was asked for; "" = none */
    char *scaling_message;
    enum scaling_word scaling_word;
    int64_t scaling_us;
    struct pod_facts **departed; /* workers that have gone, as they were seen last; in that order */
    size_t departed_count;
    struct reconcile *pass; /* running */
    bool is_dirty;          /* while the pass was running */
    /* Due, but as many passes run as may: a place in the controller's line. */
    bool is_waiting;
    struct queue_item *next_waiting;
    int64_t ready_ms; /* boot clock: when the pass that is not begun yet became due; 0 = it is not due */
    int64_t status_after_ms; /* boot clock: what only tells how far things are waits until then */
    void *controller;        /* for the timer */
};

struct queue_item *queue_item_new(struct loop *loop, const char *ns, const char *name,
                                  void (*on_due)(void *task), void *controller) MUST_CHECK RETURNS_NONNULL;
void queue_item_free(void *task);
/* Due in delay_ms or earlier, unless it is held. */
void queue_item_schedule(struct queue_item *t, int64_t delay_ms);
/* Not due for so long. */
void queue_item_hold(struct queue_item *t, int64_t for_ms);
/* The timer fired. */
void queue_item_unschedule(struct queue_item *t);
/* The job is another one under the same name: what was remembered is void. */
void queue_item_reset(struct queue_item *t, const char *uid);
/* The API server accepted a create. */
void queue_item_note_created(struct queue_item *t);
/* It refused one, the first of this reconcile. */
void queue_item_note_refusal(struct queue_item *t, const struct child *child, const char *message);
/* One more of the same pass: of many the first by name is told, whatever the order of the answers. */
void queue_item_note_further_refusal(struct queue_item *t, const struct child *child, const char *message);
/* A status was written just now, which took so long: it tells of the refusal, if there was one. */
void queue_item_note_status(struct queue_item *t, int64_t took_ms);
/* Wall clock; 0 = a status may be written now. */
int64_t queue_item_status_after_us(const struct queue_item *t, int64_t now_us);
struct refusal queue_item_refusal(const struct queue_item *t);
/* What the cluster autoscaler says of that pod, as of now. */
void queue_item_note_scaling(struct queue_item *t, const char *pod_uid, const struct scaling *word);
struct scaling queue_item_scaling(const struct queue_item *t);
/* A worker has gone; the facts are copied. */
void queue_item_note_departed(struct queue_item *t, const struct pod_facts *last);
/* Of the first so many, all is decided. */
void queue_item_forget_departed(struct queue_item *t, size_t count);
/* False when pods were listed for that version of the job already. */
bool queue_item_note_relist(struct queue_item *t, const char *version);

#endif

/*
 * One job's item in the work queue: when the job is reconciled next, which of its writes the caches have yet
 * to show, what the API server refused, and which workers were deleted. Memory of this process only; a new
 * process starts without it. Owned by the controller.
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
    char *uid;        /* of the job that the rest is about; "" before the first reconcile */
    char *listed_for; /* resourceVersion of the job for which pods were listed again; see reconcile.c */

    /* ---- the queue ---- */
    struct loop_source *timer;
    int64_t due_ms;        /* boot clock; 0 = not scheduled */
    int64_t due_since_ms;  /* boot clock: when the next reconcile became due; 0 = it is not due */
    int64_t held_until_ms; /* boot clock: not due before, since the API server asked to wait */
    struct backoff backoff;
    bool is_ready; /* due, and waiting for one of the running reconciles to end */
    struct queue_item *next_ready;
    struct reconcile *reconcile; /* the running one, or NULL */
    int64_t begun_ms;            /* boot clock: when it began */
    bool is_dirty;               /* the job changed while it was being reconciled */
    void *controller;            /* for the timer */

    /* ---- what is remembered of the job ---- */
    struct expectations expectations;
    struct child_ref refused; /* its name is refused_name; CHILD_NONE = nothing was refused */
    char *refused_name;
    char *refused_message;
    int64_t refused_us;
    int32_t refused_count;
    bool is_refusal_told; /* in the status */
    char *scaling_uid;    /* of the pod that the autoscaler was asked about; "" = none */
    char *scaling_message;
    enum scaling_word scaling_word;
    int64_t scaling_us;
    struct pod_facts **departed; /* deleted workers, as they were seen last, oldest first */
    size_t departed_count;
    int64_t status_after_ms; /* boot clock: a status that only reports progress is not written before */
};

struct queue_item *queue_item_new(struct loop *loop, const char *ns, const char *name,
                                  void (*on_due)(void *item), void *controller) MUST_CHECK RETURNS_NONNULL;
void queue_item_free(void *item); /* void: as a store calls it; NULL is fine */
/* Makes it due in delay_ms or earlier, but not before the end of a hold. */
void queue_item_schedule(struct queue_item *item, int64_t delay_ms);
/* Not due for that long, whatever changes. */
void queue_item_hold(struct queue_item *item, int64_t for_ms);
/* The timer fired. */
void queue_item_unschedule(struct queue_item *item);
/* Another job has the name now: forgets everything about the old one. */
void queue_item_reset(struct queue_item *item, const char *uid);
/* The API server refused to create the child, the first in this reconcile. */
void queue_item_note_refusal(struct queue_item *item, const struct child_ref *child, const char *message);
/* A further refusal in the same reconcile: the first by kind and name is kept, whatever the order of the
 * answers. */
void queue_item_note_further_refusal(struct queue_item *item, const struct child_ref *child,
                                     const char *message);
/* The API server accepted everything that a reconcile created: an earlier refusal is void. */
void queue_item_note_created(struct queue_item *item);
struct refusal queue_item_refusal(const struct queue_item *item);
/* A status was written just now, which took that long. It names the refusal, if there was one. */
void queue_item_note_status(struct queue_item *item, int64_t took_ms);
/* Wall clock; 0 = a status may be written now. */
int64_t queue_item_status_after_us(const struct queue_item *item, int64_t now_us);
/* What the cluster autoscaler's events say about that pod now. */
void queue_item_note_scaling(struct queue_item *item, const char *pod_uid, const struct scaling *scaling);
struct scaling queue_item_scaling(const struct queue_item *item);
/* A worker was deleted; the facts are copied. */
void queue_item_note_departed(struct queue_item *item, const struct pod_facts *last);
/* A plan has taken the first `count` of them into account. */
void queue_item_forget_departed(struct queue_item *item, size_t count);
/* False when pods were already listed again for that resourceVersion of the job. */
bool queue_item_note_relist(struct queue_item *item, const char *version);

#endif

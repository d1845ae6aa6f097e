/*
 * One job's place in the queue: when it is looked at next, what its writes still
 * have to show, what the API server refused, and which workers have gone. Memory of this process only; a
 * new process starts without it. Owned by the controller.
 */
#ifndef RECONCILE_TASK_H
#define RECONCILE_TASK_H

#include "base/backoff.h"
#include "shell/cache/expectations.h"

struct loop;
struct loop_source;
struct pass;

struct task {
    char *ns;
    char *name;
    char *uid;        /* of the job that it is about; "" before the first pass */
    char *listed_for; /* version of the job for which pods were listed anew; see pass.c */
    struct loop_source *timer;
    int64_t due_ms;        /* boot clock; 0 = not due */
    int64_t begun_ms;      /* of the running pass */
    int64_t held_until_ms; /* whatever changes, not before: the server asked to wait */
    struct backoff backoff;
    struct expectations expectations;
    char *refused_object; /* "" = nothing */
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
    struct pass *pass; /* running */
    bool is_touched;   /* while the pass was running */
    /* Due, but as many passes run as may: a place in the controller's line. */
    bool is_waiting;
    struct task *next_waiting;
    int64_t ready_ms; /* boot clock: when the pass that is not begun yet became due; 0 = it is not due */
    int64_t status_after_ms; /* boot clock: what only tells how far things are waits until then */
    void *controller;        /* for the timer */
};

struct task *task_new(struct loop *loop, const char *ns, const char *name, void (*on_due)(void *task),
                      void *controller) MUST_CHECK RETURNS_NONNULL;
void task_free(void *task);
/* Due in delay_ms or earlier, unless it is held. */
void task_schedule(struct task *t, int64_t delay_ms);
/* Not due for so long. */
void task_hold(struct task *t, int64_t for_ms);
/* The timer fired. */
void task_not_due(struct task *t);
/* The job is another one under the same name: what was remembered is void. */
void task_forget(struct task *t, const char *uid);
/* What the API server said to a create: refused, or, with object NULL, taken. */
void task_note_create(struct task *t, const char *object, const char *message);
/* One more of the same pass: of many the first by name is told, whatever the order of the answers. */
void task_note_refusal_too(struct task *t, const char *object, const char *message);
/* A status was written just now, which took so long: it tells of the refusal, if there was one. */
void task_note_status(struct task *t, int64_t took_ms);
/* Wall clock; 0 = a status may be written now. */
int64_t task_status_after_us(const struct task *t, int64_t now_us);
struct refusal task_refusal(const struct task *t);
/* What the cluster autoscaler says of that pod, as of now. */
void task_note_scaling(struct task *t, const char *pod_uid, const struct scaling *word);
struct scaling task_scaling(const struct task *t);
/* A worker has gone; the facts are copied. */
void task_note_departed(struct task *t, const struct pod_facts *last);
/* Of the first so many, all is decided. */
void task_forget_departed(struct task *t, size_t count);
/* False when pods were listed for that version of the job already. */
bool task_note_listing(struct task *t, const char *version);

#endif

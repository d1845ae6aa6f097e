/*
 * The workbench of one pass; used by plan*.c only. Steps change `next` and add
 * actions; planner_finish turns both into a plan.
 */
#ifndef PLAN_PLANNER_INT_H
#define PLAN_PLANNER_INT_H

#include "core/model/gang.h"
#include "core/plan/plan.h"
#include "core/verdict/verdict.h"

#define SECOND_US INT64_C(1000000)
/* What the CRD allows of status.message and of a condition's. */
#define MESSAGE_MAX ((size_t)4096)
/* A failure, a checkpoint, a turn of status.reason, a resumption, a forced deletion, an unknown target of
 * notifications, a dropped one. */
#define EVENTS_MAX 7

struct planner {
    const struct world *w;
    const struct job *j;
    struct arena *a;
    struct gang gang;
    enum technology technology; /* that the gang's new pods ask for */
    struct job_status next;
    struct action *actions; /* the first slot is kept for the status */
    size_t count;
    struct action events[EVENTS_MAX]; /* they come after the writes that matter */
    size_t event_count;
    int64_t wake_us; /* 0 = never */
    const char *wake_why;
    bool may_scale_up;           /* nodes that lack now, an autoscaler may still bring */
    const char *failing_message; /* of phase Failing: what status.message will be when it has failed */
};

void planner_init(struct planner *p, const struct world *w, struct arena *a);
struct plan planner_finish(struct planner *p);

void planner_add_action(struct planner *p, struct action action);
/* The earliest of all calls counts. */
void planner_wake_at(struct planner *p, int64_t at_us, const char *why);
/* Where the job stands, for people and programs. */
void planner_set_phase(struct planner *p, enum job_phase phase, const char *reason, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* About the job as a whole: one that comes again becomes a series, whatever its note says. */
void planner_add_event(struct planner *p, const char *type, const char *reason, const char *note);
/* The same, about that pod, too. Of another pod it is another event. */
void planner_add_pod_event(struct planner *p, const char *type, const char *reason, const char *pod,
                           const char *note);
/* Whole seconds, as the API keeps them. */
int64_t planner_now_us(const struct planner *p);
/* From now on the gang is that attempt's. */
void planner_set_attempt(struct planner *p, int32_t attempt);
/* At most `max` bytes, cut between characters. */
const char *text_clip(struct arena *a, const char *text, size_t max);

/* report.c: what agents posted. */
bool plan_is_publishing(const struct planner *p);        /* the programs of all workers have ended well */
const char *plan_slowest_stage(const struct planner *p); /* before the programs run; "" = not told */
void plan_apply_reports(struct planner *p);              /* progress and newest checkpoint of `next` */
/* status.c: counts, nodes, newest checkpoint and conditions of `next`. */
void plan_update_status(struct planner *p);
/*
 * end.c: nothing leads out of these. A job that fails is Failing until its workers have ended, so that
 * whoever reads Failed knows that none runs any more.
 */
void plan_fail(struct planner *p, const char *reason, const char *message);
void plan_continue_failing(struct planner *p);
void plan_succeed(struct planner *p);
/* Of a job that has ended: what may be left of it. */
void plan_clean_up(struct planner *p);
/* failure.c: true when the attempt has failed, now or in a pass before. */
bool plan_handle_failure(struct planner *p);
/* queue.c: Kueue's pod groups. */
const char *plan_group_name(struct planner *p);
/* True when the next attempt cannot be of the same group, which is to be ended before it begins. */
bool plan_leave_group(struct planner *p);
/* Nothing more comes into the group: Kueue lets go of its pods. */
void plan_end_group(struct planner *p);
/* True when workers wait in the queue, or were let go to where they cannot run; and that was said. */
bool plan_report_queue(struct planner *p);
/* fallback.c: true when the attempt finds no room for too long and another technology is to be tried. */
bool plan_fall_back(struct planner *p, struct verdict *ret);
/* quota.c: true when a quota keeps the attempt incomplete for too long and what it holds is to be given
 * back. */
bool plan_release_partial_gang(struct planner *p, struct verdict *ret);
/* Once that is written down: when the next attempt may begin. */
void plan_back_off_after_release(struct planner *p);
/* What the next attempt asks for. */
enum technology plan_next_technology(const struct planner *p);
/* restart.c: the next attempt, as soon as it may start; the first one, too. */
void plan_start(struct planner *p);
void plan_restart(struct planner *p);
/* deadline.c: true when the job has failed by it. */
bool plan_enforce_deadline(struct planner *p);
/* Of a job that a queue has let go: its time goes on. */
void plan_exclude_queued_time(struct planner *p);
/* suspend.c: gives the attempt up, without its being a failure. */
void plan_suspend(struct planner *p);
void plan_report_resumption(struct planner *p);
/* stop.c. `grace_seconds` for workers that run, -1 = their own. */
void plan_stop_workers(struct planner *p, int32_t grace_seconds, const char *why);
void plan_stop_old_workers(struct planner *p);
void plan_remove_ended_workers(struct planner *p, const char *why);
void plan_remove_old_pods(struct planner *p);
/* Of the workers that have not ended, the one to speak of; NULL = all have. */
const struct pod_facts *plan_awaited_worker(const struct planner *p);
/* "worker 1 (pod digits-worker-1-1 on node cc-0) has ended", and what delays it: to stand behind "when". */
const char *plan_wait_text(struct planner *p, const struct pod_facts *pod);
/* An event for workers that are deleted by force. */
void plan_report_forced_deletion(struct planner *p);
/* children.c: creates what the attempt lacks, or says why it may not. True when all workers are there.
 */
bool plan_create_children(struct planner *p);
/* progress.c: says how far a healthy attempt is. */
void plan_report_progress(struct planner *p);
/* notify.c: who is to be told of the turn from the job's status to `next`, and who has been told. */
void plan_notify(struct planner *p);

#endif

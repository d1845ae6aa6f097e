/*
 * Internal to operator/core/plan: the state of one run of plan_job(), and the steps that it consists of.
 *
 * Steps read the world, change `next` (the status to be written) and add actions; planner_finish() makes a
 * plan of both. Everything lives in the arena or is borrowed from the world. Nothing fails.
 */
#ifndef PLAN_PLANNER_INT_H
#define PLAN_PLANNER_INT_H

#include "core/model/gang.h"
#include "core/plan/plan.h"
#include "core/verdict/verdict.h"

#define SECOND_US INT64_C(1000000)
/* What the CRD allows of status.message and of a condition's message, in bytes. */
#define MESSAGE_MAX ((size_t)4096)
/* A failure, a checkpoint, one that is restored, one that is passed over, warnings, a change of
 * status.reason, a resumption, a forced deletion, an unknown notification target, a dropped notification. */
#define EVENTS_MAX 10

struct planner {
    const struct world *w;
    const struct job *j;
    struct arena *a;
    struct gang gang;
    enum technology technology; /* requested by pods that are created now */
    struct job_status next;
    struct action *actions; /* the first slot is reserved for the status */
    size_t count;
    struct action events[EVENTS_MAX]; /* emitted after the writes */
    size_t event_count;
    int64_t wake_us; /* 0 = never */
    const char *wake_why;
    bool may_scale_up;              /* an autoscaler may still add the missing nodes */
    const char *failing_message;    /* in phase Failing: status.message once the job has failed */
    const struct pod_facts *forced; /* next.message says that this pod is force-deleted now; NULL = none */
};

/* planner.c */
void planner_init(struct planner *p, const struct world *w, struct arena *a);
struct plan planner_finish(struct planner *p);
void planner_add_action(struct planner *p, struct action action);
/* Plans again at that wall time at the latest. The earliest of all calls counts. */
void planner_wake_at(struct planner *p, int64_t at_us, const char *why);
/* Sets phase, reason and message of the status. */
void planner_set_phase(struct planner *p, enum job_phase phase, const char *reason, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* An event about the job. Repeated events with one reason become a series, whatever their notes. */
void planner_add_event(struct planner *p, const char *type, const char *reason, const char *note);
/* The same, with the pod as related object; events about different pods are different series. */
void planner_add_pod_event(struct planner *p, const char *type, const char *reason, const char *pod,
                           const char *note);
/* The wall time in whole seconds, as the API keeps it. */
int64_t planner_now_us(const struct planner *p);
/* Makes that attempt the current one, and its workers the gang. */
void planner_set_attempt(struct planner *p, int32_t attempt);

/* text.c */
/* At most `max` bytes, cut between characters. */
const char *text_clip(struct arena *a, const char *text, size_t max);
/* With a capital first letter; the text is not empty. */
const char *text_capitalize(struct arena *a, const char *text);
/* "cc-0, cc-1"; where that takes more than `max` bytes, as many as fit "and others". */
const char *text_list(struct arena *a, const char *const *names, size_t count, size_t max);
/* RFC 3339, in seconds. */
const char *text_time(struct arena *a, int64_t us);

/* report.c: what agents have posted. */
/* The programs of all workers have exited with 0. */
bool plan_is_publishing(const struct planner *p);
/* The earliest stage that any agent is at before the programs run; "" = unknown. */
const char *plan_slowest_stage(const struct planner *p);
/* Updates progress and newest checkpoint of `next`. */
void plan_apply_reports(struct planner *p);
/* restored.c: what attempts restored. */
/* Updates what the current attempt restored in `next`. */
void plan_note_restored(struct planner *p);
/* Before the next attempt starts. True: it passes over the checkpoint that attempts could not go on from. */
bool plan_pass_over(struct planner *p);
/* An event about that, once the next attempt has started. */
void plan_report_passed_over(struct planner *p);

/* report.c */
/* What the agents warn of, as sentences that each begin with a space and a worker; "" = nothing. */
const char *plan_warnings(const struct planner *p);

/* status.c: updates counts, nodes, completed indexes, reports and conditions of `next`. */
void plan_update_status(struct planner *p);

/*
 * end.c. These are final: a job that fails is Failing until its workers have stopped and Failed afterwards,
 * so that Failed implies that no worker runs.
 */
void plan_fail(struct planner *p, const char *reason, const char *message);
void plan_continue_failing(struct planner *p);
void plan_succeed(struct planner *p);
/* Of a finished job: stops and deletes what cleanPodPolicy and ttlSecondsAfterFinished say. */
void plan_clean_up(struct planner *p);

/* failure.c: true when the attempt has failed, now or in an earlier run. Restarts or fails the job. */
bool plan_handle_failure(struct planner *p);

/* queue.c: Kueue's pod groups. */
/* The pod group of new pods; "" = none. */
const char *plan_group_name(struct planner *p);
/* True when the next attempt cannot join the current group, which is ended first. */
bool plan_leave_group(struct planner *p);
/* Marks the group as complete, so that Kueue releases its pods. */
void plan_end_group(struct planner *p);
/* True when workers wait in the queue or were admitted to the wrong nodes; reports it. */
bool plan_report_queue(struct planner *p);

/* fallback.c */
/* True when the attempt has been unschedulable for too long and the next technology is to be tried. */
bool plan_fall_back(struct planner *p, struct verdict *ret);
/* What the next attempt requests. */
enum technology plan_next_technology(const struct planner *p);

/* quota.c */
/* True when a quota has kept the gang incomplete for too long and its workers are to be released. */
bool plan_release_partial_gang(struct planner *p, struct verdict *ret);
/* Once that is recorded as a failure: sets when the next attempt may start. */
void plan_back_off_after_release(struct planner *p);

/* restart.c: the first attempt, and the next one as soon as it may start. */
void plan_start(struct planner *p);
void plan_restart(struct planner *p);

/* deadline.c */
/* True when the job has exceeded activeDeadlineSeconds; fails it. */
bool plan_enforce_deadline(struct planner *p);
/* Moves startTime on by the time that the job was queued, once the queue has admitted it. */
void plan_exclude_queued_time(struct planner *p);

/* suspend.c: ends the attempt without counting a failure. */
void plan_suspend(struct planner *p);
void plan_report_resumption(struct planner *p);

/* stop.c */
/* Deletes workers that run; grace_seconds -1 = their own grace period. Those that are stuck are
 * force-deleted. */
void plan_stop_workers(struct planner *p, int32_t grace_seconds, const char *why);
/* The same, of earlier attempts only. */
void plan_stop_old_workers(struct planner *p);
/* Deletes pods that have terminated. */
void plan_remove_ended_workers(struct planner *p, const char *why);
/* Deletes terminated pods of attempts that status.failures no longer lists. */
void plan_remove_old_pods(struct planner *p);
/* The worker to report among those that have not stopped; NULL = all have. */
const struct pod_facts *plan_awaited_worker(const struct planner *p);
/*
 * "waiting for worker 1 (pod digits-worker-1-1 on node cc-0) to stop", what is waited for (`before`: "" or
 * " before attempt 2 starts"), and what delays it: one sentence or more. It must go into next.message.
 */
const char *plan_wait_text(struct planner *p, const struct pod_facts *pod, const char *before);
/* An event when next.message says that workers are force-deleted. */
void plan_report_forced_deletion(struct planner *p);

/* children.c: creates what the attempt lacks, or reports why it may not. True when all workers exist. */
bool plan_create_children(struct planner *p);

/* progress.c: sets phase, reason and message of an attempt that has not failed. */
void plan_report_progress(struct planner *p);

/* notify.c: adds the notifications that the change from the job's status to `next` calls for, and removes
 * those that were delivered. */
void plan_notify(struct planner *p);

#endif

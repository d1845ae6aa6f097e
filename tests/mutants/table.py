"""Seeded bugs: each is built into a copy of the source it stands in, and is on when CLOISTER_MUTANT is its number.

One row a bug: its name, the bug of a paper or an issue tracker that it is modelled on, the text that it replaces
(exactly once in its file; between ⟦ and ⟧ where more is needed to say which), and the text in place of it. `E` rows
replace an expression, `S` rows a whole statement.

Sieve (OSDI'22) names bugs by their patterns: an operator that dies between two writes (intermediate state), that reads
what has been overtaken (stale state), that never sees what came and went (unobserved state); and others that it found
on the way (indirect).
"""
from typing import NamedTuple

class Mutant(NamedTuple):
    name: str
    file: str
    model: str
    old: str
    new: str
    is_statement: bool

MUTANTS = []
_file = ""

def of(file):
    global _file
    _file = file

def E(name, model, old, new):
    MUTANTS.append(Mutant(name, _file, model, old, new, False))

def S(name, model, old, new=""):
    MUTANTS.append(Mutant(name, _file, model, old, new, True))

of("operator/core/plan/plan.c")
E("creates_for_a_deleted_job", "Sieve, indirect: children made after the parent's deletion",
  "!w->job->is_deleting", "true")
E("creates_in_a_namespace_that_goes", "Sieve, indirect: children made after the parent's deletion",
  "!w->ns->is_deleting", "true")
E("starts_anew_when_the_status_is_lost", "Sieve, stale: a status older than the pods made from it",
  "p->gang.newest <= p->next.attempt", "true")
E("succeeds_without_all_workers", "Volcano #2684: wrong phase",
  "g->workers[i] == NULL || g->workers[i]->phase != POD_SUCCEEDED", "g->workers[i] && g->workers[i]->phase != POD_SUCCEEDED")
E("runs_a_finished_job_again", "Trainer #3737, #3779: made again after its end",
  "status_is_finished(&p->j->status)", "p->j->status.phase == PHASE_FAILED")
S("leaves_late_workers_of_an_old_attempt", "Sieve, stale: a create that arrives late", "plan_stop_old_workers(p);")
S("does_not_say_which_generation_it_saw", "Trainer #2713: conditions stay behind the spec",
  "p->next.observed_generation = p->j->generation;")

E("does_not_hear_of_suspension", "MPI operator #670: suspend without effect", "p->j->spec.suspend", "false")

of("operator/core/plan/failure.c")
E("keeps_a_part_of_a_gang_for_ever", "Volcano #2377: stuck, partial gangs", "plan_release_partial_gang(p, &v)", "false")
E("counts_one_failure_in_every_pass", "kubernetes #111608, #132144: a pod counted more than once",
  "s->failures[s->failure_count - 1].attempt == s->attempt", "false")
E("does_not_miss_a_pod_that_is_gone", "Sieve, unobserved; Trainer #2072: the job hangs",
  "gang_missing(&p->gang, &p->j->status) <= 0", "true")
E("misses_a_pod_that_was_never_made", "Sieve, intermediate: killed between two creates",
  "gang_missing(&p->gang, &p->j->status) <= 0", "false")
E("forgets_how_a_pod_was_that_is_gone", "Sieve, unobserved: a failure that came and went",
  "bool is_failure = ⟦p->gang.departed[i] != NULL⟧", "false")
E("settles_what_nobody_can_see_again", "Sieve, unobserved: a failure that came and went",
  "gang_departed(&p->gang) > 0", "false")
E("blames_the_first_worker", "MPI operator #90: the status does not say what failed",
  "!has_failed || verdict_outranks(&v, ret)", "!has_failed")
E("judges_before_the_cause_is_in", "training-operator #1711: unclear which failure counts",
  "until <= p->w->now_us", "true")
S("forgets_to_look_again_after_settling", "Sieve: the controller is stuck",
  'planner_wake_at(p, until, "report of a failed worker");')
S("keeps_the_oldest_failures", "Trainer #2351: the status shows what is long over",
  "memmove(s->failures, s->failures + 1, (FAILURES_MAX - 1) * sizeof(*s->failures));")
E("forgives_at_once", "JobSet: no pause between restarts", "p->w->now_us - ready->transition_us >= HEALTHY_US", "true")
S("forgives_when_the_next_failure_is_known", "JobSet: no pause between restarts", "⟦reset_backoff_when_healthy(p);⟧\n    if (is_recorded", "")
S("never_doubles_the_pause", "JobSet: no pause between restarts", "⟦seconds *= 2;⟧\n    if (seconds > BACKOFF", "break;")
E("charges_disruptions_to_the_program", "kubernetes #125677: evictions use up backoffLimit",
  "rule != NULL || v->failure_class != CLASS_Disruption", "true")
E("allows_one_restart_too_many", "training-operator #1589: the limit of restarts does not hold",
  "*b.spent >= b.limit", "*b.spent > b.limit")
S("never_counts", "training-operator #1589: restarts for ever", "++*b.spent;")
E("repeats_what_cannot_succeed", "RayJob #2192: retries without end", "v->retry == RETRY_NEVER && rule == NULL", "false")
E("does_not_hear_of_rules", "kubernetes #125677: podFailurePolicy without effect", "rule != NULL && rule->action == RULE_FAIL_JOB", "false")
E("counts_what_suspension_ends", "MPI operator #670: suspension counted as a failure",
  "status_is_suspended(&p->next) && v.failure_class != CLASS_Security", "false")

of("operator/core/plan/restart.c")
S("begins_beside_workers_that_still_run", "training-operator #2269: one failed worker, no gang restart",
  'plan_stop_workers(p, -1, "attempt over");')
E("does_not_wait_for_a_pod_that_terminates", "JobSet #574, #576; Kueue #15424: replaced before it is gone",
  "if (⟦alive != NULL⟧)", "alive && !alive->is_deleting ? alive : NULL")
E("begins_again_without_a_pause", "JobSet: no pause between restarts", "p->next.backoff_until_us > p->w->now_us", "false")
S("forgets_to_begin_again_after_the_pause", "Sieve: the controller is stuck",
  'planner_wake_at(p, p->next.backoff_until_us, "end of the backoff");')
E("uses_an_attempt_number_again", "Volcano #5385: a restart loses the gang's state", "planner_set_attempt(p, ⟦before + 1⟧)",
  "before ? before : 1")
E("starts_what_no_pod_can_carry", "Acto: insufficient validation", "size <= ASSIGNMENT_BYTES_MAX", "true")
E("counts_an_attempt_that_never_began", "training-operator: attempt numbers before their pods",
  "p->count == actions", "false")
E("forgets_when_it_started", "Trainer #2713: no start time to print", "p->next.start_time_us == 0", "false")

of("operator/core/model/refusal.c")
E("delays_an_attempt_for_a_refusal_of_the_one_before", "Cloister: when a quota lets a gang in",
  "(refused == 0 || refused == attempt)", "true")

of("operator/core/plan/children.c")
E("takes_over_a_foreign_service", "Acto: a foreign object of the child's name", "strcmp(child->owner_uid, p->j->uid) == 0",
  "true")
E("does_not_miss_the_service", "MPI operator #386, #443: workers cannot find one another", "is_complete && p->w->service != NULL",
  "is_complete")
E("hammers_what_was_refused", "Volcano #3358: the API server under load", "at_us <= p->w->now_us", "true")
S("forgets_to_try_a_refused_create_again", "Sieve: the controller is stuck",
  'planner_wake_at(p, at_us, "retry of a refused create");')
E("does_not_look_at_the_namespace", "Sieve: security", "n->is_confidential", "true")
S("makes_a_part_of_the_gang", "Volcano #2377: a gang in part", "if (p->gang.workers[i] != NULL)\n            continue;",
  "if (p->gang.workers[i] || i > 0) continue;")
S("makes_again_what_is_there", "Sieve, stale: a child that the view lacks",
  "if (p->gang.workers[i] != NULL)\n            continue;", "(void)0;")

E("takes_turns_in_complaining", "two leaders: each writes the status in its own words", "if (⟦!is_refusal_reported(p, r)⟧)", "true")
S("makes_pods_before_their_policy", "Sieve: security", "create_policy(p);")
S("lets_the_policy_go_before_the_workers", "Sieve: security", "update_policy(p);")
E("lets_workers_talk_in_the_clear", "Sieve: security", "p->w->config->has_inter_node_encryption", "true")

of("operator/core/plan/stop.c")
E("kills_what_has_ended", "training-operator #3419: logs gone in spite of cleanPodPolicy",
  "if (pod == NULL || ⟦!pod_is_alive(pod)⟧)", "false")
E("deletes_what_is_being_deleted", "Sieve, indirect: needless writes in every pass",
  "if (⟦pod->is_deleting⟧)\n        wait_or_force", "false")
E("stops_this_attempt_only", "Sieve: pods leak", "⟦stop(p, p->gang.others[i], grace_seconds, why)⟧", "(void)0")
E("removes_the_pods_of_every_old_attempt", "training-operator #3419: logs gone in spite of cleanPodPolicy",
  "⟦p->next.attempt - FAILURES_MAX⟧", "p->next.attempt")
E("never_removes_old_pods", "Sieve: pods leak", "⟦p->next.attempt - FAILURES_MAX⟧", "0")
E("forces_a_pod_within_its_grace", "JobSet #574, #576: a timeout for pods that terminate",
  "⟦pod->deletion_us + seconds * SECOND_US⟧;", "1")
E("never_forces_a_pod", "Trainer #2072; training-operator #1570: Terminating for ever",
  "at_us != 0 && ⟦at_us <= p->w->now_us⟧", "false")
E("forces_a_pod_in_every_pass", "Sieve, indirect: needless writes in every pass",
  "pod->deletion_us == 0 || ⟦pod->is_forced⟧ || seconds", "false")
S("forgets_to_force_a_pod", "Sieve: the controller is stuck",
  'planner_wake_at(p, at_us, "termination timeout of a worker");')
E("does_not_say_that_it_forced", "Trainer #3315: who deleted the pod?", "p->forced != NULL", "false")

of("operator/core/plan/suspend.c")
S("lets_a_suspended_job_run", "MPI operator #670; kubernetes: suspend deletes the pods",
  'plan_stop_workers(p, -1, "job suspended");')
S("lets_the_deadline_run_on_in_suspension", "Trainer, Job: the deadline begins anew on resumption",
  "p->next.start_time_us = 0;")

of("operator/core/plan/deadline.c")
E("never_reaches_its_deadline", "Trainer #2899: no run policy", "at_us > p->w->now_us", "true")
S("forgets_its_deadline", "Sieve: the controller is stuck", 'planner_wake_at(p, at_us, "job deadline");')

of("operator/core/plan/end.c")
E("lets_a_wrong_machine_keep_its_grace", "Sieve: security",
  "is_security_failure(&p->next) ? SECURITY_GRACE_SECONDS : -1", "-1")
S("leaves_workers_when_the_job_has_ended", "MPI operator #127, #152: workers left running",
  'stop_workers(p, "job finished");')
S("fails_before_its_workers_have_ended", "kubernetes Job, FailureTarget: Failed while pods run",
  "alive = plan_awaited_worker(p);", "alive = NULL;")
E("lets_people_look_into_what_was_tampered_with", "Sieve: security", "CLEAN_PODS_NONE && ⟦!is_security_failure(&p->next)⟧",
  "true")
E("keeps_children_for_ever", "Trainer #2899, #4052: no time to live", "⟦at_us <= p->w->now_us⟧)\n        return true;", "false")
S("forgets_the_time_to_live", "Sieve: the controller is stuck", 'planner_wake_at(p, at_us, "end of ttlSecondsAfterFinished");')
E("removes_a_foreign_service", "Acto: a foreign object of the child's name",
  "child != NULL && ⟦strcmp(child->owner_uid, p->j->uid) == 0⟧", "true")
E("cleans_up_unasked", "training-operator #3419: logs gone in spite of cleanPodPolicy",
  "p->j->spec.clean_pods == CLEAN_PODS_ALL", "true")
S("loses_the_output", "Sieve: data loss", "p->next.output = r.output;")
E("takes_any_workers_output", "Sieve: data loss", "p->gang.workers[⟦COORDINATOR_INDEX⟧]", "p->gang.replicas - 1")

of("operator/core/plan/progress.c")
E("flickers_between_phases", "RayJob #1480, #3553: status that contradicts the pods", "⟦ran⟧ || ready", "false")
E("does_not_say_why_it_waits", "Kueue #3158, #11720: why is it pending?", "*pod->unschedulable_message != '\\0'", "false")

of("operator/core/plan/status.c")
E("turns_conditions_that_do_not_turn", "Sieve, indirect: needless writes in every pass",
  "is_same ? old->transition_us : planner_now_us(p)", "planner_now_us(p)")
E("lists_a_node_twice", "Sieve, indirect: order and repetition of lists", "strcmp(names[kept - 1], names[i]) != 0", "true")
E("is_reconciling_and_stalled_at_once", "JobSet #545, #723: a status that tools misread",
  "phase != PHASE_SUSPENDED && ⟦!is_stalled(p)⟧", "true")

of("operator/core/plan/restored.c")
E("never_passes_over_a_checkpoint", "Cloister: a poisoned checkpoint", "< ⟦RESTORED_FAILURES_MAX⟧)", "INT32_MAX")
E("passes_over_a_checkpoint_at_its_first_failure", "Cloister: a poisoned checkpoint", "⟦++restored->failures⟧ <", "(restored->failures += 2)")
E("blames_a_checkpoint_for_a_disruption", "Cloister: a poisoned checkpoint", "!was_failed_by_program(p)", "false")
E("blames_a_checkpoint_that_led_to_a_newer_one", "Cloister: a poisoned checkpoint", "if (⟦has_committed(p)⟧)", "false")
E("blames_what_another_attempt_restored", "Cloister: a poisoned checkpoint", "⟦restored->by_attempt != p->gang.attempt⟧ || restored", "false")
E("counts_failures_of_another_checkpoint", "Cloister: a poisoned checkpoint", "is_in_row ? known->failures : 0", "known->failures")
E("passes_over_what_the_next_attempt_commits", "Cloister: a poisoned checkpoint", ".until_attempt = ⟦p->gang.attempt + 1⟧", "p->gang.attempt + 2")

of("operator/core/plan/report.c")
E("goes_back_to_an_old_checkpoint", "Sieve: data loss", "return ⟦by_lineage > 0⟧;", "by_lineage < 0")
E("believes_numbers_in_names", "Cloister: a date as a name", "if (⟦by_lineage != 0⟧)", "false")
E("forgets_the_checkpoints_of_failed_attempts", "Sieve: data loss", "i < p->gang.other_count", "false")
E("writes_progress_at_each_report", "Trainer KEP-2779: reports that flood the API server", "age_us >= REFRESH_US", "true")
E("publishes_before_all_have_trained", "Volcano #2684: wrong phase", "!has_trained(p, i)", "false")

of("operator/core/plan/notify.c")
E("tells_for_ever_what_was_taken", "Sieve, intermediate: what was done is done again after each restart",
  "strcmp(p->w->delivered[i].id, id) == 0", "false")
E("takes_one_targets_word_for_anothers", "Sieve, stale: the state of one object read as another's",
  "strcmp(p->w->delivered[i].target, target) == 0", "true")
E("waits_for_a_target_that_is_gone", "Sieve, indirect: what was asked for is no more, and nobody notices",
  "is_defined(p, n.targets[j])", "true")
E("never_tells_of_the_end", "Sieve, unobserved: an end that nobody sees", "is_ended = ⟦notify_end(p)⟧", "false")
E("does_not_tell_of_tampering", "Sieve, unobserved: what came and went is not told", "is_security = ⟦notify_security_failure(p)⟧", "false")
E("leaves_out_the_start", "Sieve: data loss",
  'strcmp(s->notifications[victim].type, "restarted") != 0', "false")

of("operator/core/plan/planner.c")
E("sleeps_until_the_last_moment", "Sieve: the controller is stuck", "p->wake_us <= at_us", "p->wake_us >= at_us")
E("writes_in_every_pass", "Sieve, indirect: needless writes in every pass", "!status_equal(&p->next, &p->j->status)", "true")
E("tells_the_same_turn_again", "Trainer #3316: events in flocks", "strcmp(p->next.reason, p->j->status.reason) != 0", "true")
E("writes_on_a_view_that_was_overtaken", "Sieve, stale; two leaders: a write that nothing refuses",
  "count_writes(p) > 0 && !status_is_finished(&p->j->status)", "false")
E("puts_off_a_decision", "training-operator: a failure that shows up in no status until much later",
  "p->w->status_after_us > p->w->now_us && ⟦is_progress_only(p)⟧", "true")
S("tells_of_a_turn_that_is_put_off", "JobSet: the same event again and again", "p->event_count = 0;", ";")

of("operator/core/model/gang.c")
E("forgets_who_has_completed", "Sieve, unobserved: a pod that had succeeded goes, and its work is done again",
  "is_completed[i] && g->workers[i] == NULL", "false")
E("takes_a_worker_for_completed_whose_output_is_gone", "Sieve, unobserved: a pod that came and went",
  "index != COORDINATOR_INDEX", "true")
E("takes_pods_for_its_own_by_label", "Sieve, stale: the pods of a job of the same name",
  "⟦strcmp(p->owner_uid, j->uid) != 0⟧ || p->attempt", "false")
E("takes_pods_of_any_name", "Kueue #1566, #4106: pods with other owners", "strcmp(name, p->name) == 0", "true")
S("trusts_the_order_of_lists", "Sieve, indirect: trusting list order",
  "qsort(g->others, g->other_count, sizeof(*g->others), by_attempt_and_index);")
E("takes_the_failed_for_alive", "JobSet #574: the restart is blocked", "p->phase == POD_SUCCEEDED || p->phase == POD_FAILED",
  "p->phase == POD_SUCCEEDED")
E("overlooks_old_workers_that_live", "Kueue #15424: replaced before it is gone", "⟦pod_is_alive(g->others[i])⟧", "false")

of("operator/core/verdict/place.c")
E("does_not_look_at_the_node", "Sieve: security", "strcmp(node->technology, technology_name(p->technology)) != 0", "false")
E("believes_the_pod_alone", "Sieve: security", "⟦!is_requested(w->job, p->technology)⟧ ||", "false")
E("does_not_look_for_spot_machines", "Cloister: placement", "spot == SPOT_NEVER && ⟦node->is_spot⟧", "false")
E("does_not_look_at_the_pod", "Sieve: security", "⟦p->is_changed⟧)", "false")

of("operator/core/render/policy.c")
E("opens_every_namespace", "Cloister: default deny", "LABEL_NAMESPACE, ⟦name⟧);", '"kube-system"')
E("is_about_no_pod", "Cloister: default deny", "LABEL_JOB_UID, ⟦j->uid⟧);", '""')
E("goes_with_the_job", "Cloister: the policy outlasts the last pod", "⟦i < count⟧; i++)\n        json_array_append_new(owners",
  "false")

of("operator/core/plan/queue.c")
E("fills_a_group_beyond_its_size", "Kueue #13830, #15424: a replacement deleted as excess",
  "!has_succeeded_member(p, member->group)", "true")
E("leaves_its_place_with_each_attempt", "Kueue #15424: replacement pods", "⟦!is_over(p, member->group)⟧))", "false")
E("goes_back_into_a_group_that_is_over", "Kueue #5130: stuck finalizers", "⟦!is_over(p, member->group)⟧))", "true")
E("splits_a_gang_over_two_groups", "Kueue #13830: pod groups", "⟦member->attempt == p->gang.attempt⟧ ||", "false")
E("never_ends_its_group", "Kueue #1451: stuck Terminating pods", "if (member != NULL && ⟦!is_over(p, member->group)⟧)\n        planner_add_action", "false")
E("suspects_every_flavor", "Kueue #3158: why is it pending", "pod->selection == SELECTION_SILENT && ⟦has_more⟧", "true")

of("operator/core/plan/quota.c")
E("gives_a_part_of_a_gang_back_at_once", "Volcano #2377: stuck, partial gangs", "at_us > p->w->now_us", "false")
E("gives_back_what_only_a_person_can_allow", "Cloister: a refusal by a policy", "⟦refusal_cause(r) != REFUSAL_QUOTA⟧ || since_us == 0", "false")
E("comes_back_with_whom_it_collided", "Volcano #2377: stuck, partial gangs", "chance % (uint64_t)(2 * seconds + 1)", "0 * chance")
E("comes_back_as_soon_as_the_first_time", "JobSet: no backoff between restarts", "releases_in_a_row(&p->next) - 1", "0 * releases_in_a_row(&p->next)")

of("operator/core/plan/fallback.c")
E("falls_back_at_once", "Cloister: fallbackAfterSeconds", "at_us > p->w->now_us", "false")
E("stops_at_the_last_technology", "Cloister: fallbackAfterSeconds", "⟦(i + 1) % s->technology_count⟧", "i + 1 < s->technology_count ? i + 1 : i")

of("operator/core/verdict/verdict.c")
E("takes_137_for_out_of_memory", "training-operator #2200: exit codes read as causes",
  'strcmp(t->reason, "OOMKilled") == 0', "t->exit_code == 137")
E("makes_a_number_of_an_unknown_end", "training-operator: 0xbeef for an unknown exit code",
  'strcmp(t->reason, "ContainerStatusUnknown") == 0', "false")
E("does_not_spare_what_may_be_spared", "Trainer #2185: a running pod called lost", "if (⟦p->is_deleting⟧)\n        return was",
  "p->is_deleting || *p->disruption_reason")
E("calls_a_full_disk_an_eviction", "kubernetes #125677: the program's fault called a disruption",
  'strcmp(p->reason, "Evicted") == 0', "false")
E("succeeds_without_the_output", "Sieve: data loss", "r.result == RESULT_SUCCEEDED && ⟦(!must_publish || *r.output.uri != '\\0')⟧", "true")
E("names_no_cause_of_a_SIGTERM", "training-operator #1711: unclear which failure counts",
  "⟦ret->failure_class == CLASS_Disruption⟧)\n            (void)was_disrupted", "false")
E("has_no_patience_with_images", "Volcano #4743: PodPending read as a failure", "!f->is_final && ⟦w->now_us < until⟧", "false")
S("waits_for_an_image_for_ever", "Trainer #2072: the job hangs", "*ret_recheck_us = until;")
E("blames_the_last_to_fall", "training-operator #1711: unclear which failure counts", "return ⟦a->time_us < b->time_us⟧",
  "a->time_us > b->time_us")

E("acts_on_what_is_only_advice", "RayJob #2058: a report that decides", "|| ⟦!class_is_permanent(v.failure_class)⟧", "false")

of("operator/api/job.c")
E("works_on_another_controllers_job", "Kueue #1566; kubernetes: managedBy", "*j->spec.managed_by == '\\0'", "true")

of("operator/core/model/report_facts.c")
E("believes_the_report_of_another_pod", "Sieve, stale: a report of an attempt that is over",
  'strcmp(r->pod_uid, p->uid) == 0', "true")

of("operator/core/render/containers.c")
E("charges_the_output_to_nobody", "training-operator #1661, #1717: out of memory",
  'bytes(⟦limit + s->output_limit_bytes⟧)', "limit")

of("operator/core/render/worker_assignment.c")
E("writes_all_attempts_into_one_folder", "Sieve: data loss", 'job_folder(j, s->output_uri, a), ⟦(int)x->attempt⟧)', "1")
E("lets_the_kubelet_expand_dollars", "Acto: hostile strings", "bytes[i] == '$'", "false")

of("operator/core/render/metadata.c")
E("gives_children_no_controller", "Sieve: pods leak", '"controller", ⟦1⟧, "blockOwnerDeletion"', "0")

of("operator/core/render/worker_pod.c")
E("forgets_which_attempt_a_pod_is_of", "JobSet: restarts told apart by labels", 'json_sprintf("%d", ⟦(int)w->attempt⟧)', "0")
E("gives_workers_a_token", "training-operator #1814; Sieve: security",
  '"automountServiceAccountToken", ⟦json_false()⟧', "json_true()")

of("operator/core/render/placement.c")
E("does_not_tolerate_lost_nodes", "Trainer #2072; training-operator #1570: the node is lost",
  '"tolerationSeconds", ⟦(int)seconds⟧', "0")
E("takes_spot_machines_unasked", "Trainer: preemption of who did not ask for it", "⟦spot != SPOT_PREFER⟧", "spot == SPOT_ONLY")
E("forgets_the_second_choice", "Cloister: the technology that the attempt asks for", "affinity(⟦t⟧, s->spot)",
  "s->technologies[0]")

of("operator/core/model/pod_facts.c")
E("does_not_see_deletions", "Sieve, unobserved; Kueue #5130: stuck Terminating",
  "ret->is_deleting = ⟦v[5].len > 0⟧;", "false")
E("takes_any_owner_for_the_controller", "Kueue #1566, #4106: pods with other owners",
  'view_equal_text(skim_at(owner, "controller"), "true")', "true")
E("forgets_that_an_image_was_replaced", "Sieve, unobserved: what came and went",
  "⟦before->is_image_changed⟧ || has_other", "false")
E("compares_with_a_namesake", "Sieve, stale: another object of the same name",
  "strcmp(now->uid, before->uid) == 0", "true")

of("operator/shell/cache/expectations.c")
E("does_not_wait_for_what_it_made", "Sieve, stale: plans on a view without its own writes",
  "case EXPECT_THERE: return ⟦is_child_there(x, c, ns, &is_deleting)⟧;", "true")
E("does_not_wait_for_its_own_status", "Sieve, stale: plans on a view without its own writes",
  "version_is_at_least(version, x->version)", "true")
E("takes_a_lost_answer_for_an_answer", "Sieve, intermediate: the reply is lost", "case EXPECT_LIST: return ⟦false⟧;", "true")
S("never_asks_what_became_of_it", "Sieve: the controller is stuck", "informer_relist(c->informers[current->cache]);")
E("waits_for_a_child_that_has_gone", "Sieve, unobserved: a pod that came and went",
  "strcmp(current->uid, uid) == 0", "false")

of("operator/shell/cache/caches.c")
S("does_not_tell_of_pods_that_have_gone", "Sieve, unobserved: a pod that came and went",
  "if (old != NULL && (after == NULL || strcmp(old->uid, p->uid) != 0))\n"
  "        c->listener.on_child_deleted(c->listener.context, old->ns, old->job_name, old->uid);")
S("does_not_tell_how_a_pod_was_that_has_gone", "Sieve, unobserved: a failure that came and went",
  "if (after == NULL)\n        c->listener.on_pod_deleted(c->listener.context, p);")
S("looks_at_nothing_after_a_list", "Sieve: the controller is stuck", "enqueue(context, NULL, NULL);")
E("plans_on_half_a_list", "Sieve, stale: a view of mixed age",
  "if (!informer_is_current(c->informers[i]))\n            return ⟦false⟧;", "true")

of("lib/kube/informer.c")
E("does_not_see_what_is_deleted", "Sieve, unobserved: a deletion", 'skim_is(type, "DELETED")', "false")
S("keeps_ghosts_after_a_gap", "Sieve, unobserved: a deletion during a gap", "store_mark_all_old(i->store);")
E("lists_from_the_past", "Sieve, stale: a list from an API server that is behind", '"%s?limit=%d"',
  '"%s?limit=%d&resourceVersion=0"')
S("watches_from_an_old_version", "Sieve, stale: an older history after a reconnect",
  'set_version(i, ref.version);')
E("calls_a_list_fresh_that_came_late", "Sieve, stale: a list that was overtaken on its way",
  "i->fresh_ms = ⟦i->list_started_ms⟧", "clock_boot_ms()")
E("reads_the_first_page_only", "KubeRay #4625; Trainer #3374: lists of many objects", "if (⟦*page != '\\0'⟧) {\n        i->page",
  "false")
S("asks_for_the_first_page_again", "KubeRay #4625; Trainer #3374: lists of many objects",
  'add_parameter(&path, "continue", i->page);')
E("goes_on_with_a_history_that_has_gone", "Sieve, unobserved: what happened during a gap",
  "⟦e->code == ERR_GONE⟧ || e->code == ERR_NOT_FOUND", "false")
E("lists_twice_at_once", "Sieve, stale: two lists mixed", "if (⟦i->is_started⟧)", "false")

of("lib/kube/store.c")
E("drops_what_a_new_list_holds", "Sieve, stale: what a list holds is taken for gone",
  "entry->facts = facts;\n        entry->mark = ⟦s->mark⟧;", "entry->mark")
E("keeps_what_a_new_list_lacks", "Sieve, unobserved: a deletion during a gap", "entry == NULL || ⟦entry->mark == s->mark⟧",
  "true")
S("loses_entries_when_it_grows", "KubeRay #4625: the cache of many pods", "⟦*bucket = entry;⟧\n    }\n    free(s->buckets)",
  "*bucket = entry->next ? entry->next : entry;")

of("worker/volume/path_names.c")
E("takes_a_partial_download_for_whole", "torn files: a suffix that is not known",
  "view_has_suffix(name, SUFFIXES[i])", "view_has_suffix(name, \".tmp\")")
E("looks_at_the_first_name_only", "Orbax: files below a temporary directory", "⟦rest.len > 0⟧;)", "rest.len == strlen(path)")
E("hides_the_marker", "PyTorch DCP: .metadata begins with a dot", "view_equal_text(name, MARKER)", "false")

of("worker/volume/settle.c")
E("settles_in_five_seconds", "torn set: a pause between two files of one save", "pause_ms >= ⟦SETTLE_MS⟧ ||", "SETTLE_MS / 2")
E("never_cuts_a_burst", "a program that writes all the time is never saved", "now_ms - s->begun_ms > BURST_MS", "false")
E("cuts_at_any_pause", "torn set: cut in the middle of a save", "is_longest = s->is_listed && ⟦pause_ms > s->longest_ms⟧", "true")
E("settles_while_a_file_is_open", "torn set: the next file is being written", "!s->is_listed && ⟦!is_writing⟧", "true")

of("worker/volume/volume.c")
E("declares_what_is_still_written", "a rename of a file that somebody writes",
  "bool is_whole = ⟦!files_is_open_below(&v->files, c->path)⟧", "true")
E("declares_any_rename", "last.pt renamed to prev.pt before it settled", "path_is_temporary(c->path) || is_known_below(v, c->path)", "true")
E("marks_a_directory_in_the_making", "DCP: a marker before the last shard is closed",
  "!path_is_temporary(directory) && ⟦!files_is_open_below(&v->files, directory)⟧", "true")
S("forgets_what_was_overwritten_by_a_rename", "renamed over: the old content stays", "remove_below(v, c->to, true);")
S("keeps_what_was_deleted", "a deletion that nobody notices", "remove_below(v, c->path, c->is_directory && *c->path != '\\0');")
S("does_not_wait_for_what_is_undeclared", "half of a save at exit", "v->is_unsure = true;")
S("lists_after_the_next_act", "an act whose state is listed too late", "if (!is_declaring(c))\n        volume_list_declared(v);")
E("takes_a_close_without_a_write_for_news", "touch: a version that never changes",
  "return ⟦!f->is_open && f->version != NULL && f->version->path != NULL⟧", "false")

of("worker/volume/entries.c")
E("shows_what_is_temporary", "temporary names in a commit", "⟦path_is_temporary(f->path)⟧ || entry_of(v, f->path) != NULL", "false")
E("lists_files_of_entries_twice", "a declared directory changes without a word", "path_is_temporary(f->path) || ⟦entry_of(v, f->path) != NULL⟧", "false")
E("lists_twice_what_was_declared_by_itself", "two versions of one path", "if (⟦!is_of_inner(v, entry, path)⟧)", "true")
E("keeps_what_is_gone_before_it_was_read", "rotation faster than uploads", "else if (⟦item->version->let_go == l->serial⟧)", "false")

of("worker/volume/listing.c")
E("gives_up_what_it_has_open", "rotation faster than uploads", "v->state == VERSION_UNREAD && ⟦!v->is_open⟧", "true")
E("reads_the_newest_first", "rotation faster than uploads", "a->is_renewed : ⟦a->serial < b->serial⟧", "a->serial > b->serial")

of("worker/volume/commits.c")
E("gives_up_what_is_being_read", "acts faster than uploads: nothing is ever committed", "⟦v->declared == NULL⟧ ? &v->declared : &v->next", "true")
E("commits_before_it_was_read_whole", "torn: committed before the upload", "v->declared != NULL && ⟦v->declared->read_ms >= 0⟧", "true")
E("settles_without_the_ten_seconds", "settled before it was left alone", "now_ms - v->settled->read_ms >= SETTLE_MS", "true")
E("settles_what_a_killed_program_left", "a kill makes complete what was not", "return l != NULL && l->read_ms >= 0 && ⟦now_ms - l->read_ms >= SETTLE_MS⟧", "true")
E("declares_at_a_failure", "exit code 1 taken for 0", "if (⟦is_success⟧) {", "true")
E("declares_nothing_at_success", "exit code 0: files that were only closed", "if (⟦is_success⟧) {", "false")
E("keeps_what_was_lost", "a version overwritten while it was read", "!volume_repair(v, *l)", "false")

of("worker/checkpoint/retention.c")
E("never_lets_go", "restored checkpoints pile up", "n->leaves = ⟦n->may_leave⟧ &&", "false")
E("lets_settled_ones_displace_declared_ones", "a declared checkpoint leaves for undeclared ones",
  "n->is_declared ? newer_declared : newer", "newer")
E("takes_the_oldest_for_the_newest", "lineage the wrong way round", "⟦lineage_compare(b->since, a->since)⟧", "lineage_compare(a->since, b->since)")

of("worker/checkpoint/snapshot.c")
E("ignores_attempts", "attempts in the wrong order", ".since = {⟦next->attempt⟧", "0")
S("begins_with_nothing", "a restored best.pt is lost by the next attempt",
  "manifest_add_copies(ret, base);")
E("keeps_what_was_replaced", "two contents of one name", "if (⟦is_replaced(&base->entries[i], l)⟧)", "false")
E("hides_nothing", "a settled file in a declared directory of an attempt before", "if (⟦!is_hidden(&l->items[i], base)⟧)", "true")
E("lets_a_file_and_a_directory_share_a_name", "a snapshot that no attempt can restore", "⟦has_below(l, b->path)⟧ ||", "false")
E("lets_a_directory_and_a_file_share_a_name", "a snapshot that no attempt can restore", "|| ⟦has_file_above(l, b->path)⟧", "false")
E("hides_what_is_declared", "a checkpoint renamed into a directory of an attempt before", "|| ⟦item->version->is_declared⟧", "false")
E("forgets_what_was_freed", "freed by the agent is not deleted by the program", "item->version->is_freed && ⟦leaves(&s, name_of_item(item))⟧", "true")
E("stays_for_ever_once_freed", "freed checkpoints never leave", "item->version->is_freed && ⟦leaves(&s, name_of_item(item))⟧", "false")
E("forgets_since_when", "the age of a checkpoint is lost with each commit", "if (⟦s->sequence == 0⟧)", "true")
E("calls_everything_settled", "declared ones are not marked", "entry.is_declared = ⟦item->version->is_declared⟧", "false")
E("loses_where_it_is_stored", "a renamed checkpoint cannot be found", "entry.stored_path == NULL && strcmp(entry.path, item->path) != 0", "false")
E("restores_too_much", "inputLimit has no room", "while (⟦!fits(m, room)⟧ &&", "false")
E("restores_too_little", "the newest checkpoint is left out", "series_choose(&s, 1)", "series_choose(&s, 0)")

of("worker/checkpoint/committer.c")
S("uses_the_name_of_a_manifest_twice", "one lost reply, and no commit ever again", "⟦manifest_make_id(c->batch);⟧\n    return result;")
S("counts_only_from_one", "two commits of one number: which one is newer?", "c->sequence++;", "c->sequence = 1;")
E("counts_anew_after_a_restart", "two commits of one number: which one is newer?", "c->base.attempt == id->attempt", "false")
S("commits_only_what_is_its_own", "a restored best.pt is lost by the next attempt", "manifest_add_copies(&base, &c->base);")
E("goes_on_from_any_head", "a HEAD that was put back: what was committed since is lost", "lineage_compare(manifest_lineage(theirs), manifest_lineage(&known)) > 0", "true")
E("goes_on_from_its_own_head_only", "what an older attempt committed late is lost", "lineage_compare(manifest_lineage(theirs), manifest_lineage(&known)) > 0", "false")
S("does_not_say_what_it_is_built_on", "the way back: what was passed over comes again", "m->base = manifest_lineage(&c->base);")
S("forgets_the_parent", "a chain that ends: nothing before can be reached", "m->parent = manifest_ref_copy(&c->head.manifest);")
E("moves_head_over_anybody", "two writers: the last one wins", ".generation = ⟦c->head.generation⟧}", "UINT64_MAX")
E("gives_way_to_anybody", "an older pod that still runs ends the newer one", "if (⟦e->code != ERR_SUPERSEDED⟧)", "true")
E("is_superseded_by_nobody", "a pod that was replaced goes on", "ancestry_is_replaced(there, c->id.attempt, c->id.pod_uid)", "false")
E("believes_what_head_says", "a forged HEAD", "ancestry_check_head(&c->seal, there, theirs, e) < 0", "false")
E("stores_each_path_once", "a file that is written over is never stored again", "result < 0 && ⟦e->code == ERR_CONFLICT⟧", "false")
S("keeps_the_generation_of_a_lost_head", "HEAD was removed: no commit ever again", "c->head.generation = there->generation;")
E("knows_what_others_committed_and_drops_it", "what an older attempt committed late is lost", "else if (⟦is_base⟧)", "false")
E("gives_its_base_up_for_any_other", "an attempt that had to begin with an older one", "else if (⟦is_base⟧)", "true")
S("does_not_say_where_it_is_stored", "stored beside one manifest, looked for beside another", "ret->entry.folder = TAKE_PTR(folder);")
E("hides_its_pod", "a pod that does not know its own HEAD", ".pod_uid = xstrdup(⟦c->id.pod_uid⟧)", '""')
E("says_it_is_of_attempt_1", "lineage: every commit looks old", "m->attempt = ⟦c->id.attempt⟧;", "1")

of("worker/checkpoint/ancestry.c")
E("takes_a_checkpoint_of_another_job", "a HEAD that leads to another job's manifest", "strcmp(m.job_uid, job_uid) == 0", "true")
E("takes_an_output_for_a_checkpoint", "a HEAD that leads to an output", 'strcmp(m.kind, "checkpoint") == 0', "true")
E("believes_heads_attempt", "a forged HEAD: attempt 999", "m->attempt == head->attempt", "true")
E("believes_heads_pod", "a forged HEAD: another pod", "strcmp(m->pod_uid, head->pod_uid) == 0", "true")
E("does_not_notice_a_newer_attempt", "a pod that was replaced goes on", "⟦head->attempt > attempt⟧ ||", "false")

of("worker/agent/restore.c")
E("needs_no_anchor", "a bucket that was rolled back", "bool is_anchored = ⟦*anchor == '\\0'⟧;", "true")
E("does_not_mind_a_rollback", "a bucket that was rolled back", "return ⟦is_anchored⟧ ? 0 :", "true")
E("forgets_its_own_commits", "a restarted agent begins with the attempt before", "return ⟦m->attempt == assignment->attempt⟧ &&", "false")
E("restores_nothing_of_the_attempt_before", "each attempt begins anew", "m->attempt < s->assignment->attempt", "false")

of("worker/agent/remembered.c")
E("looks_at_sizes_only", "rewritten while the agent was away: the old content stays", "stat_modified_ns(&st) == entry->modified_ns", "true")
E("remembers_half_a_directory_as_whole", "a set that was written over in part", "absent == count || ⟦same < count⟧", "false")
E("forgets_what_was_declared", "declared before the restart, settled after it", "entry->is_declared && entry->group == NULL", "false")

of("worker/agent/checkpoints.c")
E("commits_all_the_time", "more writes than Cloud Storage takes of one object", "clock_boot_ms() >= c->next_commit_ms", "true")
E("does_not_hurry_at_the_end", "complete, and lost with the pod", "(⟦is_final⟧ || clock", "false")
S("commits_the_same_again", "a commit that never ends", "volume_committed(c->volume);")
S("looks_at_nothing_at_the_end", "written just before the end, and lost", "⟦take_changes(c);⟧\n    volume_end")
S("does_not_notice_the_end", "exit code 0: files that were only closed", "volume_end(c->volume, is_success, clock_boot_ms());")

of("lib/seal/head.c")
E("takes_any_path_for_a_manifest", "HEAD: ../../another/manifest", "⟦!seal_path_is_safe(manifest)⟧ ||", "false")

of("lib/seal/head_store.c")
E("overwrites_any_head", "two writers: the last one wins", ".if_generation = ⟦h->generation⟧}", "UINT64_MAX")
E("fails_where_there_is_no_head_yet", "the first attempt of a job", "result < 0 && ⟦e->code == ERR_NOT_FOUND⟧", "false")
E("takes_a_lost_race_for_a_failure", "an older pod that still runs ends the newer one", "⟦e->code == ERR_CONFLICT⟧ ||", "false")

of("lib/seal/manifest.c")
E("writes_no_parent", "a chain that ends: nothing before can be reached", "m->parent.name == NULL", "true")
E("reads_no_parent", "a chain that ends: nothing before can be reached", "if (⟦*parent != '\\0'⟧)", "false")
S("does_not_sort", "a manifest that nobody can read", "qsort(m->entries, m->count, sizeof(*m->entries), compare_entries);")

of("lib/seal/manifest_store.c")
E("takes_any_digest", "another manifest in the place of this one", "strcmp(sum, at->sha256) != 0", "false")
E("looks_for_its_present_name", "stored under one name, looked for under another", "⟦entry->stored_path != NULL ? entry->stored_path : entry->path⟧;\n    const char *slash", "entry->path")
E("does_not_pin_objects", "an old ciphertext of the same name", ".header = ⟦entry->sealed.header⟧,", "NULL")

of("lib/seal/manifest_entry.c")
S("forgets_the_set", "a set that comes apart", '⟦set_text(line, "group", entry->group);⟧')
E("does_not_write_what_is_declared", "declared ones are not marked", "if (⟦entry->is_declared⟧)", "false")
E("does_not_read_what_is_declared", "declared ones are not marked", '⟦json_is_true(json_object_get(line, "declared"))⟧', "false")
S("forgets_where_it_is_stored", "stored beside one manifest, looked for beside another", 'set_text(line, "folder", entry->folder);')
S("forgets_its_name_there", "stored under one name, looked for under another", 'set_text(line, "storedPath", entry->stored_path);')
E("forgets_the_lineage", "which one is the oldest?", "if (⟦entry->attempt != 0⟧)", "false")
E("forgets_when_it_was_written", "everything is stored again after a restart", "if (⟦entry->modified_ns != 0⟧)", "false")
E("takes_a_path_that_leads_out", "a manifest that writes anywhere", "bool is_valid = ⟦seal_path_is_safe(entry.path)⟧", "true")

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


of("operator/core/plan.c")
E("creates_for_a_deleted_job", "Sieve, indirect: children made after the parent's deletion",
  "!w->job->is_deleting", "true")
E("creates_in_a_namespace_that_goes", "Sieve, indirect: children made after the parent's deletion",
  "!w->namespace->is_deleting", "true")
E("starts_anew_when_the_status_is_lost", "Sieve, stale: a status older than the pods made from it",
  "p->gang.newest > p->next.attempt", "false")
E("succeeds_without_all_workers", "Volcano #2684: wrong phase",
  "!g->workers[i] || g->workers[i]->phase != POD_SUCCEEDED", "g->workers[i] && g->workers[i]->phase != POD_SUCCEEDED")
E("runs_a_finished_job_again", "Trainer #3737, #3779: made again after its end",
  "status_is_finished(&p->j->status)", "p->j->status.phase == PHASE_FAILED")
S("leaves_workers_when_the_job_has_ended", "MPI operator #127, #152: workers left running",
  'plan_stop_workers(p, -1, "the job has ended");')
S("leaves_late_workers_of_an_old_attempt", "Sieve, stale: a create that arrives late", "plan_stop_old_workers(p);")
S("does_not_say_which_generation_it_saw", "Trainer #2713: conditions stay behind the spec",
  "p->next.observed_generation = p->j->generation;")

of("operator/core/plan_failure.c")
E("counts_one_failure_in_every_pass", "kubernetes #111608, #132144: a pod counted more than once",
  "s->failures[s->failure_count - 1].attempt == s->attempt", "false")
E("does_not_miss_a_pod_that_is_gone", "Sieve, unobserved; Trainer #2072: the job hangs",
  "present >= counted_before(p)", "true")
E("misses_a_pod_that_was_never_made", "Sieve, intermediate: killed between two creates",
  "present >= counted_before(p)", "false")
E("blames_the_first_worker", "MPI operator #90: the status does not say what failed",
  "!has_failed || verdict_outranks(&v, ret)", "!has_failed")
E("judges_before_the_cause_is_in", "training-operator #1711: unclear which failure counts",
  "until <= p->w->now_us", "true")
S("forgets_to_look_again_after_settling", "Sieve: the controller is stuck",
  "planner_wake(p, until, \"a failed worker's pod is not complete yet\");")
S("keeps_the_oldest_failures", "Trainer #2351: the status shows what is long over",
  "memmove(s->failures, s->failures + 1, (FAILURES_MAX - 1) * sizeof(*s->failures));")
E("forgives_at_once", "JobSet: no pause between restarts", "p->w->now_us - c->transition_us >= HEALTHY_US", "true")
S("never_doubles_the_pause", "JobSet: no pause between restarts", "⟦seconds *= 2;⟧\n    if (seconds > BACKOFF", "break;")
E("charges_disruptions_to_the_program", "kubernetes #125677: evictions use up backoffLimit",
  "bool is_disruption = ⟦v->class == CLASS_Disruption⟧;", "false")
E("allows_one_restart_too_many", "training-operator #1589: the limit of restarts does not hold",
  "limit >= 0 && *spent >= limit", "limit >= 0 && *spent > limit")
S("never_counts", "training-operator #1589: restarts for ever", "++*spent;")
E("repeats_what_cannot_succeed", "RayJob #2192: retries without end", "⟦v.retry == REASON_NEVER⟧) {\n        plan_end",
  "false")
E("lets_a_wrong_machine_keep_its_grace", "Sieve: security",
  "v.class == CLASS_Security ? SECURITY_GRACE_SECONDS : -1", "-1")

of("operator/core/plan_restart.c")
S("begins_beside_workers_that_still_run", "training-operator #2269: one failed worker, no gang restart",
  'plan_stop_workers(p, -1, "its attempt has failed");')
E("does_not_wait_for_a_pod_that_terminates", "JobSet #574, #576; Kueue #15424: replaced before it is gone",
  "if (⟦alive⟧)", "alive && !alive->is_deleting ? alive : NULL")
E("begins_again_without_a_pause", "JobSet: no pause between restarts", "p->next.backoff_until_us > p->w->now_us", "false")
S("forgets_to_begin_again_after_the_pause", "Sieve: the controller is stuck",
  'planner_wake(p, p->next.backoff_until_us, "the pause before the next attempt is over");')
E("uses_an_attempt_number_again", "Volcano #5385: a restart loses the gang's state", "planner_turn_to(p, ⟦before + 1⟧)",
  "before ? before : 1")
E("starts_what_no_pod_can_carry", "Acto: insufficient validation", "size <= AGENT_PLAN_BYTES_MAX", "true")
E("counts_an_attempt_that_never_began", "training-operator: attempt numbers before their pods",
  "p->count == actions", "false")
E("forgets_when_it_started", "Trainer #2713: no start time to print", "p->next.start_time_us == 0", "false")

of("operator/core/plan_children.c")
E("kills_what_has_ended", "training-operator #3419: logs gone in spite of cleanPodPolicy",
  "pod && ⟦!pod_is_terminal(pod)⟧ && !pod->is_deleting", "true")
E("deletes_what_is_being_deleted", "Sieve, indirect: needless writes in every pass",
  "!pod_is_terminal(pod) && ⟦!pod->is_deleting⟧)\n        delete_pod(p, pod, grace", "true")
E("stops_this_attempt_only", "Sieve: pods leak", "i < p->gang.other_count; i++)\n        ⟦stop(p, p->gang.others[i], grace_seconds, why)⟧",
  "(void)0")
E("removes_the_pods_of_every_old_attempt", "training-operator #3419: logs gone in spite of cleanPodPolicy",
  "pod->attempt < p->next.attempt - FAILURES_MAX", "pod->attempt < p->next.attempt")
E("never_removes_old_pods", "Sieve: pods leak", "pod_is_terminal(pod) && ⟦!pod->is_deleting⟧ && pod->attempt", "false")
E("takes_over_a_foreign_service", "Acto: a foreign object of the child's name", "strcmp(child->owner_uid, p->j->uid) == 0",
  "true")
E("does_not_miss_the_service", "MPI operator #386, #443: workers cannot find one another", "is_complete && p->w->service",
  "is_complete")
E("hammers_what_was_refused", "Volcano #3358: the API server under load", "at_us <= p->w->now_us", "true")
S("forgets_to_try_a_refused_create_again", "Sieve: the controller is stuck",
  'planner_wake(p, at_us, "a create was refused");')
E("does_not_look_at_the_namespace", "Sieve: security", "n->is_confidential", "true")
S("makes_a_part_of_the_gang", "Volcano #2377: a gang in part", "if (p->gang.workers[i])\n            continue;",
  "if (p->gang.workers[i] || i > 0) continue;")
S("makes_again_what_is_there", "Sieve, stale: a child that the view lacks",
  "if (p->gang.workers[i])\n            continue;", "(void)0;")

of("operator/core/plan_end.c")
S("loses_the_output", "Sieve: data loss", "p->next.output = r.output;")
E("takes_any_workers_output", "Sieve: data loss", "p->gang.workers[⟦COORDINATOR_INDEX⟧]", "p->gang.replicas - 1")

of("operator/core/plan_progress.c")
E("flickers_between_phases", "RayJob #1480, #3553: status that contradicts the pods", "⟦ran⟧ || ready", "false")
E("does_not_say_why_it_waits", "Kueue #3158, #11720: why is it pending?", "*pod->unschedulable_message", "false")

of("operator/core/plan_status.c")
E("turns_conditions_that_do_not_turn", "Sieve, indirect: needless writes in every pass",
  "is_same ? old->transition_us : planner_now(p)", "planner_now(p)")
E("lists_a_node_twice", "Sieve, indirect: order and repetition of lists", "strcmp(names[kept - 1], names[i]) != 0", "true")
E("is_reconciling_and_stalled_at_once", "JobSet #545, #723: a status that tools misread",
  "p->next.phase != PHASE_RUNNING && ⟦!is_stalled(p)⟧", "true")

of("operator/core/plan_report.c")
E("goes_back_to_an_old_checkpoint", "Sieve: data loss", "return ⟦a->step > b->step⟧;", "a->step < b->step")
E("forgets_the_checkpoints_of_failed_attempts", "Sieve: data loss", "i < p->gang.other_count", "false")
E("writes_progress_at_each_report", "Trainer KEP-2779: reports that flood the API server", "age_us >= REFRESH_US", "true")
E("publishes_before_all_have_trained", "Volcano #2684: wrong phase", "!has_trained(p, i)", "false")

of("operator/core/planner.c")
E("sleeps_until_the_last_moment", "Sieve: the controller is stuck", "p->wake_us <= at_us", "p->wake_us >= at_us")
E("writes_in_every_pass", "Sieve, indirect: needless writes in every pass", "!status_equal(&p->next, &p->j->status)", "true")
E("tells_the_same_turn_again", "Trainer #3316: events in flocks", "strcmp(p->next.reason, p->j->status.reason) != 0", "true")

of("operator/core/gang.c")
E("takes_pods_for_its_own_by_label", "Sieve, stale: the pods of a job of the same name",
  "⟦strcmp(p->owner_uid, j->uid) != 0⟧ || p->attempt", "false")
E("takes_pods_of_any_name", "Kueue #1566, #4106: pods with other owners", "strcmp(name, p->name) == 0", "true")
S("trusts_the_order_of_lists", "Sieve, indirect: trusting list order",
  "qsort(g->others, g->other_count, sizeof(*g->others), by_attempt_and_index);")
E("takes_the_failed_for_alive", "JobSet #574: the restart is blocked", "p->phase == POD_SUCCEEDED || p->phase == POD_FAILED",
  "p->phase == POD_SUCCEEDED")
E("overlooks_old_workers_that_live", "Kueue #15424: replaced before it is gone",
  "⟦!pod_is_terminal(g->others[i])⟧", "false")

of("operator/core/verdict_place.c")
E("does_not_look_at_the_node", "Sieve: security", "strcmp(node->technology, technology_name(p->technology)) != 0", "false")
E("believes_the_pod_alone", "Sieve: security", "⟦!is_one_of_the_jobs(w->job, p->technology)⟧ ||", "false")
E("does_not_look_for_spot_machines", "Cloister: placement", "spot == SPOT_NEVER && ⟦node->is_spot⟧", "false")
E("does_not_look_at_the_pod", "Sieve: security", "⟦p->is_changed⟧)", "false")

of("operator/core/plan_fallback.c")
E("falls_back_at_once", "Cloister: fallbackAfterSeconds", "at_us > p->w->now_us", "false")
E("stops_at_the_last_technology", "Cloister: fallbackAfterSeconds", "⟦(i + 1) % s->technology_count⟧", "i + 1 < s->technology_count ? i + 1 : i")
E("takes_the_time_of_another_attempt", "Cloister: fallbackAfterSeconds", "⟦p->j->status.attempt == p->gang.attempt⟧", "true")

of("operator/core/verdict.c")
E("takes_137_for_out_of_memory", "training-operator #2200: exit codes read as causes",
  'strcmp(t->reason, "OOMKilled") == 0', "t->exit_code == 137")
E("makes_a_number_of_an_unknown_end", "training-operator: 0xbeef for an unknown exit code",
  'strcmp(t->reason, "ContainerStatusUnknown") == 0', "false")
E("does_not_spare_what_may_be_spared", "Trainer #2185: a running pod called lost", "if (⟦p->is_deleting⟧)\n        return was",
  "p->is_deleting || *p->disruption_reason")
E("calls_a_full_disk_an_eviction", "kubernetes #125677: the program's fault called a disruption",
  'strcmp(p->reason, "Evicted") == 0', "false")
E("succeeds_without_the_output", "Sieve: data loss", "r.has_succeeded && ⟦(!must_publish || *r.output.uri)⟧", "true")
E("has_no_patience_with_images", "Volcano #4743: PodPending read as a failure", "!is_final && ⟦w->now_us < until⟧", "false")
S("waits_for_an_image_for_ever", "Trainer #2072: the job hangs", "*ret_recheck_us = until;")
E("gives_up_a_job_that_was_superseded", "RayJob #2058: a retry ends the job", "⟦v.class == CLASS_Disruption⟧)\n        v.retry",
  "false")
E("blames_the_last_to_fall", "training-operator #1711: unclear which failure counts", "return ⟦a->time_us < b->time_us⟧",
  "a->time_us > b->time_us")

E("acts_on_what_is_only_advice", "RayJob #2058: a report that decides", "|| ⟦!class_is_final(v.class)⟧", "false")

of("operator/core/report.c")
E("believes_the_report_of_another_pod", "Sieve, stale: a report of an attempt that is over",
  'strcmp(id->pod_uid, p->uid) == 0', "true")

of("operator/core/render_containers.c")
E("charges_the_output_to_nobody", "training-operator #1661, #1717: out of memory",
  'bytes(⟦limit + s->output_limit_bytes⟧)', "limit")

of("operator/core/render_plan.c")
E("writes_all_attempts_into_one_folder", "Sieve: data loss", 'json_sprintf("%s%d/", folder, ⟦(int)attempt⟧)', "1")
E("lets_the_kubelet_expand_dollars", "Acto: hostile strings", "bytes[i] == '$'", "false")

of("operator/core/render.c")
E("gives_children_no_controller", "Sieve: pods leak", '"controller", ⟦1⟧, "blockOwnerDeletion"', "0")
E("forgets_which_attempt_a_pod_is_of", "JobSet: restarts told apart by labels", 'json_sprintf("%d", ⟦(int)attempt⟧)', "0")
E("gives_workers_a_token", "training-operator #1814; Sieve: security",
  '"automountServiceAccountToken", ⟦json_false()⟧', "json_true()")

of("operator/core/render_placement.c")
E("does_not_tolerate_lost_nodes", "Trainer #2072; training-operator #1570: the node is lost",
  '"tolerationSeconds", ⟦(int)seconds⟧', "0")
E("takes_spot_machines_unasked", "Trainer: preemption of who did not ask for it", "⟦spot != SPOT_PREFER⟧", "spot == SPOT_ONLY")
E("forgets_the_second_choice", "Cloister: the technology that the attempt asks for", "affinity(⟦t⟧, s->spot)",
  "s->technologies[0]")

of("operator/core/facts.c")
E("does_not_see_deletions", "Sieve, unobserved; Kueue #5130: stuck Terminating",
  "⟦js_at(pod, \"metadata.deletionTimestamp\") != NULL⟧", "false")
E("takes_any_owner_for_the_controller", "Kueue #1566, #4106: pods with other owners",
  'json_is_true(js_at(owner, "controller"))', "true")
E("forgets_that_an_image_was_replaced", "Sieve, unobserved: what came and went",
  "⟦before->is_image_changed⟧ || has_other", "false")
E("compares_with_a_namesake", "Sieve, stale: another object of the same name",
  "strcmp(now->uid, before->uid) == 0", "true")

of("operator/shell/expect.c")
E("takes_a_lost_answer_for_an_answer", "Sieve, intermediate: the reply is lost", "case EXPECT_LIST: return ⟦false⟧;", "true")
S("never_asks_what_became_of_it", "Sieve: the controller is stuck", "informer_relist(c->informers[this->cache]);")

of("lib/kube/store.c")
E("drops_what_a_new_list_holds", "Sieve, stale: what a list holds is taken for gone",
  "entry->facts = facts;\n        entry->mark = ⟦s->mark⟧;", "entry->mark")
E("keeps_what_a_new_list_lacks", "Sieve, unobserved: a deletion during a gap", "entry == NULL || ⟦entry->mark == s->mark⟧",
  "true")
S("loses_entries_when_it_grows", "KubeRay #4625: the cache of many pods", "⟦*bucket = entry;⟧\n    }\n    free(s->buckets)",
  "*bucket = entry->next ? entry->next : entry;")

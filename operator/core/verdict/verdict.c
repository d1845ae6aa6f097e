#include "core/verdict/verdict.h"

#include <string.h>

#include "agentapi/pod.h"
#include "api/labels.h"
#include "core/model/gang.h"
#include "core/verdict/place.h"
#include "core/verdict/start_failure.h"
#include "api/names.h"
#include "core/model/report_facts.h"

#include "base/banned.h"

/* ---- what the node and the cluster report ---- */

struct word_pair {
    const char *theirs;
    const char *ours;
};

static const char *translate(const struct word_pair *table, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(table[i].theirs, word) == 0)
            return table[i].ours;
    return NULL;
}

/* Our reason for a pod that was terminated externally; NULL = it was not. */
static const char *disruption_of(const struct pod_facts *p)
{
    static const struct word_pair conditions[] = {
        {"PreemptionByScheduler", REASON_Preempted}, {"EvictionByEvictionAPI", REASON_Evicted},
        {"TerminationByKubelet", REASON_Evicted},    {"WorkloadEvicted", REASON_Preempted},
        {"WorkloadDeleted", REASON_Preempted},       {"NoMatchingWorkload", REASON_Preempted},
        {"NotAdmitted", REASON_Preempted},           {"DeletionByTaintManager", REASON_NodeLost},
        {"DeletionByPodGC", REASON_NodeLost},
    };
    static const struct word_pair reasons[] = {
        {"Evicted", REASON_Evicted},     {"NodeLost", REASON_NodeLost},   {"NodeShutdown", REASON_NodeLost},
        {"Shutdown", REASON_NodeLost},   {"Terminated", REASON_NodeLost}, {"Preempting", REASON_Preempted},
        {"Preempted", REASON_Preempted},
    };
    if (*p->disruption_reason != '\0') {
        const char *ours = translate(conditions, ARRAY_LEN(conditions), p->disruption_reason);
        return ours != NULL ? ours : REASON_Evicted;
    }
    if (pod_is_terminal(p) && *p->reason != '\0') {
        const char *ours = translate(reasons, ARRAY_LEN(reasons), p->reason);
        return ours != NULL ? ours : REASON_NodeRefused;
    }
    return p->is_deleting ? REASON_PodDeleted : NULL;
}

/* The kubelet evicts a pod that exceeds its disk limits: the program's fault, not the cluster's. */
static bool is_storage_eviction(const struct pod_facts *p)
{
    return strcmp(p->reason, "Evicted") == 0 &&
           (strstr(p->message, "ephemeral") != NULL || strstr(p->message, "EmptyDir volume") != NULL) &&
           strstr(p->message, "exceed") != NULL;
}

static bool was_disrupted(const struct pod_facts *p, struct arena *a, struct verdict *ret)
{
    const char *reason = is_storage_eviction(p) ? REASON_StorageLimitExceeded : disruption_of(p);
    if (reason == NULL)
        return false;
    const char *detail = *p->disruption_message != '\0' ? p->disruption_message : p->message;
    const char *word = *p->disruption_reason != '\0' ? p->disruption_reason : p->reason;
    *ret = verdict_make(a, p, reason, "%s was terminated externally: %s%s%s", verdict_worker_text(a, p),
                        *word != '\0' ? word : "the pod was deleted", *detail != '\0' ? ": " : "", detail);
    return true;
}

/* ---- what containers and agents report ---- */

static struct verdict of_container(struct verdict v, const char *name, const struct container_facts *c)
{
    v.container = name;
    v.exit_code = c->state == CONTAINER_TERMINATED ? c->exit_code : -1;
    v.signal = c->signal;
    v.time_us = c->state == CONTAINER_TERMINATED ? c->finished_us : 0;
    return v;
}

static bool class_is_permanent(enum failure_class failure_class)
{
    return failure_class == CLASS_Security || failure_class == CLASS_Key || failure_class == CLASS_Data;
}

/* False when the report contains no failure. */
static bool failed_by_report(const struct pod_facts *p, const struct report *r, struct arena *a,
                             struct verdict *ret)
{
    if (r->result == RESULT_SUCCEEDED || *r->reason == '\0')
        return false;
    struct verdict v = verdict_make(a, p, r->reason, "%s failed: %s", verdict_worker_text(a, p), r->reason);
    if (!reason_is_known(r->reason)) {
        v.reason = r->reason;
        v.failure_class = r->failure_class == CLASS_None ? CLASS_Internal : r->failure_class;
        v.retry = class_is_permanent(v.failure_class) ? RETRY_NEVER : RETRY_LATER;
    }
    /* The agent knows what happened, the operator knows where. */
    if (*r->message != '\0')
        v.message = arena_printf(a, "%s: %s", verdict_worker_text(a, p), r->message);
    if (*r->warning != '\0')
        v.message = arena_printf(a, "%s Warning: %s", v.message, r->warning);
    v = of_container(v, CONTAINER_AGENT, &p->agent);
    v.exit_code = -1;
    v.signal = 0;
    *ret = v;
    return true;
}

/*
 * What a running agent posted. Only failures after which the program must not continue are acted on; for all
 * others the terminated pod is waited for.
 */
static bool failed_by_posted_report(const struct world *w, const struct pod_facts *p, struct arena *a,
                                    struct verdict *ret)
{
    const struct report_facts *post = report_facts_of_pod(w, p);
    if (post == NULL)
        return false;
    const struct report r = {.reason = post->reason,
                             .failure_class = post->failure_class,
                             .message = post->message,
                             .warning = post->warning};
    struct verdict v;
    if (!failed_by_report(p, &r, a, &v) || !class_is_permanent(v.failure_class))
        return false;
    *ret = v;
    return true;
}

static bool failed_to_install(const struct pod_facts *p, struct arena *a, struct verdict *ret)
{
    if (p->install.state != CONTAINER_TERMINATED || p->install.exit_code == 0)
        return false;
    *ret = of_container(verdict_make(a, p, REASON_InstallFailed,
                                     "%s: container " CONTAINER_INSTALL " exited with code %d",
                                     verdict_worker_text(a, p), (int)p->install.exit_code),
                        CONTAINER_INSTALL, &p->install);
    return true;
}

/* What the kubelet reports about the program outranks what any process reports. */
static bool failed_by_kubelet(const struct pod_facts *p, struct arena *a, struct verdict *ret)
{
    const struct container_facts *t = &p->trainer;
    const char *where = verdict_worker_text(a, p);
    struct verdict v;
    if (t->state != CONTAINER_TERMINATED)
        return false;
    if (strcmp(t->reason, "OOMKilled") == 0) {
        v = verdict_make(a, p, REASON_OutOfMemory, "%s: the program used more memory than its limit", where);
    } else if (strcmp(t->reason, "StartError") == 0 || strcmp(t->reason, "ContainerCannotRun") == 0) {
        v = verdict_make(a, p, REASON_ContainerStartFailed, "%s: the program's container cannot start: %s",
                         where, t->message);
    } else if (strcmp(t->reason, "ContainerStatusUnknown") == 0) {
        v = verdict_make(a, p, REASON_NodeLost, "%s: its node lost the status of the program's container",
                         where);
        v.container = CONTAINER_TRAINER;
        *ret = v;
        return true;
    } else {
        return false;
    }
    *ret = of_container(v, CONTAINER_TRAINER, t);
    return true;
}

/* The newest termination of the agent. Its memory is a chart value, so the remedy differs from the program's.
 */
static bool is_agent_out_of_memory(const struct pod_facts *p)
{
    bool is_ended = p->agent.state == CONTAINER_TERMINATED;
    return strcmp(is_ended ? p->agent.reason : p->agent_ended_reason, "OOMKilled") == 0;
}

static struct verdict out_of_agent_memory(const struct pod_facts *p, struct arena *a)
{
    return of_container(verdict_make(a, p, REASON_AgentOutOfMemory,
                                     "%s: its agent used more memory than its limit",
                                     verdict_worker_text(a, p)),
                        CONTAINER_AGENT, &p->agent);
}

/* The kubelet restarts a sidecar for ever, so the operator must set a limit. */
static bool is_crash_looping(const struct pod_facts *p, struct arena *a, struct verdict *ret)
{
    if (p->agent.restarts <= AGENT_RESTARTS_MAX)
        return false;
    *ret = is_agent_out_of_memory(p)
               ? out_of_agent_memory(p, a)
               : of_container(
                     verdict_make(
                         a, p, REASON_AgentCrashLooping,
                         "%s: its agent was restarted %d times; the last time it exited with code %d (%s)",
                         verdict_worker_text(a, p), (int)p->agent.restarts, (int)p->agent_ended_code,
                         p->agent_ended_reason),
                     CONTAINER_AGENT, &p->agent);
    return true;
}

static struct verdict failed_by_exit(const struct pod_facts *p, struct arena *a)
{
    const struct container_facts *t = &p->trainer;
    const char *where = verdict_worker_text(a, p);
    struct verdict v;
    bool is_by_itself = t->state == CONTAINER_TERMINATED && t->exit_code != 0 &&
                        t->exit_code != EXIT_AGENT_FAILED && t->exit_code != EXIT_NO_AGENT;
    if (!is_by_itself && is_agent_out_of_memory(p))
        return out_of_agent_memory(p, a);
    if (t->state != CONTAINER_TERMINATED || t->exit_code == 0 || t->exit_code == EXIT_AGENT_FAILED)
        v = verdict_make(a, p, REASON_AgentReportMissing, "%s terminated without a report from its agent",
                         where);
    else if (t->exit_code == EXIT_NO_AGENT)
        v = verdict_make(a, p, REASON_AgentLost, "%s: the agent did not respond for too long", where);
    else
        v = verdict_make(a, p, err_code_name(ERR_COMMAND_FAILED), "%s: the program exited with code %d",
                         where, (int)t->exit_code);
    return of_container(v, CONTAINER_TRAINER, t);
}

static struct verdict failed(const struct world *w, const struct pod_facts *p, struct arena *a)
{
    struct report r;
    struct verdict v;
    struct verdict reported;
    bool is_reported = report_of_pod(p, a, &r) ? failed_by_report(p, &r, a, &reported)
                                               : failed_by_posted_report(w, p, a, &reported);
    if (is_reported && class_is_permanent(reported.failure_class))
        return reported;
    if (was_disrupted(p, a, &v) || failed_to_install(p, a, &v) || failed_by_kubelet(p, a, &v))
        return v;
    if (!is_reported)
        return failed_by_exit(p, a);
    /* The exit code of the program comes from its own container's status, which the kubelet wrote. */
    return reported.failure_class == CLASS_Application && p->trainer.state == CONTAINER_TERMINATED
               ? of_container(reported, CONTAINER_TRAINER, &p->trainer)
               : reported;
}

/* A pod that exited with 0 must also have reported success, and published the output if it is the
 * coordinator. */
static bool has_not_published(const struct world *w, const struct pod_facts *p, struct arena *a,
                              struct verdict *ret)
{
    struct report r;
    bool must_publish = *w->job->spec.output_uri != '\0' && p->index == COORDINATOR_INDEX;
    bool is_reported = report_of_pod(p, a, &r);
    if (is_reported && r.result == RESULT_SUCCEEDED && (!must_publish || *r.output.uri != '\0'))
        return false;
    if (is_reported && failed_by_report(p, &r, a, ret)) {
        /* The cluster knows why a pod ended that the agent saw ending. */
        if (ret->failure_class == CLASS_Disruption)
            (void)was_disrupted(p, a, ret);
        return true;
    }
    *ret = of_container(verdict_make(a, p, REASON_AgentReportMissing,
                                     "%s exited with 0, but its agent did not report the published output",
                                     verdict_worker_text(a, p)),
                        CONTAINER_AGENT, &p->agent);
    return true;
}

/* ---- containers that cannot start ---- */

/* A container cannot start, for good or for too long. */
static bool cannot_start(const struct world *w, const struct pod_facts *p, struct arena *a,
                         struct verdict *ret, int64_t *ret_recheck_us)
{
    struct start_failure all[POD_CONTAINERS];
    size_t count = start_failures_of_pod(p, all);
    int64_t until = start_deadline_us(p);
    for (size_t i = 0; i < count; i++) {
        const struct start_failure *f = &all[i];
        if (!f->is_final && w->now_us < until) {
            *ret_recheck_us = until;
            continue;
        }
        *ret = verdict_make(a, p, f->reason, "%s: container %s cannot start: %s: %s",
                            verdict_worker_text(a, p), f->container, f->facts->reason, f->detail);
        ret->container = f->container;
        return true;
    }
    return false;
}

bool verdict_of_pod(const struct world *w, const struct pod_facts *p, struct arena *a, struct verdict *ret,
                    int64_t *ret_recheck_us)
{
    *ret_recheck_us = 0;
    if (verdict_of_placement(w, p, a, ret))
        return true;
    if (p->phase == POD_SUCCEEDED)
        return has_not_published(w, p, a, ret);
    if (p->phase == POD_FAILED) {
        *ret = failed(w, p, a);
        return true;
    }
    if (failed_by_posted_report(w, p, a, ret))
        return true;
    /* A condition DisruptionTarget alone may be withdrawn; a deletion may not. */
    if (p->is_deleting)
        return was_disrupted(p, a, ret);
    return is_crash_looping(p, a, ret) || cannot_start(w, p, a, ret, ret_recheck_us);
}

/* ---- which failure is the cause ---- */

/* A peer that lost its connections fails as Application or Network, so these rank below the causes of that.
 */
static int severity(const struct verdict *v)
{
    static const int severities[] = {
        [CLASS_None] = 0,    [CLASS_Internal] = 1,   [CLASS_Application] = 2,
        [CLASS_Network] = 3, [CLASS_Disruption] = 4, [CLASS_Resource] = 5,
        [CLASS_Data] = 6,    [CLASS_Key] = 7,        [CLASS_Security] = 8,
    };
    return severities[v->failure_class];
}

bool verdict_outranks(const struct verdict *a, const struct verdict *b)
{
    if (severity(a) != severity(b))
        return severity(a) > severity(b);
    if (a->time_us != b->time_us)
        return a->time_us < b->time_us;
    /* Times have a resolution of one second. Within it, a killed program (128 and more) failed before its
     * peers. */
    return a->exit_code > b->exit_code;
}

#include "object_json.h"

#include <stdio.h>

#include "api/labels.h"
#include "api/status_json.h"
#include "base/rfc3339.h"

#include "base/banned.h"

/* ---- jobs ---- */

static const char spec_text[] =
    "{\"suspend\": %s, %s \"serviceAccountName\": \"trainer\", \"confidential\": {\"technologies\": "
    "[\"SEV\"]},"
    " \"replicas\": 2, \"network\": {\"workerTraffic\": \"AcceptPlain\"},"
    " \"trainer\": {\"image\": \"registry/digits@sha256:00\", \"command\": [\"/train\"]},"
    " \"keys\": [{\"name\": \"results\", \"kms\": \"projects/p/locations/l/keyRings/r/cryptoKeys/k\"}],"
    " \"output\": {\"uri\": \"gs://bucket/models/\", \"keyName\": \"results\"},"
    " \"failurePolicy\": {\"maxRestarts\": 2, \"maxDisruptions\": 2, \"backoffSeconds\": 10,"
    "   \"terminationTimeoutSeconds\": %d}}";

static json_t *spec_json(const struct simjob *j)
{
    char more[128] = "", text[sizeof(spec_text) + sizeof(more) + 16];
    (void)snprintf(more, sizeof(more), "%s%s%s",
                   j->variant & WITH_DEADLINE ? "\"activeDeadlineSeconds\": 300," : "",
                   j->variant & WITH_TTL ? "\"ttlSecondsAfterFinished\": 60," : "",
                   j->variant & WITH_CLEAN_PODS ? "\"cleanPodPolicy\": \"All\"," : "");
    (void)snprintf(text, sizeof(text), spec_text, j->is_suspended ? "true" : "false", more, FORCE_S);
    return json_loads(text, 0, NULL);
}

json_t *job_json(const struct simjob *j)
{
    json_t *metadata = json_pack("{s:s, s:s, s:o, s:s, s:i, s:s}", "name", JOB_NAME, "namespace", NAMESPACE,
                                 "uid", json_sprintf("job-%d", j->number), "resourceVersion", "1",
                                 "generation", j->generation, "creationTimestamp", "2026-01-01T12:00:00Z");
    if (j->variant & WITH_QUEUE)
        json_object_set_new(metadata, "labels", json_pack("{s:s}", LABEL_QUEUE, "team"));
    if (j->is_deleting)
        json_object_set_new(metadata, "deletionTimestamp", json_string("2026-01-01T12:00:00Z"));
    return json_pack("{s:o, s:o, s:o}", "metadata", metadata, "spec", spec_json(j), "status",
                     status_encode(status_of(j->status)));
}

/* ---- pods ---- */

static json_t *time_json(int64_t seconds)
{
    char text[RFC3339_SIZE];
    rfc3339_format_seconds(SIM_EPOCH_US + seconds * INT64_C(1000000), text);
    return json_string(text);
}

static json_t *report_json(const struct pod *p)
{
    static const char *const results[] = {
        [TOLD_SUCCEEDED] = "\"result\":\"Succeeded\"",
        [TOLD_FAILED] = "\"result\":\"Failed\",\"reason\":\"CommandFailed\",\"class\":\"Application\"",
        [TOLD_SECURITY] = "\"result\":\"Failed\",\"reason\":\"DataTampered\",\"class\":\"Security\"",
    };
    char output[128] = "";
    if (p->told == TOLD_NOTHING)
        return json_string("");
    if (p->told == TOLD_SUCCEEDED && p->index == 0)
        (void)snprintf(output, sizeof(output),
                       ",\"output\":{\"uri\":\"gs://bucket/models/%d/\",\"manifestSHA256\":\"00\"}",
                       p->attempt);
    return json_sprintf("{\"version\":1,\"attempt\":%d,\"index\":%d,\"podUID\":\"uid-%d\",%s%s}", p->attempt,
                        p->index, p->number, results[p->told], output);
}

static json_t *ended(int exit_code, const char *reason, json_t *message, int64_t at_s)
{
    return json_pack("{s:{s:i, s:s, s:o, s:o}}", "terminated", "exitCode", exit_code, "reason", reason,
                     "message", message, "finishedAt", time_json(at_s));
}

static json_t *trainer_state(const struct pod *p)
{
    static const int exits[] = {[T_EXIT_0] = 0, [T_EXIT_1] = 1, [T_OOM] = 137, [T_TERM] = 143};
    if (p->trainer < T_EXIT_0)
        return json_pack("{s:{}}", "running");
    const char *reason = p->trainer == T_OOM ? "OOMKilled" : p->trainer == T_EXIT_0 ? "Completed" : "Error";
    return ended(exits[p->trainer], reason, json_string(""), p->finished_s);
}

static json_t *container_json(const char *name, json_t *state)
{
    return json_pack("{s:s, s:s, s:o}", "name", name, "imageID", name, "state", state);
}

static void add_containers(const struct pod *p, json_t *status)
{
    if (p->trainer == T_NONE)
        return;
    json_t *agent = pod_is_over(p) ? ended(0, "Completed", report_json(p), p->finished_s)
                                   : json_pack("{s:{}}", "running");
    json_object_set_new(
        status, "initContainerStatuses",
        json_pack("[o, o]", container_json(CONTAINER_INSTALL, ended(0, "Completed", json_string(""), 0)),
                  container_json(CONTAINER_AGENT, agent)));
    json_object_set_new(status, "containerStatuses",
                        json_pack("[o]", container_json(CONTAINER_TRAINER, trainer_state(p))));
}

static json_t *conditions(const struct pod *p)
{
    static const char *const words[] = {"", "EvictionByEvictionAPI", "DeletionByTaintManager",
                                        "DeletionByPodGC", "WorkloadEvictedDueToPreempted"};
    json_t *list =
        json_pack("[{s:s, s:s}]", "type", "Ready", "status", p->flags & POD_READY ? "True" : "False");
    if (p->disruption)
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s}", "type",
                                        p->disruption == D_KUEUE ? "TerminationTarget" : "DisruptionTarget",
                                        "status", "True", "reason", words[p->disruption]));
    return list;
}

json_t *pod_json(const struct pod *p, const json_t *rendered)
{
    static const char *const phases[] = {"Pending", "Running", "Succeeded", "Failed", "Unknown"};
    json_t *pod = json_deep_copy(rendered);
    json_t *metadata = json_object_get(pod, "metadata");
    json_object_set_new(metadata, "uid", json_sprintf("uid-%d", p->number));
    json_object_set_new(metadata, "creationTimestamp", time_json(p->created_s));
    if (p->flags & POD_DELETING) {
        json_object_set_new(metadata, "deletionTimestamp", time_json(p->leaves_s));
        json_object_set_new(metadata, "deletionGracePeriodSeconds",
                            json_integer(p->flags & POD_FORCED ? 0 : GRACE_S));
    }
    if (p->flags & POD_GROUP_OVER)
        json_object_set_new(json_object_get(metadata, "annotations"), ANNOTATION_GROUP_IS_RETRIED,
                            json_string(ANNOTATION_GROUP_NOT_RETRIED));
    if (p->flags & POD_GATED)
        json_object_set_new(json_object_get(pod, "spec"), "schedulingGates",
                            json_pack("[{s:s}]", "name", "kueue.x-k8s.io/admission"));
    json_t *status = json_pack("{s:s, s:o}", "phase", phases[p->phase], "conditions", conditions(p));
    if (p->node) {
        json_object_set_new(json_object_get(pod, "spec"), "nodeName", json_string(node_name(p->node - 1)));
        json_object_set_new(status, "startTime", time_json(0));
    }
    add_containers(p, status);
    json_object_set_new(pod, "status", status);
    return pod;
}

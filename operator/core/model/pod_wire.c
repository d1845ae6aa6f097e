/*
 * From k8s.io/api/core/v1/generated.proto of Kubernetes 1.36; field numbers are never reused.
 *
 * Messages that count in the fingerprint as a whole are listed in full: a field missing from these tables is
 * one that the operator did not write. Fields that the operator never writes are opaque: only their presence
 * and whether they have changed matter.
 */
#include "core/model/pod_wire.h"

#include "kobj/wire_meta.h"

#include "base/banned.h"

/* A value; a value that is omitted when it is zero; a list. */
#define VALUE(n, text, of)                                                                                   \
    {                                                                                                        \
        .number = (n), .key = WIRE_KEY(text), .kind = (of)                                                   \
    }
#define OMITTED(n, text, of)                                                                                 \
    {                                                                                                        \
        .number = (n), .key = WIRE_KEY(text), .kind = (of), .omits_zero = true                               \
    }
#define LIST(n, text, of)                                                                                    \
    {                                                                                                        \
        .number = (n), .key = WIRE_KEY(text), .kind = (of), .is_list = true                                  \
    }
#define PART(n, text, of)                                                                                    \
    {                                                                                                        \
        .number = (n), .key = WIRE_KEY(text), .kind = WIRE_MESSAGE, .message = &(of)                         \
    }
#define PARTS(n, text, of)                                                                                   \
    {                                                                                                        \
        .number = (n), .key = WIRE_KEY(text), .kind = WIRE_MESSAGE, .is_list = true, .message = &(of)        \
    }
#define INLINE(n, of)                                                                                        \
    {                                                                                                        \
        .number = (n), .kind = WIRE_INLINE, .message = &(of)                                                 \
    }

/* ---- environment ---- */
static const struct wire_member local_object_reference_members[] = {
    OMITTED(1, "name", WIRE_TEXT),
};
static const struct wire_message local_object_reference =
    WIRE_MESSAGE_IN_FULL(local_object_reference_members);

/* Of a ConfigMap or a Secret. */
static const struct wire_member key_selector_members[] = {
    INLINE(1, local_object_reference),
    VALUE(2, "key", WIRE_TEXT),
    VALUE(3, "optional", WIRE_BOOL),
};
static const struct wire_message key_selector = WIRE_MESSAGE_IN_FULL(key_selector_members);

static const struct wire_member field_selector_members[] = {
    OMITTED(1, "apiVersion", WIRE_TEXT),
    VALUE(2, "fieldPath", WIRE_TEXT),
};
static const struct wire_message field_selector = WIRE_MESSAGE_IN_FULL(field_selector_members);

static const struct wire_member env_source_members[] = {
    PART(1, "fieldRef", field_selector),
    PART(3, "configMapKeyRef", key_selector),
    PART(4, "secretKeyRef", key_selector),
};
static const struct wire_message env_source = WIRE_MESSAGE_IN_FULL(env_source_members);

static const struct wire_member env_members[] = {
    VALUE(1, "name", WIRE_TEXT),
    OMITTED(2, "value", WIRE_TEXT),
    PART(3, "valueFrom", env_source),
};
static const struct wire_message env = WIRE_MESSAGE_IN_FULL(env_members);

/* ---- security ---- */
static const struct wire_member seccomp_members[] = {
    VALUE(1, "type", WIRE_TEXT),
    VALUE(2, "localhostProfile", WIRE_TEXT),
};
static const struct wire_message seccomp = WIRE_MESSAGE_IN_FULL(seccomp_members);

static const struct wire_member capabilities_members[] = {
    LIST(1, "add", WIRE_TEXT),
    LIST(2, "drop", WIRE_TEXT),
};
static const struct wire_message capabilities = WIRE_MESSAGE_IN_FULL(capabilities_members);

static const struct wire_member container_security_members[] = {
    PART(1, "capabilities", capabilities),         VALUE(2, "privileged", WIRE_BOOL),
    VALUE(4, "runAsUser", WIRE_INTEGER),           VALUE(5, "runAsNonRoot", WIRE_BOOL),
    VALUE(6, "readOnlyRootFilesystem", WIRE_BOOL), VALUE(7, "allowPrivilegeEscalation", WIRE_BOOL),
    VALUE(8, "runAsGroup", WIRE_INTEGER),          PART(11, "seccompProfile", seccomp),
};
static const struct wire_message container_security = WIRE_MESSAGE_IN_FULL(container_security_members);

static const struct wire_member pod_security_members[] = {
    VALUE(2, "runAsUser", WIRE_INTEGER), VALUE(3, "runAsNonRoot", WIRE_BOOL),
    VALUE(5, "fsGroup", WIRE_INTEGER),   VALUE(6, "runAsGroup", WIRE_INTEGER),
    PART(10, "seccompProfile", seccomp),
};
static const struct wire_message pod_security = WIRE_MESSAGE_IN_FULL(pod_security_members);

/* ---- containers ---- */
static const struct wire_member mount_members[] = {
    VALUE(1, "name", WIRE_TEXT),
    OMITTED(2, "readOnly", WIRE_BOOL),
    VALUE(3, "mountPath", WIRE_TEXT),
    OMITTED(4, "subPath", WIRE_TEXT),
    VALUE(5, "mountPropagation", WIRE_TEXT),
    OMITTED(6, "subPathExpr", WIRE_TEXT),
    VALUE(7, "recursiveReadOnly", WIRE_TEXT),
};
static const struct wire_message mount = WIRE_MESSAGE_IN_FULL(mount_members);

static const struct wire_member exec_members[] = {
    LIST(1, "command", WIRE_TEXT),
};
static const struct wire_message exec = WIRE_MESSAGE_IN_FULL(exec_members);

static const struct wire_member probe_handler_members[] = {
    PART(1, "exec", exec),
    VALUE(2, "httpGet", WIRE_OPAQUE),
};
static const struct wire_message probe_handler = WIRE_MESSAGE_OF(probe_handler_members);

static const struct wire_member readiness_members[] = {
    INLINE(1, probe_handler),
};
static const struct wire_message readiness = WIRE_MESSAGE_OF(readiness_members);

static const struct wire_member container_members[] = {
    VALUE(1, "name", WIRE_TEXT),
    OMITTED(2, "image", WIRE_TEXT),
    LIST(3, "command", WIRE_TEXT),
    LIST(4, "args", WIRE_TEXT),
    OMITTED(5, "workingDir", WIRE_TEXT),
    PARTS(7, "env", env),
    PARTS(9, "volumeMounts", mount),
    VALUE(10, "livenessProbe", WIRE_OPAQUE),
    PART(11, "readinessProbe", readiness),
    VALUE(12, "lifecycle", WIRE_OPAQUE),
    PART(15, "securityContext", container_security),
    LIST(19, "envFrom", WIRE_OPAQUE),
    LIST(21, "volumeDevices", WIRE_OPAQUE),
    VALUE(22, "startupProbe", WIRE_OPAQUE),
    VALUE(24, "restartPolicy", WIRE_TEXT),
};
static const struct wire_message container = WIRE_MESSAGE_OF(container_members);

/* ---- volumes ---- */
static const struct wire_member empty_dir_members[] = {
    OMITTED(1, "medium", WIRE_TEXT),
    VALUE(2, "sizeLimit", WIRE_QUANTITY),
};
static const struct wire_message empty_dir = WIRE_MESSAGE_IN_FULL(empty_dir_members);

static const struct wire_member secret_members[] = {
    OMITTED(1, "secretName", WIRE_TEXT),
    VALUE(3, "defaultMode", WIRE_INTEGER),
    VALUE(4, "optional", WIRE_BOOL),
};
static const struct wire_message secret = WIRE_MESSAGE_IN_FULL(secret_members);

static const struct wire_member config_map_members[] = {
    INLINE(1, local_object_reference),
    VALUE(3, "defaultMode", WIRE_INTEGER),
    VALUE(4, "optional", WIRE_BOOL),
};
static const struct wire_message config_map = WIRE_MESSAGE_IN_FULL(config_map_members);

static const struct wire_member token_members[] = {
    OMITTED(1, "audience", WIRE_TEXT),
    VALUE(2, "expirationSeconds", WIRE_INTEGER),
    VALUE(3, "path", WIRE_TEXT),
};
static const struct wire_message token = WIRE_MESSAGE_IN_FULL(token_members);

static const struct wire_member projection_members[] = {
    PART(4, "serviceAccountToken", token),
};
static const struct wire_message projection = WIRE_MESSAGE_IN_FULL(projection_members);

static const struct wire_member projected_members[] = {
    PARTS(1, "sources", projection),
    VALUE(2, "defaultMode", WIRE_INTEGER),
};
static const struct wire_message projected = WIRE_MESSAGE_IN_FULL(projected_members);

static const struct wire_member volume_source_members[] = {
    PART(2, "emptyDir", empty_dir),
    PART(6, "secret", secret),
    PART(19, "configMap", config_map),
    PART(26, "projected", projected),
};
static const struct wire_message volume_source = WIRE_MESSAGE_IN_FULL(volume_source_members);

static const struct wire_member volume_members[] = {
    VALUE(1, "name", WIRE_TEXT),
    INLINE(2, volume_source),
};
static const struct wire_message volume = WIRE_MESSAGE_IN_FULL(volume_members);

/* ---- placement ---- */
static const struct wire_member requirement_members[] = {
    VALUE(1, "key", WIRE_TEXT),
    VALUE(2, "operator", WIRE_TEXT),
    LIST(3, "values", WIRE_TEXT),
};
static const struct wire_message requirement = WIRE_MESSAGE_IN_FULL(requirement_members);

static const struct wire_member term_members[] = {
    PARTS(1, "matchExpressions", requirement),
    PARTS(2, "matchFields", requirement),
};
static const struct wire_message term = WIRE_MESSAGE_IN_FULL(term_members);

static const struct wire_member node_selector_members[] = {
    PARTS(1, "nodeSelectorTerms", term),
};
static const struct wire_message node_selector = WIRE_MESSAGE_IN_FULL(node_selector_members);

static const struct wire_member node_affinity_members[] = {
    PART(1, "requiredDuringSchedulingIgnoredDuringExecution", node_selector),
};
static const struct wire_message node_affinity = WIRE_MESSAGE_OF(node_affinity_members);

static const struct wire_member affinity_members[] = {
    PART(1, "nodeAffinity", node_affinity),
};
static const struct wire_message affinity = WIRE_MESSAGE_OF(affinity_members);

static const struct wire_member gate_members[] = {
    VALUE(1, "name", WIRE_TEXT),
};
static const struct wire_message gate = WIRE_MESSAGE_OF(gate_members);

static const struct wire_member spec_members[] = {
    PARTS(1, "volumes", volume),
    PARTS(2, "containers", container),
    VALUE(7, "nodeSelector", WIRE_MAP),
    OMITTED(8, "serviceAccountName", WIRE_TEXT),
    OMITTED(10, "nodeName", WIRE_TEXT),
    OMITTED(11, "hostNetwork", WIRE_BOOL),
    OMITTED(12, "hostPID", WIRE_BOOL),
    OMITTED(13, "hostIPC", WIRE_BOOL),
    PART(14, "securityContext", pod_security),
    PART(18, "affinity", affinity),
    PARTS(20, "initContainers", container),
    VALUE(21, "automountServiceAccountToken", WIRE_BOOL),
    VALUE(27, "shareProcessNamespace", WIRE_BOOL),
    VALUE(29, "runtimeClassName", WIRE_TEXT),
    LIST(34, "ephemeralContainers", WIRE_OPAQUE),
    VALUE(37, "hostUsers", WIRE_BOOL),
    PARTS(38, "schedulingGates", gate),
};
static const struct wire_message spec = WIRE_MESSAGE_OF(spec_members);

/* ---- status ---- */
static const struct wire_member condition_members[] = {
    VALUE(1, "type", WIRE_TEXT),
    VALUE(2, "status", WIRE_TEXT),
    OMITTED(5, "reason", WIRE_TEXT),
    OMITTED(6, "message", WIRE_TEXT),
};
static const struct wire_message condition = WIRE_MESSAGE_OF(condition_members);

static const struct wire_member waiting_members[] = {
    OMITTED(1, "reason", WIRE_TEXT),
    OMITTED(2, "message", WIRE_TEXT),
};
static const struct wire_message waiting = WIRE_MESSAGE_OF(waiting_members);

/* Only its presence is read. */
static const struct wire_message running = {.count = 0};

static const struct wire_member terminated_members[] = {
    VALUE(1, "exitCode", WIRE_INTEGER), OMITTED(2, "signal", WIRE_INTEGER), OMITTED(3, "reason", WIRE_TEXT),
    OMITTED(4, "message", WIRE_TEXT),   VALUE(6, "finishedAt", WIRE_TIME),
};
static const struct wire_message terminated = WIRE_MESSAGE_OF(terminated_members);

static const struct wire_member state_members[] = {
    PART(1, "waiting", waiting),
    PART(2, "running", running),
    PART(3, "terminated", terminated),
};
static const struct wire_message state = WIRE_MESSAGE_OF(state_members);

static const struct wire_member container_status_members[] = {
    VALUE(1, "name", WIRE_TEXT),    PART(2, "state", state),
    PART(3, "lastState", state),    VALUE(5, "restartCount", WIRE_INTEGER),
    VALUE(7, "imageID", WIRE_TEXT),
};
static const struct wire_message container_status = WIRE_MESSAGE_OF(container_status_members);

static const struct wire_member status_members[] = {
    OMITTED(1, "phase", WIRE_TEXT),
    PARTS(2, "conditions", condition),
    OMITTED(3, "message", WIRE_TEXT),
    OMITTED(4, "reason", WIRE_TEXT),
    VALUE(7, "startTime", WIRE_TIME),
    PARTS(8, "containerStatuses", container_status),
    PARTS(10, "initContainerStatuses", container_status),
};
static const struct wire_message status = WIRE_MESSAGE_OF(status_members);

static const struct wire_member pod_members[] = {
    PART(1, "metadata", wire_object_meta),
    PART(2, "spec", spec),
    PART(3, "status", status),
};
const struct wire_message pod_wire = WIRE_MESSAGE_OF(pod_members);

/* One table for both directions. */
#include "api/status_json.h"

#include <stddef.h>
#include <string.h>

#include "api/progress_json.h"
#include "data/field.h"
#include "api/status_int.h"
#include "data/js.h"

#include "base/banned.h"

#define STATUS(path, kind, member, keep)                                                                     \
    {                                                                                                        \
        path, FIELD_##kind, offsetof(struct job_status, member), keep, NULL                                  \
    }

static const struct field status_fields[] = {
    STATUS("observedGeneration", INT64, observed_generation, true),
    STATUS("reason", TEXT, reason, false),
    STATUS("message", TEXT, message, false),
    STATUS("attempt", INT32, attempt, true),
    STATUS("restarts", INT32, restarts, true),
    STATUS("disruptions", INT32, disruptions, true),
    STATUS("startTime", TIME, start_time_us, false),
    STATUS("finishTime", TIME, finish_time_us, false),
    STATUS("workers.ready", INT32, workers.ready, true),
    STATUS("workers.active", INT32, workers.active, true),
    STATUS("workers.succeeded", INT32, workers.succeeded, true),
    STATUS("workers.failed", INT32, workers.failed, true),
    STATUS("workers.summary", TEXT, workers.summary, false),
    STATUS("workers.completedIndexes", TEXT, workers.completed_indexes, false),
    STATUS("backoff.failures", INT32, backoff_failures, false),
    STATUS("backoff.until", TIME, backoff_until_us, false),
    STATUS("confidential.technology", TEXT, technology, false),
    STATUS("confidential.requestedTechnology", TEXT, requested_technology, false),
    STATUS("checkpoint.uri", TEXT, checkpoint.uri, false),
    STATUS("checkpoint.latest", TEXT, checkpoint.name, false),
    STATUS("checkpoint.step", INT64, checkpoint.step, false),
    STATUS("checkpoint.time", TEXT, checkpoint.time, false),
    STATUS("checkpoint.manifestSHA256", TEXT, checkpoint.manifest_sha256, false),
    STATUS("checkpoint.attempt", INT64, checkpoint.at.attempt, false),
    STATUS("checkpoint.sequence", INT64, checkpoint.at.sequence, false),
    STATUS("checkpoint.restored.name", TEXT, restored.checkpoint.name, false),
    STATUS("checkpoint.restored.attempt", INT64, restored.checkpoint.at.attempt, false),
    STATUS("checkpoint.restored.sequence", INT64, restored.checkpoint.at.sequence, false),
    STATUS("checkpoint.restored.byAttempt", INT32, restored.by_attempt, false),
    STATUS("checkpoint.restored.failures", INT32, restored.failures, false),
    STATUS("checkpoint.passedOver.name", TEXT, passed_over.name, false),
    STATUS("checkpoint.passedOver.attempt", INT64, passed_over.range.at.attempt, false),
    STATUS("checkpoint.passedOver.sequence", INT64, passed_over.range.at.sequence, false),
    STATUS("checkpoint.passedOver.untilAttempt", INT32, passed_over.range.until_attempt, false),
    STATUS("output.uri", TEXT, output.uri, false),
    STATUS("output.manifestSHA256", TEXT, output.manifest_sha256, false),
};

#define FAILURE(path, kind, member)                                                                          \
    {                                                                                                        \
        path, FIELD_##kind, offsetof(struct status_failure, member), false, NULL                             \
    }

/* exitCode is separate: 0 is a value, and -1 means that it is absent. */
static const struct field failure_fields[] = {
    FAILURE("pod", TEXT, pod),
    FAILURE("node", TEXT, node),
    FAILURE("container", TEXT, container),
    FAILURE("signal", INT32, signal),
    FAILURE("class", TEXT, failure_class),
    FAILURE("reason", TEXT, reason),
    FAILURE("message", TEXT, message),
    FAILURE("time", TIME, time_us),
};
static const struct field failure_attempt = {"attempt", FIELD_INT32, offsetof(struct status_failure, attempt),
                                             true, NULL};
static const struct field failure_exit = {"exitCode", FIELD_INT32, offsetof(struct status_failure, exit_code),
                                          true, NULL};

#define CONDITION(path, kind, member)                                                                        \
    {                                                                                                        \
        path, FIELD_##kind, offsetof(struct status_condition, member), false, NULL                           \
    }

static const struct field condition_fields[] = {
    CONDITION("type", TEXT, type),
    CONDITION("status", TEXT, status),
    CONDITION("reason", TEXT, reason),
    CONDITION("message", TEXT, message),
    CONDITION("lastTransitionTime", TIME, transition_us),
    CONDITION("observedGeneration", INT64, observed_generation),
};

static json_t *encode_failure(const struct status_failure *f)
{
    json_t *o = json_object();
    fields_encode(&failure_attempt, 1, f, o);
    fields_encode(failure_fields, ARRAY_LEN(failure_fields), f, o);
    if (f->exit_code >= 0)
        fields_encode(&failure_exit, 1, f, o);
    return o;
}

static json_t *encode_condition(const struct status_condition *c)
{
    json_t *o = json_object();
    fields_encode(condition_fields, ARRAY_LEN(condition_fields), c, o);
    return o;
}

static void encode_nodes(const struct job_status *s, json_t *ret)
{
    if (s->node_count == 0)
        return;
    json_t *confidential = json_object_get(ret, "confidential");
    if (confidential == NULL) {
        confidential = json_object();
        json_object_set_new(ret, "confidential", confidential);
    }
    json_t *nodes = json_array();
    for (size_t i = 0; i < s->node_count; i++)
        json_array_append_new(nodes, json_string(s->nodes[i]));
    json_object_set_new(confidential, "nodes", nodes);
}

json_t *status_encode(const struct job_status *s)
{
    json_t *o = json_object();
    json_object_set_new(o, "phase", json_string(phase_name(s->phase)));
    fields_encode(status_fields, ARRAY_LEN(status_fields), s, o);
    encode_nodes(s, o);
    if (s->failure_count > 0) {
        json_t *failures = json_array();
        for (size_t i = 0; i < s->failure_count; i++)
            json_array_append_new(failures, encode_failure(&s->failures[i]));
        json_object_set_new(o, "failures", failures);
    }
    if (s->progress.updated_us != 0)
        json_object_set_new(o, "progress", progress_encode(&s->progress));
    json_t *conditions = json_array();
    for (size_t i = 0; i < s->condition_count; i++)
        json_array_append_new(conditions, encode_condition(&s->conditions[i]));
    json_object_set_new(o, "conditions", conditions);
    status_encode_notifications(s, o);
    return o;
}

static void decode_failures(const json_t *list, struct job_status *ret)
{
    size_t total = json_array_size(list);
    for (size_t i = total > FAILURES_MAX ? total - FAILURES_MAX : 0; i < total; i++) {
        struct status_failure *f = &ret->failures[ret->failure_count++];
        *f = (struct status_failure){.pod = "",
                                     .node = "",
                                     .container = "",
                                     .exit_code = -1,
                                     .failure_class = "",
                                     .reason = "",
                                     .message = ""};
        const json_t *o = json_array_get(list, i);
        fields_decode_valid(failure_fields, ARRAY_LEN(failure_fields), o, f);
        fields_decode_valid(&failure_attempt, 1, o, f);
        fields_decode_valid(&failure_exit, 1, o, f);
    }
}

static void decode_conditions(const json_t *list, struct job_status *ret)
{
    for (size_t i = 0; i < json_array_size(list) && ret->condition_count < CONDITIONS_MAX; i++) {
        struct status_condition *c = &ret->conditions[ret->condition_count++];
        *c = (struct status_condition){.type = "", .status = "", .reason = "", .message = ""};
        fields_decode_valid(condition_fields, ARRAY_LEN(condition_fields), json_array_get(list, i), c);
    }
}

static void decode_nodes(const json_t *list, struct arena *a, struct job_status *ret)
{
    size_t count = json_array_size(list);
    if (count == 0 || count > STATUS_NODES_MAX)
        return;
    const char **nodes = arena_calloc(a, count, sizeof(*nodes));
    for (size_t i = 0; i < count; i++) {
        const char *name = json_string_value(json_array_get(list, i));
        nodes[i] = name != NULL ? name : "";
    }
    ret->nodes = nodes;
    ret->node_count = count;
}

static int32_t sensible(int32_t n, int32_t most)
{
    return n >= 0 && n <= most ? n : 0;
}

/* Numbers that the operator cannot have written are read as 0: sums and the next attempt's number must not
 * overflow, and no pod has an attempt below 1. */
static void keep_sensible_numbers(struct job_status *ret)
{
    struct status_workers *n = &ret->workers;
    ret->attempt = sensible(ret->attempt, ATTEMPTS_MAX);
    ret->restarts = sensible(ret->restarts, INT32_MAX);
    ret->disruptions = sensible(ret->disruptions, INT32_MAX);
    ret->backoff_failures = sensible(ret->backoff_failures, INT32_MAX);
    n->ready = sensible(n->ready, REPLICAS_MAX);
    n->active = sensible(n->active, REPLICAS_MAX);
    n->succeeded = sensible(n->succeeded, REPLICAS_MAX);
    n->failed = sensible(n->failed, REPLICAS_MAX);
}

void status_decode(const json_t *status, struct arena *a, struct job_status *ret)
{
    status_init(ret);
    fields_decode_valid(status_fields, ARRAY_LEN(status_fields), status, ret);
    keep_sensible_numbers(ret);
    ret->phase = phase_from_name(js_text(status, "phase"));
    (void)progress_decode(js_at(status, "progress"), a, &ret->progress);
    decode_nodes(js_at(status, "confidential.nodes"), a, ret);
    decode_failures(js_at(status, "failures"), ret);
    decode_conditions(js_at(status, "conditions"), ret);
    status_decode_notifications(js_at(status, "notifications.pending"), ret);
}

bool status_equal(const struct job_status *a, const struct job_status *b)
{
    json_t *one = status_encode(a);
    json_t *other = status_encode(b);
    bool is_equal = json_equal(one, other) == 1;
    json_decref(one);
    json_decref(other);
    return is_equal;
}

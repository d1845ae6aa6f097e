/* Where a worker may run: only on confidential nodes of the requested kind. */
#include "core/render/render_int.h"

#include "api/labels.h"

#include "base/banned.h"

/* value NULL: the label must be absent. */
static json_t *label_rule(const char *key, const char *value)
{
    if (value == NULL)
        return json_pack("{s:s, s:s}", "key", key, "operator", "DoesNotExist");
    return json_pack("{s:s, s:s, s:[s]}", "key", key, "operator", "In", "values", value);
}

/*
 * The labels of a confidential node of the requested kind are required. Users can add a nodeSelector only,
 * because terms of an affinity are ORed and would widen the choice.
 */
static json_t *affinity(enum technology t, enum spot spot)
{
    json_t *rules = json_pack("[o]", label_rule(LABEL_NODE_TECHNOLOGY, technology_name(t)));
    if (spot != SPOT_PREFER)
        json_array_append_new(rules, label_rule(LABEL_NODE_SPOT, spot == SPOT_ONLY ? "true" : NULL));
    json_t *node = json_pack("{s:{s:[{s:o}]}}", "requiredDuringSchedulingIgnoredDuringExecution",
                             "nodeSelectorTerms", "matchExpressions", rules);
    if (spot == SPOT_PREFER)
        json_object_set_new(node, "preferredDuringSchedulingIgnoredDuringExecution",
                            json_pack("[{s:i, s:{s:[o]}}]", "weight", 100, "preference", "matchExpressions",
                                      label_rule(LABEL_NODE_SPOT, "true")));
    return json_pack("{s:o}", "nodeAffinity", node);
}

static void append_copies(json_t *list, const json_t *more)
{
    for (size_t i = 0; i < json_array_size(more); i++)
        json_array_append_new(list, json_deep_copy(json_array_get(more, i)));
}

/* Of a node that does not respond, for a limited time. */
static json_t *patience(const char *taint, int32_t seconds)
{
    return json_pack("{s:s, s:s, s:s, s:i}", "key", taint, "operator", "Exists", "effect", "NoExecute",
                     "tolerationSeconds", (int)seconds);
}

/* value NULL: any value. */
static json_t *toleration(const char *taint, const char *value)
{
    return json_pack("{s:s, s:s, s:s*, s:s}", "key", taint, "operator", value != NULL ? "Equal" : "Exists",
                     "value", value, "effect", "NoSchedule");
}

static bool wants_gpu(const struct job_spec *s)
{
    return json_object_get(s->trainer.limits, RESOURCE_GPU) != NULL ||
           json_object_get(s->trainer.requests, RESOURCE_GPU) != NULL;
}

static json_t *tolerations(const struct job_spec *s, const struct config *c)
{
    json_t *list = json_array();
    append_copies(list, c->worker_tolerations);
    append_copies(list, s->tolerations);
    if (s->spot != SPOT_NEVER)
        json_array_append_new(list, toleration(LABEL_NODE_SPOT, "true"));
    if (*s->compute_class != '\0')
        json_array_append_new(list, toleration(LABEL_NODE_COMPUTE_CLASS, s->compute_class));
    if (wants_gpu(s))
        json_array_append_new(list, toleration(RESOURCE_GPU, NULL));
    json_array_append_new(list, patience("node.kubernetes.io/not-ready", c->unreachable_seconds));
    json_array_append_new(list, patience("node.kubernetes.io/unreachable", c->unreachable_seconds));
    return list;
}

static json_t *node_selector(const struct job_spec *s)
{
    json_t *selector = s->node_selector != NULL ? json_deep_copy(s->node_selector) : json_object();
    if (*s->compute_class != '\0')
        json_object_set_new(selector, LABEL_NODE_COMPUTE_CLASS, json_string(s->compute_class));
    return selector;
}

void render_placement(json_t *pod_spec, const struct job_spec *s, enum technology t, const struct config *c)
{
    json_object_set_new(pod_spec, "affinity", affinity(t, s->spot));
    json_object_set_new(pod_spec, "tolerations", tolerations(s, c));
    json_t *selector = node_selector(s);
    if (json_object_size(selector) > 0)
        json_object_set(pod_spec, "nodeSelector", selector);
    json_decref(selector);
    if (*s->priority_class_name != '\0')
        json_object_set_new(pod_spec, "priorityClassName", json_string(s->priority_class_name));
    json_t *secrets = json_array();
    append_copies(secrets, c->image_pull_secrets);
    append_copies(secrets, s->image_pull_secrets);
    if (json_array_size(secrets) > 0)
        json_object_set(pod_spec, "imagePullSecrets", secrets);
    json_decref(secrets);
}

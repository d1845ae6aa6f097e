#include "agent/plan.h"

#include <stdlib.h>
#include <string.h>

#include "agentapi/assignment.h"
#include "agentapi/pod.h"
#include "base/alloc.h"
#include "data/js.h"

#include "base/banned.h"

enum { VERSION = ASSIGNMENT_VERSION, CONNECTIONS_DEFAULT = 8, CONNECTIONS_MAX = 64 };

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value == NULL ? "" : value;
}

static const char *text_or_null(const json_t *tree, const char *path)
{
    const char *text = js_text(tree, path);
    return *text == '\0' ? NULL : text;
}

static void read_lists(struct plan *p)
{
    const json_t *keys = js_at(p->tree, "keys"), *inputs = js_at(p->tree, "inputs"), *item;
    size_t i;
    p->key_count = json_array_size(keys);
    p->keys = xcalloc(p->key_count, sizeof(*p->keys));
    json_array_foreach(keys, i, item) p->keys[i] =
        (struct plan_key){js_text(item, "name"), js_text(item, "kmsKeyName"), js_text(item, "wrappedKeyset")};
    p->input_count = json_array_size(inputs);
    p->inputs = xcalloc(p->input_count, sizeof(*p->inputs));
    json_array_foreach(inputs, i, item) p->inputs[i] =
        (struct plan_input){js_text(item, "name"), js_text(item, "uri"), js_text(item, "keyName"),
                            js_text(item, "associatedData")};
}

static void read_scalars(struct plan *p)
{
    const json_t *t = p->tree;
    p->job_namespace = js_text(t, "job.namespace");
    p->job = js_text(t, "job.name");
    p->job_uid = js_text(t, "job.uid");
    p->attempt = js_int(t, "attempt", 0);
    p->index = js_int(t, "index", -1);
    p->replicas = js_int(t, "replicas", 0);
    p->require_hsm = js_bool(t, "requireHSM", true);
    p->metadata_url = js_text(t, "endpoints.metadata");
    p->kms_url = js_text(t, "endpoints.kms");
    p->storage_url = js_text(t, "endpoints.storage");
    p->ca_bundle = text_or_null(t, "endpoints.caBundle");
    p->reports_url = text_or_null(t, "reports.url");
    p->reports_ca = text_or_null(t, "reports.ca");
    p->progress_port = js_int(t, "ports.progress", 0);
    p->metrics_port = js_int(t, "ports.metrics", 0);
    p->checkpoints_uri = text_or_null(t, "checkpoints.uri");
    p->checkpoints_key = text_or_null(t, "checkpoints.keyName");
    p->checkpoints_anchor = text_or_null(t, "checkpoints.anchor");
    p->output_uri = text_or_null(t, "output.uri");
    p->output_key = text_or_null(t, "output.keyName");
    p->must_publish = p->output_uri != NULL && js_bool(t, "output.publish", false);
    p->input_limit_bytes = (uint64_t)js_int(t, "inputLimitBytes", 0);
    int64_t connections = js_int(t, "connections", CONNECTIONS_DEFAULT);
    p->connections =
        connections < 1 || connections > CONNECTIONS_MAX ? CONNECTIONS_DEFAULT : (unsigned)connections;
    p->pod_uid = environment(ENV_POD_UID);
}

int plan_from_environment(struct plan *ret, struct err *e)
{
    struct plan p = {.tree = js_parse(view_from(environment(ENV_ASSIGNMENT)), ENV_ASSIGNMENT, e)};
    if (p.tree == NULL)
        return -1;
    if (js_int(p.tree, "version", 0) != VERSION) {
        json_decref(p.tree);
        return FAIL(e, ERR_INVALID,
                    "CLOISTER_ASSIGNMENT is not of version %d: operator and worker image do not fit together",
                    VERSION);
    }
    read_scalars(&p);
    read_lists(&p);
    if (p.attempt < 1 || p.index < 0 || p.index >= p.replicas || *p.job_uid == '\0' || *p.pod_uid == '\0') {
        plan_fini(&p);
        return FAIL(e, ERR_INVALID, "CLOISTER_ASSIGNMENT names no attempt, worker or pod");
    }
    *ret = p;
    return 0;
}

void plan_fini(struct plan *p)
{
    free(p->keys);
    free(p->inputs);
    json_decref(p->tree);
    *p = (struct plan){.tree = NULL};
}

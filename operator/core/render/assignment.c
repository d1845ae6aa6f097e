/* The agent's plan: all that a worker must know, as one JSON value in its environment. */
#include "core/render/assignment.h"

#include <stdlib.h>
#include <string.h>

#include "agentapi/pod.h"
#include "api/labels.h"
#include "api/names.h"
#include "base/strbuf.h"

#include "base/banned.h"

/* Room for a plan that is too large to be used, so that its size can be told. */
#define PLAN_TEXT_MAX ((size_t)16 << 20)

static json_t *endpoints(const struct config *c)
{
    json_t *o = json_pack("{s:s, s:s, s:s}", "metadata", c->metadata_url, "kms", c->kms_url, "storage",
                          c->storage_url);
    if (*c->ca_bundle != '\0')
        json_object_set_new(o, "caBundle", json_string(c->ca_bundle));
    return o;
}

/* Where the agent tells how far it is. The CA's certificates must outlive the job. */
static void add_reports(json_t *plan, const struct config *c)
{
    if (*c->report_url != '\0')
        json_object_set_new(plan, "reports",
                            json_pack("{s:s, s:s}", "url", c->report_url, "ca", c->report_ca));
}

static json_t *keys(const struct job_spec *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->key_count; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s}", "name", s->keys[i].name, "kmsKeyName",
                                        s->keys[i].kms_key_name, "wrappedKeyset", s->keys[i].wrapped_keyset));
    return list;
}

static json_t *inputs(const struct job_spec *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->input_count; i++) {
        const struct job_input *in = &s->inputs[i];
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s, s:s}", "name", in->name, "uri", in->uri, "keyName",
                                        in->key_name, "associatedData", in->associated_data));
    }
    return list;
}

/* "gs://bucket/ckpt/digits-1a2b3c4d/": what one job writes never meets what another writes. */
static char *job_folder(const struct job *j, const char *uri)
{
    char uid8[UID8_SIZE];
    name_uid8(j->uid, uid8);
    size_t n = strlen(uri);
    struct strbuf text = STRBUF(4096);
    strbuf_addf(&text, "%s%s%s-%s/", uri, n > 0 && uri[n - 1] == '/' ? "" : "/", j->name, uid8);
    return strbuf_take(&text);
}

static void add_destinations(json_t *plan, const struct job *j, int32_t attempt, int32_t index)
{
    const struct job_spec *s = &j->spec;
    if (*s->checkpoints_uri != '\0') {
        char *folder = job_folder(j, s->checkpoints_uri);
        json_object_set_new(plan, "checkpoints",
                            json_pack("{s:s, s:s, s:s}", "uri", folder, "keyName", s->checkpoints_key_name,
                                      "anchor", j->status.checkpoint.manifest_sha256));
        free(folder);
    }
    if (*s->output_uri != '\0') {
        char *folder = job_folder(j, s->output_uri);
        json_object_set_new(plan, "output",
                            json_pack("{s:o, s:s, s:b}", "uri", json_sprintf("%s%d/", folder, (int)attempt),
                                      "keyName", s->output_key_name, "publish", index == COORDINATOR_INDEX));
        free(folder);
    }
}

static json_t *plan_json(const struct job *j, const struct config *c, int32_t attempt, int32_t index)
{
    const struct job_spec *s = &j->spec;
    json_t *plan = json_object();
    json_object_set_new(plan, "version", json_integer(1));
    json_object_set_new(plan, "job",
                        json_pack("{s:s, s:s, s:s}", "namespace", j->ns, "name", j->name, "uid", j->uid));
    json_object_set_new(plan, "attempt", json_integer(attempt));
    json_object_set_new(plan, "index", json_integer(index));
    json_object_set_new(plan, "replicas", json_integer(s->replicas));
    json_object_set_new(plan, "requireHSM", json_boolean(s->require_hsm));
    json_object_set_new(plan, "endpoints", endpoints(c));
    json_object_set_new(plan, "keys", keys(s));
    json_object_set_new(plan, "inputs", inputs(s));
    add_destinations(plan, j, attempt, index);
    add_reports(plan, c);
    json_object_set_new(
        plan, "ports",
        json_pack("{s:i, s:i}", "progress", PORT_AGENT_PROGRESS, "metrics", PORT_AGENT_METRICS));
    json_object_set_new(plan, "inputLimitBytes", json_integer(s->input_limit_bytes));
    json_object_set_new(plan, "outputLimitBytes", json_integer(s->output_limit_bytes));
    json_object_set_new(plan, "gracePeriodSeconds", json_integer(c->grace_seconds));
    json_object_set_new(plan, "connections", json_integer(c->connections));
    return plan;
}

/*
 * The kubelet expands $(NAME) and $$ in values of environment variables. In JSON a
 * dollar stands inside a string only, where \u0024 is the same character.
 */
static int add_without_dollars(const char *bytes, size_t length, void *context)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '$')
            strbuf_add_text(context, "\\u0024");
        else
            strbuf_add_char(context, bytes[i]);
    }
    return 0;
}

char *render_agent_plan(const struct job *j, const struct config *c, int32_t attempt, int32_t index)
{
    struct strbuf text = STRBUF(PLAN_TEXT_MAX);
    json_t *plan = plan_json(j, c, attempt, index);
    (void)json_dump_callback(plan, add_without_dollars, &text, JSON_COMPACT);
    json_decref(plan);
    return strbuf_take(&text);
}

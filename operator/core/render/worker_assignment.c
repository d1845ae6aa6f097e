/* The assignment of one worker, as the value of its agent's variable ENV_ASSIGNMENT. */
#include "core/render/worker_assignment.h"

#include <stdlib.h>
#include <string.h>

#include "agentapi/assignment.h"
#include "agentapi/pod.h"
#include "api/labels.h"
#include "api/names.h"
#include "base/strbuf.h"

#include "base/banned.h"

/* Space for one that is too large to be used, so that its size is known. */
#define ASSIGNMENT_TEXT_MAX ((size_t)16 << 20)

static void add_keys(struct assignment *x, const struct job_spec *s, struct arena *a)
{
    struct assignment_key *keys = arena_calloc(a, s->key_count, sizeof(*keys));
    for (size_t i = 0; i < s->key_count; i++)
        keys[i] = (struct assignment_key){.name = s->keys[i].name,
                                          .kms_key_name = s->keys[i].kms_key_name,
                                          .wrapped_keyset = s->keys[i].wrapped_keyset};
    x->keys = keys;
    x->key_count = s->key_count;
}

static void add_inputs(struct assignment *x, const struct job_spec *s, struct arena *a)
{
    struct assignment_input *inputs = arena_calloc(a, s->input_count, sizeof(*inputs));
    for (size_t i = 0; i < s->input_count; i++)
        inputs[i] = (struct assignment_input){.name = s->inputs[i].name,
                                              .uri = s->inputs[i].uri,
                                              .key_name = s->inputs[i].key_name,
                                              .associated_data = s->inputs[i].associated_data};
    x->inputs = inputs;
    x->input_count = s->input_count;
}

/* "gs://bucket/ckpt/digits-1a2b3c4d/": two jobs never write below the same one. */
static const char *job_folder(const struct job *j, const char *uri, struct arena *a)
{
    char uid8[UID8_SIZE];
    name_uid8(j->uid, uid8);
    size_t n = strlen(uri);
    return arena_printf(a, "%s%s%s-%s/", uri, n > 0 && uri[n - 1] == '/' ? "" : "/", j->name, uid8);
}

static void add_destinations(struct assignment *x, const struct job *j, const struct worker *w,
                             struct arena *a)
{
    const struct job_spec *s = &j->spec;
    if (*s->checkpoints_uri != '\0') {
        x->checkpoints_uri = job_folder(j, s->checkpoints_uri, a);
        x->checkpoints_key = s->checkpoints_key_name;
        x->checkpoints_passed_over = w->passed_over;
        x->checkpoints_anchor = j->status.checkpoint.manifest_sha256;
    }
    if (*s->output_uri != '\0') {
        x->output_uri = arena_printf(a, "%s%d/", job_folder(j, s->output_uri, a), (int)x->attempt);
        x->output_key = s->output_key_name;
        x->must_publish = x->index == COORDINATOR_INDEX;
    }
}

/* Where the services are, and the operator. The CA's certificates must outlive the job. */
static void add_endpoints(struct assignment *x, const struct config *c)
{
    x->metadata_url = c->metadata_url;
    x->kms_url = c->kms_url;
    x->storage_url = c->storage_url;
    x->ca_bundle = c->ca_bundle;
    if (*c->report_url != '\0') {
        x->reports_url = c->report_url;
        x->reports_ca = c->report_ca;
    }
    x->progress_port = PORT_AGENT_PROGRESS;
    x->metrics_port = PORT_AGENT_METRICS;
    x->connections = c->connections;
}

static struct assignment assignment_of(const struct job *j, const struct config *c, const struct worker *w,
                                       struct arena *a)
{
    struct assignment x = ASSIGNMENT_NONE;
    x.job_namespace = j->ns;
    x.job = j->name;
    x.job_uid = j->uid;
    x.attempt = w->attempt;
    x.index = w->index;
    x.replicas = j->spec.replicas;
    x.require_hsm = j->spec.require_hsm;
    x.input_limit_bytes = j->spec.input_limit_bytes;
    x.agent_memory_bytes = c->agent_memory_bytes;
    add_keys(&x, &j->spec, a);
    add_inputs(&x, &j->spec, a);
    add_destinations(&x, j, w, a);
    add_endpoints(&x, c);
    return x;
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

char *render_assignment(const struct job *j, const struct config *c, const struct worker *w)
{
    struct strbuf text = STRBUF(ASSIGNMENT_TEXT_MAX);
    struct arena *a CLEANUP(cleanup_arena) = arena_new();
    const struct assignment x = assignment_of(j, c, w, a);
    json_t *tree = assignment_encode(&x);
    (void)json_dump_callback(tree, add_without_dollars, &text, JSON_COMPACT);
    json_decref(tree);
    return strbuf_take(&text);
}

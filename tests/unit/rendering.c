#include "rendering.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/job_decode.h"
#include "base/alloc.h"
#include "data/js.h"

#include "../support/config.h"

#include "base/banned.h"

const struct config rendering_config = {USUAL_CONFIG};

static const char object_text[] =
    "{\"metadata\": {\"name\": \"digits\", \"namespace\": \"ml\", \"uid\": \"1a2b3c4d-5e6f\"},"
    " \"spec\": {\"serviceAccountName\": \"trainer\", \"confidential\": {\"technologies\": [\"SEV\"]},"
    "  \"replicas\": 2, \"trainer\": {\"image\": \"i@sha256:22\", \"command\": [\"/train\", \"a$b\"],"
    "   \"env\": [{\"name\": \"LR\", \"value\": \"0.1\"}],"
    "   \"resources\": {\"limits\": {\"memory\": \"64Mi\"}}},"
    "  \"staging\": {\"inputLimit\": \"1Gi\", \"outputLimit\": \"2Gi\"},"
    "  \"keys\": [{\"name\": \"k\", \"kmsKeyName\": \"projects/$p\", \"wrappedKeyset\": \"AAAA\"}],"
    "  \"inputs\": [{\"name\": \"train\", \"uri\": \"gs://b/d/\", \"keyName\": \"k\"}],"
    "  \"checkpoints\": {\"uri\": \"gs://b/ckpt/\", \"keyName\": \"k\"},"
    "  \"output\": {\"uri\": \"gs://b/models/\", \"keyName\": \"k\"}}}";

json_t *rendered_worker(const struct job *j, const struct worker *w)
{
    char *text CLEANUP(cleanup_free) = render_pod(j, &rendering_config, w);
    return js_parse(view_from(text), "the pod", NULL);
}

json_t *rendered_pod(const struct job *j)
{
    return rendered_worker(
        j, &(struct worker){.attempt = 3, .index = 1, .technology = job_technology(j), .group = ""});
}

int rendering_setup(void **state)
{
    static struct rendering f;
    f = (struct rendering){.a = arena_new(), .object = json_loads(object_text, 0, NULL)};
    *state = &f;
    if (f.object == NULL || job_decode(f.object, f.a, &f.job, NULL) < 0 || f.job.spec_problem != NULL)
        return -1;
    f.pod = rendered_pod(&f.job);
    return 0;
}

int rendering_teardown(void **state)
{
    struct rendering *f = *state;
    json_decref(f->pod);
    json_decref(f->object);
    arena_free(f->a);
    return 0;
}

const json_t *rendered_container(const json_t *pod, const char *list, size_t i)
{
    return json_array_get(js_at(pod, list), i);
}

const char *rendered_variable(const json_t *one, const char *name)
{
    const json_t *env = js_at(one, "env");
    for (size_t i = 0; i < json_array_size(env); i++)
        if (strcmp(js_text(json_array_get(env, i), "name"), name) == 0)
            return js_text(json_array_get(env, i), "value");
    return "";
}

static char *with_double_quotes(const char *text)
{
    char *copy = strdup(text);
    for (char *c = copy; *c != '\0'; c++)
        if (*c == '\'')
            *c = '"';
    return copy;
}

void render_with(struct rendering *r, const char *spec)
{
    char *text = with_double_quotes(spec);
    json_t *patch = json_loads(text, 0, NULL);
    free(text);
    assert_non_null(patch);
    assert_int_equal(json_object_update_recursive(json_object_get(r->object, "spec"), patch), 0);
    json_decref(patch);
    assert_int_equal(job_decode(r->object, r->a, &r->job, NULL), 0);
    if (r->job.spec_problem != NULL)
        fail_msg("%s", r->job.spec_problem);
    json_decref(r->pod);
    r->pod = rendered_pod(&r->job);
}

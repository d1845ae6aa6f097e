/* The volumes of a worker: memory, the report token, and the job's own. */
#include "core/render/render_int.h"

#include "agentapi/pod.h"
#include "api/labels.h"
#include "api/names.h"

#include "base/banned.h"

/* The API server's default, set so that the stored pod equals the one that was sent. */
#define FILE_MODE 0644

/* The kubelet renews it after 80 % of its lifetime. */
#define REPORT_TOKEN_SECONDS 1800

/* size_bytes 0: as much as the containers' memory limits allow. */
static json_t *memory_volume(const char *name, int64_t size_bytes)
{
    json_t *empty_dir = json_pack("{s:s}", "medium", "Memory");
    if (size_bytes > 0)
        json_object_set_new(empty_dir, "sizeLimit", json_sprintf("%lld", (long long)size_bytes));
    return json_pack("{s:s, s:o}", "name", name, "emptyDir", empty_dir);
}

static json_t *object_volume(const char *name, const char *kind, const char *name_field,
                             const struct job_volume *v)
{
    json_t *source = json_pack("{s:s, s:i}", name_field, v->source, "defaultMode", FILE_MODE);
    if (v->is_optional)
        json_object_set_new(source, "optional", json_true());
    return json_pack("{s:s, s:o}", "name", name, kind, source);
}

static json_t *user_volume(const struct job_volume *v)
{
    char name[NAME_SIZE];
    name_volume(v->name, name);
    switch (v->kind) {
    case VOLUME_CONFIG_MAP: return object_volume(name, "configMap", "name", v);
    case VOLUME_SECRET: return object_volume(name, "secret", "secretName", v);
    case VOLUME_MEMORY: break;
    }
    return memory_volume(name, v->size_bytes);
}

/* The operator identifies the sender of a report by this token. All fields are set as the API server stores
 * them. */
static json_t *token_volume(void)
{
    json_t *token = json_pack("{s:s, s:i, s:s}", "audience", REPORTS_AUDIENCE, "expirationSeconds",
                              REPORT_TOKEN_SECONDS, "path", POD_REPORT_TOKEN_FILE);
    return json_pack("{s:s, s:{s:i, s:[{s:o}]}}", "name", REPORT_TOKEN_VOLUME, "projected", "defaultMode",
                     0400, "sources", "serviceAccountToken", token);
}

json_t *render_volumes(const struct job_spec *s, const struct config *c)
{
    json_t *list = json_pack("[o, o, o, o, o, o, o]", memory_volume("inputs", s->input_limit_bytes),
                             memory_volume("outputs", s->output_limit_bytes),
                             memory_volume("run", (int64_t)1 << 20), memory_volume("bin", (int64_t)16 << 20),
                             memory_volume("tmp", 0), memory_volume("home", 0), memory_volume("shm", 0));
    if (*c->report_url != '\0')
        json_array_append_new(list, token_volume());
    for (size_t i = 0; i < s->trainer.volume_count; i++)
        json_array_append_new(list, user_volume(&s->trainer.volumes[i]));
    return list;
}

#include "core/render/worker_pod.h"

#include <string.h>

#include "api/labels.h"
#include "api/names.h"
#include "base/alloc.h"
#include "core/model/fingerprint.h"
#include "core/render/render_int.h"
#include "data/js.h"
#include "data/skim.h"

#include "base/banned.h"

static json_t *pod_metadata(const struct job *j, const struct worker *w)
{
    char name[NAME_SIZE];
    name_pod(j->name, w->index, w->attempt, name);
    json_t *m = render_metadata(j, name);
    json_t *labels = json_object_get(m, "labels");
    json_object_set_new(labels, LABEL_ATTEMPT, json_sprintf("%d", (int)w->attempt));
    json_object_set_new(labels, LABEL_INDEX, json_sprintf("%d", (int)w->index));
    json_object_set_new(m, "annotations",
                        json_pack("{s:s, s:s}", ANNOTATION_DEFAULT_CONTAINER, CONTAINER_TRAINER,
                                  ANNOTATION_FINGERPRINT, "0000000000000000"));
    if (*w->group != '\0')
        render_queueing(m, j, w);
    return m;
}

static json_t *security(const struct job_spec *s, const struct config *c)
{
    json_int_t user = s->trainer.run_as_user > 0 ? s->trainer.run_as_user : c->run_as_user;
    return json_pack("{s:I, s:I, s:I, s:b, s:{s:s}}", "runAsUser", user, "runAsGroup", user, "fsGroup", user,
                     "runAsNonRoot", 1, "seccompProfile", "type", "RuntimeDefault");
}

static json_t *pod_spec(const struct job *j, const struct config *c, const struct worker *w)
{
    char host[NAME_SIZE];
    char service[NAME_SIZE];
    name_host(j->name, w->index, host);
    name_service(j->name, service);
    json_t *spec = json_object();
    json_object_set_new(spec, "restartPolicy", json_string("Never"));
    json_object_set_new(spec, "terminationGracePeriodSeconds", json_integer(c->grace_seconds));
    json_object_set_new(spec, "hostname", json_string(host));
    json_object_set_new(spec, "subdomain", json_string(service));
    json_object_set_new(spec, "serviceAccountName", json_string(j->spec.service_account_name));
    json_object_set_new(spec, "automountServiceAccountToken", json_false());
    json_object_set_new(spec, "enableServiceLinks", json_false());
    json_object_set_new(spec, "securityContext", security(&j->spec, c));
    render_placement(spec, &j->spec, w->technology, c);
    json_object_set_new(spec, "initContainers",
                        json_pack("[o, o]", render_install_container(c), render_agent_container(j, c, w)));
    json_object_set_new(spec, "containers",
                        json_pack("[o]", render_trainer_container(j, c, w->attempt, w->index)));
    json_object_set_new(spec, "volumes", render_volumes(&j->spec, c));
    return spec;
}

/* Replaces the placeholder: the fingerprint is computed over the text that is sent. */
static void put_fingerprint(char *text)
{
    static const char *const annotation = ANNOTATION_FINGERPRINT;
    struct view pod = view_from(text), value;
    char fingerprint[FINGERPRINT_SIZE];
    skim_members(skim_at(pod, "metadata.annotations"), &annotation, 1, &value);
    pod_fingerprint(skim_at(pod, "spec"), fingerprint);
    memcpy(text + (skim_text(value).ptr - text), fingerprint, FINGERPRINT_SIZE - 1);
}

char *render_pod(const struct job *j, const struct config *c, const struct worker *w)
{
    json_t *pod CLEANUP(js_free) = json_pack("{s:s, s:s, s:o, s:o}", "apiVersion", "v1", "kind", "Pod",
                                             "metadata", pod_metadata(j, w), "spec", pod_spec(j, c, w));
    char *text = js_dump(pod);
    put_fingerprint(text);
    return text;
}

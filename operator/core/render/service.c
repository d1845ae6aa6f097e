#include "core/render/service.h"

#include "api/labels.h"
#include "api/names.h"
#include "core/render/render_int.h"

#include "base/banned.h"

json_t *render_service(const struct job *j)
{
    char name[NAME_SIZE];
    name_service(j->name, name);
    json_t *spec = json_pack("{s:s, s:b, s:{s:s}}", "clusterIP", "None", "publishNotReadyAddresses", 1,
                             "selector", LABEL_JOB_UID, j->uid);
    return json_pack("{s:s, s:s, s:o, s:o}", "apiVersion", "v1", "kind", "Service", "metadata",
                     render_metadata(j, name), "spec", spec);
}

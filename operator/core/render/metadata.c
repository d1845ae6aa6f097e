#include "core/render/render_int.h"

#include "api/labels.h"

#include "base/banned.h"

static json_t *owner(const struct job *j)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:b, s:b}", "apiVersion", API_GROUP "/" API_VERSION, "kind",
                     JOB_KIND, "name", j->name, "uid", j->uid, "controller", 1, "blockOwnerDeletion", 1);
}

json_t *render_metadata(const struct job *j, const char *name)
{
    json_t *labels = json_pack("{s:s, s:s, s:s}", LABEL_MANAGED_BY, LABEL_MANAGED_BY_VALUE, LABEL_JOB_NAME,
                               j->name, LABEL_JOB_UID, j->uid);
    return json_pack("{s:s, s:s, s:o, s:[o]}", "name", name, "namespace", j->ns, "labels", labels,
                     "ownerReferences", owner(j));
}

/*
 * A worker as a member of a plain pod group of Kueue: all workers have the same shape and one group, whose
 * size is on each of them.
 */
#include "core/render/render_int.h"

#include <string.h>

#include "api/labels.h"

#include "base/banned.h"

/* The job's labels and annotations for Kueue apply to its pods. */
static void copy_kueue_keys(json_t *to, const json_t *from)
{
    const char *key;
    json_t *value;
    json_t *all = from != NULL ? json_deep_copy(from) : json_object();
    json_object_foreach(all, key, value)
    {
        if (strncmp(key, KUEUE_PREFIX, strlen(KUEUE_PREFIX)) == 0)
            json_object_set(to, key, value);
    }
    json_decref(all);
}

void render_queueing(json_t *metadata, const struct job *j, const struct worker *w)
{
    json_t *labels = json_object_get(metadata, "labels");
    json_t *annotations = json_object_get(metadata, "annotations");
    copy_kueue_keys(labels, j->labels);
    copy_kueue_keys(annotations, j->annotations);
    /* Whether the group accepts more pods is decided by the operator later. */
    (void)json_object_del(annotations, ANNOTATION_GROUP_IS_RETRIED);
    json_object_set_new(labels, LABEL_GROUP, json_string(w->group));
    json_object_set_new(labels, LABEL_GROUP_INDEX, json_sprintf("%d", (int)w->index));
    json_object_set_new(annotations, ANNOTATION_GROUP_TOTAL, json_sprintf("%d", (int)j->spec.replicas));
}

/* Internal to operator/core/render: the parts of a pod and of other objects. All return new references. */
#ifndef RENDER_RENDER_INT_H
#define RENDER_RENDER_INT_H

#include "core/render/worker_pod.h"

#define REPORT_TOKEN_VOLUME "report-token"

/* Name, namespace, labels, and the job as controlling owner. */
json_t *render_metadata(const struct job *j, const char *name) MUST_CHECK;
json_t *render_install_container(const struct config *c) MUST_CHECK;
json_t *render_agent_container(const struct job *j, const struct config *c,
                               const struct worker *w) MUST_CHECK;
json_t *render_trainer_container(const struct job *j, const struct config *c, int32_t attempt,
                                 int32_t index) MUST_CHECK;
json_t *render_trainer_env(const struct job *j, const struct config *c, int32_t attempt,
                           int32_t index) MUST_CHECK;
/* Sets affinity, tolerations, nodeSelector, priority and image pull secrets. */
void render_placement(json_t *pod_spec, const struct job_spec *s, enum technology t, const struct config *c);
/* Adds the labels and annotations that make the pod a member of its Kueue pod group. */
void render_queueing(json_t *metadata, const struct job *j, const struct worker *w);
json_t *render_volumes(const struct job_spec *s, const struct config *c) MUST_CHECK;

#endif

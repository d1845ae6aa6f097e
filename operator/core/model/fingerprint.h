/*
 * Whether an object that came back is the one that was sent.
 */
#ifndef MODEL_FINGERPRINT_H
#define MODEL_FINGERPRINT_H

#include <jansson.h>
#include "base/view.h"

#define FINGERPRINT_SIZE 17
/*
 * Sixteen hexadecimal digits over the fields of a pod that must come back as they were sent: all containers
 * (count, names, image, command, args, env, mounts, securityContext, ...), volumes, service account, host
 * namespaces, runtimeClass, required affinity. Values that the API server fills in by itself are left out of
 * account. It detects change (a webhook, an editor); who may write the annotation is the admission policy's
 * business. `spec` is the pod's, as JSON.
 */
void pod_fingerprint(struct view spec, char out[FINGERPRINT_SIZE]);
/* The same over the spec of a NetworkPolicy. */
void policy_fingerprint(const json_t *policy, char out[FINGERPRINT_SIZE]);

/* What else is wanted of a pod's spec, in the same go over its text; views are JSON. */
struct spec_text {
    char fingerprint[FINGERPRINT_SIZE];
    struct view node;
    struct view affinity;
    struct view node_selector;
    struct view gates;
};
struct skim;
/* The cursor stands before the spec. */
void pod_read_spec(struct skim *s, struct spec_text *ret);

#endif

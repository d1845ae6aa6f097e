/*
 * Fingerprints that show whether an object in the cluster is the one that the operator wrote. Pure; nothing
 * fails.
 */
#ifndef MODEL_FINGERPRINT_H
#define MODEL_FINGERPRINT_H

#include <jansson.h>
#include "base/view.h"

#define FINGERPRINT_SIZE 17
/*
 * Sixteen hexadecimal digits over the fields of a pod that must not change: all containers (count, names,
 * image, command, args, env, mounts, securityContext, ...), volumes, service account, host namespaces,
 * runtimeClass, required affinity. Fields that the API server fills in are left out. It detects changes by a
 * webhook or editor; who may write the annotation is restricted by an admission policy. `spec` is the pod's,
 * as JSON.
 */
void pod_fingerprint(struct view spec, char out[FINGERPRINT_SIZE]);
/* The same over the spec of a NetworkPolicy. */
void policy_fingerprint(const json_t *policy, char out[FINGERPRINT_SIZE]);

/* Other parts of a pod's spec, found in the same scan of its text; views are JSON and borrow from it. */
struct spec_text {
    char fingerprint[FINGERPRINT_SIZE];
    struct view node;
    struct view affinity;
    struct view node_selector;
    struct view gates;
};
struct skim;
/* The cursor is in front of the spec and is moved behind it. */
void pod_read_spec(struct skim *s, struct spec_text *ret);

#endif

/*
 * Nodes, namespaces, Services and NetworkPolicies reduced to the fields that plan() reads. Each is one heap
 * block that the caller frees with free(). The only failure: NULL when the object has no name (or, of a
 * child, no uid).
 */
#ifndef MODEL_CHILD_FACTS_H
#define MODEL_CHILD_FACTS_H

#include <jansson.h>
#include "api/job.h"

struct node_facts {
    const char *name;
    const char *technology; /* value of LABEL_NODE_TECHNOLOGY, "" = not confidential */
    bool is_ready;
    bool is_spot;
};

struct node_facts *node_facts_new(const json_t *node) MUST_CHECK;

/* A Service or NetworkPolicy. */
struct child_facts {
    const char *ns;
    const char *name;
    const char *uid;
    const char *resource_version;
    const char *job_uid;   /* label */
    const char *job_name;  /* label */
    const char *owner_uid; /* of the controller reference */
    int32_t attempt;       /* label: of the pods that also own it; -1 = none */
    bool is_deleting;
    bool is_changed; /* a NetworkPolicy that differs from what the operator wrote */
};

struct child_facts *service_facts_new(const json_t *service) MUST_CHECK;
struct child_facts *policy_facts_new(const json_t *policy) MUST_CHECK;

struct namespace_facts {
    const char *name;
    bool is_confidential; /* LABEL_CONFIDENTIAL_NAMESPACE is "true" */
    bool is_deleting;
};

struct namespace_facts *namespace_facts_new(const json_t *ns) MUST_CHECK;

#endif

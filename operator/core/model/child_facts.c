#include "core/model/child_facts.h"

#include <stddef.h>
#include <string.h>

#include "data/js.h"
#include "api/labels.h"
#include "base/pack.h"
#include "core/model/fingerprint.h"

#include "base/banned.h"

/* Names of labels contain dots, so a label cannot be addressed by a path. */
static const char *text_in(const json_t *object, const char *path, const char *key)
{
    const char *text = json_string_value(json_object_get(js_at(object, path), key));
    return text != NULL ? text : "";
}

static const char *label(const json_t *object, const char *key)
{
    return text_in(object, "metadata.labels", key);
}

static int32_t number_label(const json_t *object, const char *key)
{
    uint64_t n = 0;
    return view_to_u64(view_from(label(object, key)), &n) && n <= INT32_MAX ? (int32_t)n : -1;
}

static const char *controller_uid(const json_t *object)
{
    const json_t *owners = js_at(object, "metadata.ownerReferences");
    for (size_t i = 0; i < json_array_size(owners); i++) {
        const json_t *owner = json_array_get(owners, i);
        if (json_is_true(js_at(owner, "controller")))
            return js_text(owner, "uid");
    }
    return "";
}

struct node_facts *node_facts_new(const json_t *node)
{
    static const size_t strings[] = {offsetof(struct node_facts, name),
                                     offsetof(struct node_facts, technology)};
    struct node_facts f = {.name = js_text(node, "metadata.name"),
                           .technology = label(node, LABEL_NODE_TECHNOLOGY),
                           .is_spot = strcmp(label(node, LABEL_NODE_SPOT), "true") == 0};
    if (*f.name == '\0')
        return NULL;
    const json_t *conditions = js_at(node, "status.conditions");
    for (size_t i = 0; i < json_array_size(conditions); i++) {
        const json_t *c = json_array_get(conditions, i);
        if (strcmp(js_text(c, "type"), "Ready") == 0)
            f.is_ready = strcmp(js_text(c, "status"), "True") == 0;
    }
    return pack_block(&f, sizeof(f), strings, ARRAY_LEN(strings));
}

#define CHILD(member) offsetof(struct child_facts, member)

static struct child_facts child_of(const json_t *object)
{
    return (struct child_facts){
        .ns = js_text(object, "metadata.namespace"),
        .name = js_text(object, "metadata.name"),
        .uid = js_text(object, "metadata.uid"),
        .resource_version = js_text(object, "metadata.resourceVersion"),
        .job_uid = label(object, LABEL_JOB_UID),
        .job_name = label(object, LABEL_JOB_NAME),
        .owner_uid = controller_uid(object),
        .attempt = number_label(object, LABEL_ATTEMPT),
        .is_deleting = js_at(object, "metadata.deletionTimestamp") != NULL,
    };
}

static struct child_facts *pack_child(const struct child_facts *f)
{
    static const size_t strings[] = {
        CHILD(ns),      CHILD(name),     CHILD(uid),      CHILD(resource_version),
        CHILD(job_uid), CHILD(job_name), CHILD(owner_uid)};
    return *f->name != '\0' && *f->uid != '\0' ? pack_block(f, sizeof(*f), strings, ARRAY_LEN(strings))
                                               : NULL;
}

struct child_facts *service_facts_new(const json_t *service)
{
    struct child_facts f = child_of(service);
    return pack_child(&f);
}

struct child_facts *policy_facts_new(const json_t *policy)
{
    struct child_facts f = child_of(policy);
    char fingerprint[FINGERPRINT_SIZE];
    policy_fingerprint(policy, fingerprint);
    f.is_changed = strcmp(fingerprint, text_in(policy, "metadata.annotations", ANNOTATION_FINGERPRINT)) != 0;
    return pack_child(&f);
}

struct namespace_facts *namespace_facts_new(const json_t *ns)
{
    static const size_t strings[] = {offsetof(struct namespace_facts, name)};
    struct namespace_facts f = {
        .name = js_text(ns, "metadata.name"),
        .is_confidential = strcmp(label(ns, LABEL_CONFIDENTIAL_NAMESPACE), CONFIDENTIAL_VALUE) == 0,
        .is_deleting = js_at(ns, "metadata.deletionTimestamp") != NULL,
    };
    return *f.name != '\0' ? pack_block(&f, sizeof(f), strings, ARRAY_LEN(strings)) : NULL;
}

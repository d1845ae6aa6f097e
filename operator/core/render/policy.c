#include "core/render/policy.h"

#include "agentapi/pod.h"
#include "api/labels.h"
#include "api/names.h"
#include "core/model/fingerprint.h"
#include "core/render/render_int.h"

#include "base/banned.h"

#define POLICY_API      "networking.k8s.io/v1"
#define LABEL_NAMESPACE "kubernetes.io/metadata.name"
/* Google's documented ranges of private.googleapis.com and restricted.googleapis.com. */
#define PRIVATE_APIS    "199.36.153.8/30"
#define RESTRICTED_APIS "199.36.153.4/30"
/* GKE: the cache of NodeLocal DNS, and the two addresses of the metadata server. */
#define DNS_CACHE      "169.254.20.10/32"
#define METADATA       "169.254.169.254/32"
#define METADATA_PROXY "169.254.169.252/32"

static json_t *port(const char *protocol, int number)
{
    return json_pack("{s:s, s:i}", "protocol", protocol, "port", number);
}

static json_t *range(const char *cidr)
{
    return json_pack("{s:{s:s}}", "ipBlock", "cidr", cidr);
}

static json_t *in_namespace(const char *name)
{
    return json_pack("{s:{s:{s:s}}}", "namespaceSelector", "matchLabels", LABEL_NAMESPACE, name);
}

static json_t *selector(const struct job *j)
{
    return json_pack("{s:{s:s}}", "matchLabels", LABEL_JOB_UID, j->uid);
}

/* Takes over both references. ports NULL: all ports. */
static void allow(json_t *rules, const char *direction, json_t *peers, json_t *ports)
{
    json_t *rule = json_pack("{s:o}", direction, peers);
    if (ports != NULL)
        json_object_set_new(rule, "ports", ports);
    json_array_append_new(rules, rule);
}

static void allow_workers(json_t *rules, const char *direction, const struct job *j)
{
    allow(rules, direction, json_pack("[{s:o}]", "podSelector", selector(j)), NULL);
}

static void allow_dns(json_t *rules)
{
    json_t *servers = in_namespace("kube-system");
    json_object_set_new(servers, "podSelector",
                        json_pack("{s:[{s:s, s:s, s:[s, s]}]}", "matchExpressions", "key", "k8s-app",
                                  "operator", "In", "values", "kube-dns", "node-local-dns"));
    allow(rules, "to", json_pack("[o, o, o]", servers, range(DNS_CACHE), range(METADATA)),
          json_pack("[o, o]", port("UDP", 53), port("TCP", 53)));
}

static void allow_metadata_server(json_t *rules)
{
    allow(rules, "to", json_pack("[o]", range(METADATA)),
          json_pack("[o, o]", port("TCP", 80), port("TCP", 8080)));
    allow(rules, "to", json_pack("[o]", range(METADATA_PROXY)),
          json_pack("[o, o]", port("TCP", 987), port("TCP", 988)));
}

/* An array of {cidr, ports}; without ports, all ports. */
static void allow_ranges(json_t *rules, const json_t *ranges)
{
    for (size_t i = 0; i < json_array_size(ranges); i++) {
        const json_t *one = json_array_get(ranges, i);
        const char *cidr = json_string_value(json_object_get(one, "cidr"));
        json_t *ports = json_deep_copy(json_object_get(one, "ports"));
        for (size_t k = 0; k < json_array_size(ports); k++)
            if (json_object_get(json_array_get(ports, k), "protocol") == NULL)
                json_object_set_new(json_array_get(ports, k), "protocol", json_string("TCP"));
        if (json_array_size(ports) == 0) {
            json_decref(ports);
            ports = NULL;
        }
        allow(rules, "to", json_pack("[o]", range(cidr != NULL ? cidr : "")), ports);
    }
}

static void allow_google(json_t *rules, enum egress egress)
{
    switch (egress) {
    case EGRESS_GOOGLE_APIS:
        allow(rules, "to", json_pack("[o]", range(PRIVATE_APIS)), json_pack("[o]", port("TCP", 443)));
        break;
    case EGRESS_RESTRICTED_VIP:
        allow(rules, "to", json_pack("[o]", range(RESTRICTED_APIS)), json_pack("[o]", port("TCP", 443)));
        break;
    case EGRESS_UNRESTRICTED: json_array_append_new(rules, json_object()); break;
    }
}

static json_t *egress_rules(const struct job *j, const struct config *c)
{
    json_t *rules = json_array();
    allow_workers(rules, "to", j);
    allow_dns(rules);
    allow_metadata_server(rules);
    if (*c->operator_namespace != '\0')
        allow(rules, "to", json_pack("[o]", in_namespace(c->operator_namespace)),
              json_pack("[o]", port("TCP", PORT_REPORTS)));
    allow_google(rules, j->spec.network.egress);
    allow_ranges(rules, j->spec.network.additional_egress);
    allow_ranges(rules, c->additional_egress);
    return rules;
}

static json_t *ingress_rules(const struct job *j, const struct config *c)
{
    json_t *rules = json_array();
    allow_workers(rules, "from", j);
    if (*c->metrics_namespace != '\0')
        allow(rules, "from", json_pack("[o]", in_namespace(c->metrics_namespace)),
              json_pack("[o]", port("TCP", PORT_AGENT_METRICS)));
    return rules;
}

/*
 * When the job is deleted, objects that only it owns are deleted at once, while workers still have their
 * grace period. The workers own the policy, too, so that it is deleted after the last of them.
 */
static void add_owners(json_t *metadata, int32_t attempt, const struct pod_owner *pods, size_t count)
{
    json_t *owners = json_object_get(metadata, "ownerReferences");
    for (size_t i = 0; i < count; i++)
        json_array_append_new(owners, json_pack("{s:s, s:s, s:s, s:s}", "apiVersion", "v1", "kind", "Pod",
                                                "name", pods[i].name, "uid", pods[i].uid));
    if (count > 0)
        json_object_set_new(json_object_get(metadata, "labels"), LABEL_ATTEMPT,
                            json_sprintf("%d", (int)attempt));
}

json_t *render_policy(const struct job *j, const struct config *c, int32_t attempt,
                      const struct pod_owner *pods, size_t pod_count)
{
    char name[NAME_SIZE];
    name_policy(j->name, j->uid, name);
    json_t *metadata = render_metadata(j, name);
    add_owners(metadata, attempt, pods, pod_count);
    json_t *spec =
        json_pack("{s:o, s:[s, s], s:o, s:o}", "podSelector", selector(j), "policyTypes", "Ingress", "Egress",
                  "ingress", ingress_rules(j, c), "egress", egress_rules(j, c));
    json_t *policy = json_pack("{s:s, s:s, s:o, s:o}", "apiVersion", POLICY_API, "kind", "NetworkPolicy",
                               "metadata", metadata, "spec", spec);
    char fingerprint[FINGERPRINT_SIZE];
    policy_fingerprint(policy, fingerprint);
    json_object_set_new(metadata, "annotations", json_pack("{s:s}", ANNOTATION_FINGERPRINT, fingerprint));
    return policy;
}

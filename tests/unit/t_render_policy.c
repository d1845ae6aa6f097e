/*
 * Who may talk to whom: the rendered NetworkPolicy, read as networking.k8s.io/v1
 * defines it, against a table of verdicts. Enforcement is the cluster's network's.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/labels.h"
#include "agentapi/pod.h"
#include "core/render/policy.h"
#include "data/js.h"
#include "rendering.h"

#include "base/banned.h"

/* ---- the other side of a connection ---- */

struct peer {
    const char *what;
    const char *ip; /* of the outside world and of nodes; NULL for a pod */
    const char *ns; /* of a pod */
    const char *key, *value;
};

static const struct peer worker = {"a worker of the job", NULL, "ml", LABEL_JOB_UID, "1a2b3c4d-5e6f"};
static const struct peer neighbour = {"another job's worker", NULL, "ml", LABEL_JOB_UID, "other"};
static const struct peer namesake = {"the same label elsewhere", NULL, "attic", LABEL_JOB_UID,
                                     "1a2b3c4d-5e6f"};
static const struct peer operator_pod = {"the operator", NULL, "cloister-system", "app", "cloister"};
static const struct peer kube_dns = {"kube-dns", NULL, "kube-system", "k8s-app", "kube-dns"};
static const struct peer node_dns = {"NodeLocal DNS", NULL, "kube-system", "k8s-app", "node-local-dns"};
static const struct peer fake_dns = {"kube-dns elsewhere", NULL, "ml", "k8s-app", "kube-dns"};
static const struct peer proxy = {"something in kube-system", NULL, "kube-system", "k8s-app", "proxy"};
static const struct peer prometheus = {"Prometheus", NULL, "monitoring", "app", "prometheus"};
static const struct peer dns_cache = {"the DNS cache", "169.254.20.10", NULL, NULL, NULL};
static const struct peer metadata = {"the metadata server", "169.254.169.254", NULL, NULL, NULL};
static const struct peer metadata_proxy = {"its second address", "169.254.169.252", NULL, NULL, NULL};
static const struct peer private_apis = {"private.googleapis.com", "199.36.153.11", NULL, NULL, NULL};
static const struct peer restricted = {"restricted.googleapis.com", "199.36.153.7", NULL, NULL, NULL};
static const struct peer beyond = {"beyond Google's ranges", "199.36.153.12", NULL, NULL, NULL};
static const struct peer world = {"the internet", "8.8.8.8", NULL, NULL, NULL};
static const struct peer node = {"a node", "10.128.0.7", NULL, NULL, NULL};

/* ---- the rules of networking.k8s.io/v1 ---- */

static uint32_t address(const char *text)
{
    struct in_addr a;
    assert_int_equal(inet_pton(AF_INET, text, &a), 1);
    return ntohl(a.s_addr);
}

static bool is_in_range(const char *cidr, const char *ip)
{
    char base[INET_ADDRSTRLEN] = "";
    const char *slash = strchr(cidr, '/');
    memcpy(base, cidr, (size_t)(slash - cidr));
    unsigned long bits = strtoul(slash + 1, NULL, 10);
    uint32_t mask = bits == 0 ? 0 : UINT32_MAX << (32 - bits);
    return (address(base) & mask) == (address(ip) & mask);
}

static bool has_label(const struct peer *p, const char *key, const char *value)
{
    return strcmp(p->key, key) == 0 && strcmp(p->value, value) == 0;
}

static bool is_selected(const json_t *selector, const struct peer *p)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)js_at(selector, "matchLabels"), key, value)
    {
        if (!has_label(p, key, json_string_value(value)))
            return false;
    }
    const json_t *rules = js_at(selector, "matchExpressions");
    for (size_t i = 0; i < json_array_size(rules); i++) {
        const json_t *rule = json_array_get(rules, i);
        const json_t *values = js_at(rule, "values");
        bool is_one = false;
        assert_string_equal(js_text(rule, "operator"), "In");
        for (size_t k = 0; k < json_array_size(values); k++)
            is_one =
                is_one || has_label(p, js_text(rule, "key"), json_string_value(json_array_get(values, k)));
        if (!is_one)
            return false;
    }
    return true;
}

/* A pod is never matched by a range, whatever its address. */
static bool is_peer(const json_t *rule, const struct peer *p)
{
    const json_t *range = js_at(rule, "ipBlock");
    if (range != NULL || p->ip != NULL)
        return range != NULL && p->ip != NULL && is_in_range(js_text(range, "cidr"), p->ip);
    const json_t *namespaces = js_at(rule, "namespaceSelector");
    const struct peer as_namespace = {"", NULL, NULL, "kubernetes.io/metadata.name", p->ns};
    if (namespaces != NULL ? !is_selected(namespaces, &as_namespace) : strcmp(p->ns, "ml") != 0)
        return false;
    const json_t *pods = js_at(rule, "podSelector");
    return pods == NULL || is_selected(pods, p);
}

static bool is_port(const json_t *ports, const char *protocol, int number)
{
    for (size_t i = 0; i < json_array_size(ports); i++) {
        const json_t *port = json_array_get(ports, i);
        if (strcmp(js_text(port, "protocol"), protocol) == 0 &&
            json_integer_value(js_at(port, "port")) == number)
            return true;
    }
    return ports == NULL;
}

static bool is_any_peer(const json_t *peers, const struct peer *p)
{
    for (size_t i = 0; i < json_array_size(peers); i++)
        if (is_peer(json_array_get(peers, i), p))
            return true;
    return peers == NULL;
}

static bool is_allowed(const json_t *policy, bool is_out, const struct peer *p, const char *protocol,
                       int port)
{
    const json_t *rules = js_at(policy, is_out ? "spec.egress" : "spec.ingress");
    for (size_t i = 0; i < json_array_size(rules); i++) {
        const json_t *rule = json_array_get(rules, i);
        if (is_any_peer(js_at(rule, is_out ? "to" : "from"), p) &&
            is_port(js_at(rule, "ports"), protocol, port))
            return true;
    }
    return false;
}

/* ---- tables ---- */

enum direction { IN, OUT };
enum verdict_row { DENIED, ALLOWED };

struct row {
    enum direction direction;
    const struct peer *peer;
    const char *protocol;
    int port;
    enum verdict_row verdict;
};

static void check_rows(const json_t *policy, const struct row *rows, size_t count)
{
    const json_t *types = js_at(policy, "spec.policyTypes");
    assert_int_equal(json_array_size(types), 2);
    assert_string_equal(json_string_value(json_array_get(types, 0)), "Ingress");
    assert_string_equal(json_string_value(json_array_get(types, 1)), "Egress");
    assert_true(is_selected(js_at(policy, "spec.podSelector"), &worker));
    assert_false(is_selected(js_at(policy, "spec.podSelector"), &neighbour));
    for (size_t i = 0; i < count; i++) {
        const struct row *r = &rows[i];
        if (is_allowed(policy, r->direction == OUT, r->peer, r->protocol, r->port) != (r->verdict == ALLOWED))
            fail_msg("%s %s, %s %d: not %s", r->direction == OUT ? "to" : "from", r->peer->what, r->protocol,
                     r->port, r->verdict == ALLOWED ? "allowed" : "denied");
    }
}

/* What holds for every job, whatever it says. */
static const struct row always[] = {
    {IN, &worker, "TCP", 29500, ALLOWED},
    {OUT, &worker, "TCP", 29500, ALLOWED},
    {OUT, &worker, "UDP", 4791, ALLOWED},
    {IN, &neighbour, "TCP", 29500, DENIED},
    {IN, &namesake, "TCP", 29500, DENIED},
    {IN, &operator_pod, "TCP", 29500, DENIED},
    {IN, &prometheus, "TCP", 29500, DENIED},
    {IN, &node, "TCP", 29500, DENIED},
    {IN, &world, "TCP", 443, DENIED},
    {OUT, &kube_dns, "UDP", 53, ALLOWED},
    {OUT, &kube_dns, "TCP", 53, ALLOWED},
    {OUT, &node_dns, "UDP", 53, ALLOWED},
    {OUT, &dns_cache, "UDP", 53, ALLOWED},
    {OUT, &dns_cache, "TCP", 53, ALLOWED},
    {OUT, &metadata, "UDP", 53, ALLOWED},
    {OUT, &metadata, "TCP", 53, ALLOWED},
    {OUT, &metadata, "TCP", 80, ALLOWED},
    {OUT, &metadata, "TCP", 8080, ALLOWED},
    {OUT, &metadata_proxy, "TCP", 987, ALLOWED},
    {OUT, &metadata_proxy, "TCP", 988, ALLOWED},
    {OUT, &operator_pod, "TCP", 9443, ALLOWED},
};

/* What Unrestricted lifts. */
static const struct row narrow[] = {
    {OUT, &neighbour, "TCP", 29500, DENIED},   {OUT, &namesake, "TCP", 29500, DENIED},
    {OUT, &kube_dns, "TCP", 443, DENIED},      {OUT, &fake_dns, "UDP", 53, DENIED},
    {OUT, &proxy, "UDP", 53, DENIED},          {OUT, &dns_cache, "TCP", 443, DENIED},
    {OUT, &metadata, "TCP", 443, DENIED},      {OUT, &metadata, "UDP", 80, DENIED},
    {OUT, &metadata_proxy, "TCP", 80, DENIED}, {OUT, &operator_pod, "TCP", 8081, DENIED},
    {OUT, &prometheus, "TCP", 9443, DENIED},   {OUT, &world, "UDP", 53, DENIED},
    {OUT, &world, "TCP", 443, DENIED},         {OUT, &node, "TCP", 10250, DENIED},
    {OUT, &beyond, "TCP", 443, DENIED},        {OUT, &private_apis, "TCP", 80, DENIED},
    {OUT, &private_apis, "UDP", 443, DENIED},
};

static json_t *policy_of(const struct rendering *r)
{
    return render_policy(&r->job, &rendering_config, 0, NULL, 0);
}

static void check_policy(const struct rendering *r, bool is_narrow, const struct row *rows, size_t count)
{
    json_t *policy = policy_of(r);
    check_rows(policy, always, ARRAY_LEN(always));
    if (is_narrow)
        check_rows(policy, narrow, ARRAY_LEN(narrow));
    check_rows(policy, rows, count);
    json_decref(policy);
}

static void allows_the_private_addresses_of_googles_apis(void **state)
{
    static const struct row rows[] = {{OUT, &private_apis, "TCP", 443, ALLOWED},
                                      {OUT, &restricted, "TCP", 443, DENIED},
                                      {IN, &prometheus, "TCP", PORT_AGENT_METRICS, DENIED}};
    check_policy(*state, true, rows, ARRAY_LEN(rows));
}

static void allows_the_restricted_addresses_of_googles_apis(void **state)
{
    static const struct row rows[] = {{OUT, &private_apis, "TCP", 443, DENIED},
                                      {OUT, &restricted, "TCP", 443, ALLOWED}};
    render_with(*state, "{'network': {'egress': 'RestrictedVIP'}}");
    check_policy(*state, true, rows, ARRAY_LEN(rows));
}

static void allows_everything_when_egress_is_unrestricted(void **state)
{
    static const struct row rows[] = {{OUT, &world, "TCP", 443, ALLOWED},
                                      {OUT, &world, "UDP", 53, ALLOWED},
                                      {OUT, &neighbour, "TCP", 29500, ALLOWED},
                                      {OUT, &node, "TCP", 10250, ALLOWED}};
    render_with(*state, "{'network': {'egress': 'Unrestricted'}}");
    check_policy(*state, false, rows, ARRAY_LEN(rows));
}

static void allows_the_additional_egress_of_the_job(void **state)
{
    static const struct peer database = {"a database", "10.1.2.3", NULL, NULL, NULL};
    static const struct peer registry = {"a registry", "10.9.0.1", NULL, NULL, NULL};
    static const struct row rows[] = {
        {OUT, &database, "TCP", 5432, ALLOWED}, {OUT, &database, "UDP", 5433, ALLOWED},
        {OUT, &database, "TCP", 5433, DENIED},  {OUT, &registry, "TCP", 1, ALLOWED},
        {OUT, &registry, "UDP", 2, ALLOWED},    {IN, &database, "TCP", 5432, DENIED}};
    render_with(*state, "{'network': {'additionalEgress': [{'cidr': '10.1.2.0/24', 'ports': [{'port': 5432},"
                        " {'port': 5433, 'protocol': 'UDP'}]}, {'cidr': '10.9.0.1/32'}]}}");
    check_policy(*state, true, rows, ARRAY_LEN(rows));
}

/* What the chart's values say holds for every job. */
static void allows_scraping_and_the_administrators_egress(void **state)
{
    static const struct peer endpoint = {"an endpoint of the chart", "10.85.0.1", NULL, NULL, NULL};
    static const struct row rows[] = {{IN, &prometheus, "TCP", PORT_AGENT_METRICS, ALLOWED},
                                      {IN, &prometheus, "TCP", 80, DENIED},
                                      {IN, &neighbour, "TCP", PORT_AGENT_METRICS, DENIED},
                                      {OUT, &endpoint, "TCP", 8443, ALLOWED},
                                      {OUT, &endpoint, "TCP", 22, DENIED}};
    const struct rendering *r = *state;
    struct config c = rendering_config;
    json_t *egress = json_loads("[{\"cidr\": \"10.85.0.1/32\", \"ports\": [{\"port\": 8443}]}]", 0, NULL);
    c.metrics_namespace = "monitoring";
    c.additional_egress = egress;
    json_t *policy = render_policy(&r->job, &c, 0, NULL, 0);
    check_rows(policy, always, ARRAY_LEN(always));
    check_rows(policy, rows, ARRAY_LEN(rows));
    json_decref(policy);
    json_decref(egress);
}

static void is_owned_by_the_job_and_its_pods(void **state)
{
    const struct rendering *r = *state;
    const struct pod_owner pods[] = {{"digits-worker-0-3", "u0"}, {"digits-worker-1-3", "u1"}};
    json_t *policy = render_policy(&r->job, &rendering_config, 3, pods, 2);
    assert_string_equal(js_text(policy, "metadata.name"), "digits-workers-1a2b3c4d");
    const json_t *owners = js_at(policy, "metadata.ownerReferences");
    assert_int_equal(json_array_size(owners), 3);
    assert_string_equal(js_text(json_array_get(owners, 0), "kind"), "TrainingJob");
    assert_true(json_is_true(js_at(json_array_get(owners, 0), "controller")));
    assert_string_equal(js_text(json_array_get(owners, 2), "uid"), "u1");
    /* A pod's deletion does not wait for it. */
    assert_null(js_at(json_array_get(owners, 2), "blockOwnerDeletion"));
    struct child_facts *facts = policy_facts_new(policy);
    assert_null(facts); /* It has no uid yet. */
    json_object_set_new(json_object_get(policy, "metadata"), "uid", json_string("p"));
    facts = policy_facts_new(policy);
    assert_int_equal(facts->attempt, 3);
    assert_string_equal(facts->owner_uid, "1a2b3c4d-5e6f");
    assert_false(facts->is_changed);
    free(facts);
    json_array_append_new(json_object_get(json_object_get(policy, "spec"), "egress"), json_object());
    facts = policy_facts_new(policy);
    assert_true(facts->is_changed);
    free(facts);
    json_decref(policy);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, rendering_setup, rendering_teardown)
    const struct CMUnitTest tests[] = {
        TEST(allows_the_private_addresses_of_googles_apis),
        TEST(allows_the_restricted_addresses_of_googles_apis),
        TEST(allows_everything_when_egress_is_unrestricted),
        TEST(allows_the_additional_egress_of_the_job),
        TEST(allows_scraping_and_the_administrators_egress),
        TEST(is_owned_by_the_job_and_its_pods),
    };
    return cmocka_run_group_tests_name("render_policy", tests, NULL, NULL);
}

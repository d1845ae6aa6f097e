"""Who may talk to the operator, and to whom it may talk: the chart's NetworkPolicy against a table of verdicts."""
import json

import pytest

from kit.office import TOPIC
from kit.chart import helm_template, rendered
from kit.cluster import run, wait_for
from kit.verdicts import Pod, allows, selects

HOME = "cloister-system"
CONFIDENTIAL = {"cloister.dev/confidential": "true"}
WORKER = Pod("ml", {"app.kubernetes.io/managed-by": "cloister"}, CONFIDENTIAL)
ELSEWHERE = Pod("lab", {"app.kubernetes.io/managed-by": "cloister"}, CONFIDENTIAL)
IMPOSTOR = Pod("attic", {"app.kubernetes.io/managed-by": "cloister"})
STRANGER = Pod("ml", {"app": "shell"}, CONFIDENTIAL)
NEIGHBOUR = Pod(HOME, {"app": "shell"})
PROMETHEUS = Pod("monitoring", {"app.kubernetes.io/name": "prometheus"})
DNS = Pod("kube-system", {"k8s-app": "kube-dns"})
NODE_DNS = Pod("kube-system", {"k8s-app": "node-local-dns"})
FAKE_DNS = Pod("ml", {"k8s-app": "kube-dns"})
METADATA, METADATA_PROXY, API_SERVER, NODE, RECEIVER, SIX = ("169.254.169.254", "169.254.169.252", "172.16.0.2", "10.128.0.7", "203.0.113.9",
                                                            "2001:db8::9")

# What holds whatever the values are.
ALWAYS = [
    ("from", IMPOSTOR, "TCP", 9443, False), ("from", STRANGER, "TCP", 9443, False), ("from", NEIGHBOUR, "TCP", 9443, False),
    ("from", PROMETHEUS, "TCP", 9443, False), ("from", NODE, "TCP", 9443, False), ("from", RECEIVER, "TCP", 9443, False),
    ("from", WORKER, "TCP", 8080, False), ("from", WORKER, "TCP", 8081, False), ("from", WORKER, "UDP", 9443, False),
    ("from", STRANGER, "TCP", 8080, False), ("from", RECEIVER, "TCP", 8080, False), ("from", NEIGHBOUR, "TCP", 8081, False),
    ("to", API_SERVER, "TCP", 443, True), ("to", API_SERVER, "UDP", 443, False), ("to", API_SERVER, "TCP", 22, False),
    ("to", DNS, "UDP", 53, True), ("to", DNS, "TCP", 53, True), ("to", NODE_DNS, "UDP", 53, True), ("to", "169.254.20.10", "UDP", 53, True),
    ("to", METADATA, "UDP", 53, True), ("to", FAKE_DNS, "UDP", 53, False), ("to", RECEIVER, "UDP", 53, False),
    ("to", WORKER, "TCP", 29500, False), ("to", WORKER, "TCP", 19090, False), ("to", NODE, "TCP", 10250, False),
]
# As installed without further values.
PLAIN = [
    ("from", WORKER, "TCP", 9443, True), ("from", ELSEWHERE, "TCP", 9443, True), ("from", PROMETHEUS, "TCP", 8080, False),
    ("from", NODE, "TCP", 8081, False), ("to", API_SERVER, "TCP", 6443, True),
    ("to", METADATA, "TCP", 80, False), ("to", METADATA_PROXY, "TCP", 988, False), ("to", RECEIVER, "TCP", 8443, False),
]
WEBHOOK = {"webhook": {"url": "https://hooks.example.com/x"}}
ODD_WEBHOOK = {"webhook": {"url": "https://hooks.example.com:8443/x"}}
NARROW = {"apiServer": {"cidrs": [f"{API_SERVER}/32"], "ports": [443]}}

CASES = {
    "no values": ({}, PLAIN),
    "one namespace": ({"watchNamespace": "ml"}, [("from", WORKER, "TCP", 9443, True), ("from", ELSEWHERE, "TCP", 9443, False)]),
    "no reports": ({"reports": {"enabled": False}}, [("from", WORKER, "TCP", 9443, False)]),
    "a namespace that scrapes": ({"network": {"metricsNamespace": "monitoring"}}, [
        ("from", PROMETHEUS, "TCP", 8080, True), ("from", PROMETHEUS, "TCP", 8081, False), ("from", WORKER, "TCP", 9443, True)]),
    "pods that scrape": ({"metrics": {"port": 9999}, "network": {"metricsNamespace": "lab"}, "networkPolicy": {"metricsFrom": [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}},
         "podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}}}]}}, [
        ("from", PROMETHEUS, "TCP", 9999, True), ("from", Pod("monitoring"), "TCP", 9999, False), ("from", ELSEWHERE, "TCP", 9999, False)]),
    "no metrics": ({"metrics": {"enabled": False}, "network": {"metricsNamespace": "monitoring"}}, [("from", PROMETHEUS, "TCP", 8080, False)]),
    "kubelets from elsewhere": ({"networkPolicy": {"probesFrom": ["10.128.0.0/20"]}}, [
        ("from", NODE, "TCP", 8081, True), ("from", NODE, "TCP", 8080, False), ("from", "10.129.0.1", "TCP", 8081, False)]),
    "the API server's address": ({"networkPolicy": NARROW}, [
        ("to", API_SERVER, "TCP", 6443, False), ("to", RECEIVER, "TCP", 443, False), ("to", NODE, "TCP", 443, False),
        ("to", WORKER, "TCP", 443, False), ("to", METADATA, "TCP", 443, False)]),
    "webhooks": ({"networkPolicy": NARROW, "notifications": {"targets": {"a": WEBHOOK, "b": ODD_WEBHOOK}}}, [
        ("to", RECEIVER, "TCP", 443, True), ("to", RECEIVER, "TCP", 8443, True), ("to", RECEIVER, "TCP", 8444, False),
        ("to", SIX, "TCP", 8443, True), ("to", "fd00::1", "TCP", 443, False), ("to", NODE, "TCP", 8443, False),
        ("to", METADATA, "TCP", 443, False), ("to", METADATA, "TCP", 80, False), ("to", WORKER, "TCP", 443, False)]),
    "a receiver in the VPC network": ({"networkPolicy": NARROW, "notifications": {"targets": {"a": WEBHOOK}, "clusterRanges": ["10.128.0.0/20"]}}, [
        ("to", "10.9.0.1", "TCP", 443, True), ("to", NODE, "TCP", 443, False)]),
    "a topic": ({"networkPolicy": NARROW, "endpoints": {"pubsub": "https://pubsub.example:444"}, "notifications": {"targets": {"a": {"pubsub": {"topic": TOPIC}}}}}, [
        ("to", METADATA, "TCP", 80, True), ("to", METADATA_PROXY, "TCP", 988, True), ("to", METADATA, "TCP", 443, False),
        ("to", RECEIVER, "TCP", 444, True), ("to", RECEIVER, "TCP", 443, False)]),
    "a proxy": ({"networkPolicy": {"additionalEgress": [{"cidr": "10.0.0.9/32", "ports": [{"port": 3128}]}, {"cidr": "10.1.0.0/16"}]}}, [
        ("to", "10.0.0.9", "TCP", 3128, True), ("to", "10.0.0.9", "TCP", 3129, False), ("to", "10.1.2.3", "UDP", 9, True)]),
}


def operator_pod(objects):
    return Pod(HOME, objects["Deployment", "cloister-operator"]["spec"]["template"]["metadata"]["labels"])


@pytest.mark.parametrize("values, rows", CASES.values(), ids=CASES)
def test_the_operator_reaches_and_is_reached_as_the_values_say(cluster, values, rows):
    objects = rendered(values, cluster.env)
    policy = objects["NetworkPolicy", "cloister-operator"]
    assert selects(policy, operator_pod(objects)) and not selects(policy, NEIGHBOUR)
    wrong = [row for row in ALWAYS + rows if allows(policy, *row[:4]) != row[4]]
    assert not wrong
    # The API server takes it.
    run("kubectl", "create", "namespace", HOME, env=cluster.env, check=False)
    said = run("kubectl", "create", "--dry-run=server", "-f", "-", stdin=json.dumps(policy), env=cluster.env).stdout
    assert "cloister-operator created" in said


def test_a_worker_as_the_operator_makes_it_may_report(site, namespace):
    site.create(site.job("job", namespace, technology="TDX"))
    pods = wait_for("the workers", lambda: site.cluster.list("pods", namespace), 30)
    policy, there = rendered({}, site.cluster.env)["NetworkPolicy", "cloister-operator"], site.cluster.get("namespace", namespace)
    assert all(allows(policy, "from", Pod.of(pod, there), "TCP", 9443) for pod in pods)


def test_no_policy_is_made_when_it_is_not_wanted(cluster):
    assert ("NetworkPolicy", "cloister-operator") not in rendered({"networkPolicy": {"enabled": False}}, cluster.env)


@pytest.mark.parametrize("values, field", [
    ({"apiServer": {"cidrs": ["172.16.0.2"]}}, "/apiServer/cidrs"), ({"apiServer": {"ports": []}}, "/apiServer/ports"),
    ({"probesFrom": ["nodes"]}, "/probesFrom"), ({"metricsFrom": [{"podSelectors": {}}]}, "/metricsFrom"),
    ({"additionalEgress": [{"ports": []}]}, "/additionalEgress")])
def test_values_that_make_no_policy_are_refused(cluster, values, field):
    done = helm_template({"networkPolicy": values}, cluster.env, check=False)
    assert done.returncode != 0 and field in done.stderr

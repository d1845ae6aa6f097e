"""What a namespace admin cannot do in a confidential namespace, each with its reason; and that the twin elsewhere works."""
import json

import pytest
from kit.cloister import image, training_job

ADMIN = "namespace-admin"
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bare"},
       "spec": {"automountServiceAccountToken": False, "securityContext": {"runAsNonRoot": True, "runAsUser": 1000,
                                                                            "seccompProfile": {"type": "RuntimeDefault"}},
                "containers": [{"name": "c", "image": image("toolbox"), "command": ["/bin/sleep", "300"],
                                "securityContext": {"allowPrivilegeEscalation": False,
                                                    "capabilities": {"drop": ["ALL"]}}}]}}


@pytest.fixture(scope="module")
def rooms(site):
    """A confidential namespace with a running worker, an ordinary one with a bare pod, and an admin of both."""
    for name, confidential in (("private", True), ("ordinary", False)):
        site.namespace(name, confidential)
        site.cluster.kubectl("create", "rolebinding", "admin", "--clusterrole=admin", f"--user={ADMIN}", "-n", name)
        # The built-in role "admin" lacks a few verbs on pods that an admin may grant himself.
        site.cluster.apply(
            {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "all", "namespace": name},
             "rules": [{"apiGroups": ["", "apps", "batch", "networking.k8s.io", "cloister.dev"], "resources": ["*"], "verbs": ["*"]}]})
        site.cluster.kubectl("create", "rolebinding", "all", "--role=all", f"--user={ADMIN}", "-n", name)
    site.cluster.apply(training_job("busy", "private", image("toolbox"), ["/bin/sleep", "600"]))
    site.wait_phase("busy", "private", "Running")
    site.cluster.apply({**POD, "metadata": {"name": "bare", "namespace": "ordinary"}}, user=ADMIN)
    site.cluster.kubectl("wait", "pod/bare", "-n", "ordinary", "--for=condition=Ready", "--timeout=60s")
    yield
    for name in ("private", "ordinary"):
        site.cluster.kubectl("delete", "namespace", name, "--wait=false")


CASES = {
    "exec": ["exec", "{pod}", "-c", "{container}", "--", "/bin/true"],
    "debug": ["debug", "{pod}", "--image={image}", "--target={container}", "--profile=restricted", "--", "/bin/true"],
    "set-image": ["set", "image", "pod/{pod}", "{container}=local.test/other:latest"],
    "token": ["create", "token", "default", "--audience=clinic.svc.id.goog"],
    "label": ["label", "pod", "{pod}", "cloister.dev/attempt=9", "--overwrite"],
}


def admin(site, case, namespace, pod, container):
    values = {"pod": pod, "container": container, "image": image("toolbox")}
    arguments = [a.format(**values) for a in CASES[case]]
    return site.cluster.kubectl(*arguments[:1], "-n", namespace, f"--as={ADMIN}", *arguments[1:], check=False)


@pytest.mark.parametrize("case", CASES)
def test_refuses(site, rooms, case):
    refused = admin(site, case, "private", "busy-worker-0-1", "trainer")
    assert refused.returncode != 0
    assert "confidential namespace" in refused.stderr, refused.stderr
    assert admin(site, case, "ordinary", "bare", "c").returncode == 0, "the twin in an ordinary namespace works"


def port_forward(site, namespace, pod):
    return site.cluster.kubectl("get", "--raw", f"/api/v1/namespaces/{namespace}/pods/{pod}/proxy/", f"--as={ADMIN}",
                                check=False)


def test_refuses_port_forward(site, rooms):
    refused = site.cluster.kubectl("port-forward", "busy-worker-0-1", ":29500", "-n", "private", f"--as={ADMIN}",
                                   check=False, timeout=20)
    assert refused.returncode != 0 and "confidential namespace" in refused.stderr


def test_refuses_the_proxy_to_a_pod(site, rooms):
    refused = port_forward(site, "private", "busy-worker-0-1")
    assert "confidential namespace" in refused.stderr
    assert "confidential namespace" not in port_forward(site, "ordinary", "bare").stderr


def test_refuses_a_bare_pod(site, rooms):
    refused = site.cluster.apply({**POD, "metadata": {"name": "bare", "namespace": "private"}}, user=ADMIN, check=False)
    assert refused.returncode != 0 and "confidential namespace" in refused.stderr


def test_refuses_pods_by_way_of_a_deployment(site, rooms):
    template = {"metadata": {"labels": {"a": "b"}}, "spec": POD["spec"]}
    refused = site.cluster.apply({"apiVersion": "apps/v1", "kind": "Deployment",
                                  "metadata": {"name": "roundabout", "namespace": "private"},
                                  "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template}},
                                 user=ADMIN, check=False)
    pods = [p["metadata"]["name"] for p in site.cluster.list("pods", "private")]
    assert refused.returncode != 0 or not any(p.startswith("roundabout") for p in pods)


def network_policy(site, namespace, **rules):
    return site.cluster.apply({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
                               "metadata": {"name": "more", "namespace": namespace}, "spec": {"podSelector": {}, **rules}},
                              user=ADMIN, check=False)


def test_refuses_a_network_policy_that_opens_the_workers(site, rooms):
    for rules in ({"egress": [{}]}, {"ingress": [{"from": [{"podSelector": {}}]}]}):
        refused = network_policy(site, "private", **rules)
        assert refused.returncode != 0 and "additionalEgress" in refused.stderr, refused.stderr
        assert network_policy(site, "ordinary", **rules).returncode == 0, "the twin in an ordinary namespace works"
    assert network_policy(site, "private", policyTypes=["Ingress", "Egress"]).returncode == 0, "it only closes"
    refused = network_policy(site, "private", policyTypes=["Ingress", "Egress"], egress=[{}])
    assert refused.returncode != 0, "and is not opened later"
    names = [p["metadata"]["name"] for p in site.cluster.list("networkpolicies", "private")]
    own = next(name for name in names if name.startswith("busy"))
    opened = site.cluster.kubectl("patch", "networkpolicy", own, "-n", "private", f"--as={ADMIN}", "--type=merge",
                                  "-p", '{"spec":{"egress":[{}]}}', check=False)
    assert opened.returncode != 0 and "confidential namespace" in opened.stderr
    marked = site.cluster.kubectl("label", "networkpolicy", own, "-n", "private", f"--as={ADMIN}", "a=b", check=False)
    assert marked.returncode == 0, "what it allows is the same"


def test_a_job_in_an_unlabelled_namespace_says_how_to_label_it(site, rooms):
    site.cluster.apply(training_job("misplaced", "ordinary", image("toolbox"), ["/bin/true"]))
    from kit.cluster import wait_for
    status = wait_for("the message", lambda: "cloister.dev/confidential=true" in json.dumps(
        s := site.status("misplaced", "ordinary")) and s)
    assert "kubectl label namespace ordinary cloister.dev/confidential=true" in status["message"]
    assert site.pods("misplaced", "ordinary") == []

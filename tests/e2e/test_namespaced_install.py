"""The operator in a namespace of its own, jobs in one other (chart value watchNamespace), with rights there only."""
import json

import pytest
from kit.cloister import SYSTEM_NAMESPACE, image, training_job
from kit.cluster import wait_for

ELSEWHERE = "not-looked-after"


@pytest.fixture
def narrow(site, namespace):
    """Cloister narrowed to the test's namespace; afterwards as it was."""
    site.namespace(ELSEWHERE)
    site.install(watchNamespace=namespace)
    try:
        yield namespace
    finally:
        site.install()
        site.cluster.kubectl("delete", "namespace", ELSEWHERE, "--wait=false")


def operator_pods(site):
    return {p["metadata"]["name"] for p in site.cluster.list("pods", SYSTEM_NAMESPACE)
            if not p["metadata"].get("deletionTimestamp")}


def requests_of(site, pods):
    """What the API server's audit log says of these pods: (HTTP status, namespace, resource, name, verb)."""
    result = []
    with open(site.cluster.env["CLOISTER_CLUSTER_AUDIT"], encoding="utf-8") as log:
        for line in log:
            if not line.endswith("\n"):
                break  # it is being written
            entry = json.loads(line)
            pod = entry["user"].get("extra", {}).get("authentication.kubernetes.io/pod-name", [""])[0]
            if pod in pods and "objectRef" in entry:
                ref = entry["objectRef"]
                result.append((entry["responseStatus"]["code"], ref.get("namespace", ""), ref["resource"], ref.get("name", ""),
                               entry["verb"]))
    return result


def can(site, verb, resource, namespace=None):
    scope = ["-n", namespace] if namespace else ["-A"]
    done = site.cluster.kubectl("auth", "can-i", verb, resource, *scope, check=False,
                                *[f"--as=system:serviceaccount:{SYSTEM_NAMESPACE}:cloister-operator"])
    return done.stdout.strip() == "yes"


def test_runs_the_jobs_of_one_namespace_with_rights_there_only(site, narrow):
    site.cluster.apply(training_job("near", narrow, image("toolbox"), ["/bin/true"]),
                       training_job("far", ELSEWHERE, image("toolbox"), ["/bin/true"]))
    site.wait_phase("near", narrow, "Succeeded")
    assert site.status("far", ELSEWHERE)["message"] == "Waiting for the operator"
    assert not site.cluster.list("pods", ELSEWHERE)

    # Neither too few rights ...
    used = requests_of(site, operator_pods(site))
    assert used and [r for r in used if r[0] == 403] == []
    # ... nor more than it takes: of the cluster nodes, and the one namespace by its name.
    assert {(resource, name) for _, namespace, resource, name, _ in used if not namespace} <= {
        ("nodes", ""), ("namespaces", narrow), ("tokenreviews", "")}
    assert {namespace for _, namespace, _, _, _ in used} <= {"", narrow, SYSTEM_NAMESPACE}
    for verb, resource in (("list", "trainingjobs"), ("create", "pods"), ("delete", "pods"), ("create", "services")):
        assert can(site, verb, resource, narrow), (verb, resource)
        assert not can(site, verb, resource, ELSEWHERE) and not can(site, verb, resource), (verb, resource)
    assert can(site, "list", "nodes") and not can(site, "list", "namespaces")


def test_a_label_that_comes_later_is_seen(site, namespace):
    """The namespace is watched by its name, and the policies hold in it."""
    site.cluster.kubectl("label", "namespace", namespace, "cloister.dev/confidential-")
    site.install(watchNamespace=namespace)
    try:
        site.cluster.apply(training_job("early", namespace, image("toolbox"), ["/bin/true"]))
        wait_for("the advice", lambda: "kubectl label namespace" in site.status("early", namespace)["message"], 30)
        site.cluster.kubectl("label", "namespace", namespace, "cloister.dev/confidential=true")
        site.wait_phase("early", namespace, "Succeeded")
        refused = site.cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bare", "namespace": namespace},
                                      "spec": {"containers": [{"name": "c", "image": image("toolbox")}]}}, check=False)
        assert refused.returncode != 0 and "confidential namespace" in refused.stderr
    finally:
        site.install()

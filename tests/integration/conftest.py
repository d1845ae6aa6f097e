"""The operator on a real API server, controllers and kubelet, through a proxy that makes things go wrong.

The worker image here is a toolbox without an agent, so every attempt fails at once and for a known reason. What is
looked at is the operator: whatever happens to its requests, it comes to the same end.
"""
import itertools
import json
import re

import pytest

from integration.office import Office
from integration.proxy import Proxy
from kit.cluster import ROOT, Cluster, run, wait_for
from kit.operator_process import BUILD, make_operator

NUMBERS = itertools.count(1)


def pytest_collection_modifyitems(items):
    """What leaves a crowd behind comes last."""
    items.sort(key=lambda item: "test_crowd" in item.nodeid)


class Site:
    def __init__(self, cluster, proxy, operator, image):
        self.cluster, self.proxy, self.operator, self.image = cluster, proxy, operator, image

    def job(self, name, namespace, replicas=2, restarts=1, technology="SEV"):
        return {
            "apiVersion": "cloister.dev/v1alpha1", "kind": "TrainingJob",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {
                "serviceAccountName": "default", "replicas": replicas,
                "confidential": {"technologies": [technology], "attestation": "None"},
                "trainer": {"image": self.image, "command": ["/bin/true"],
                            "resources": {"limits": {"cpu": "50m", "memory": "16Mi"}}},
                "staging": {"inputLimit": "1Mi", "outputLimit": "1Mi"},
                "network": {"workerTraffic": "AcceptPlain"},
                "failurePolicy": {"maxRestarts": restarts, "backoffSeconds": 1}}}

    def create(self, *jobs):
        self.cluster.apply(*jobs)

    def status(self, name, namespace):
        return (self.cluster.get("tjob", name, namespace) or {}).get("status", {})

    def wait_for_phase(self, name, namespace, phase, timeout=60):
        return wait_for(f"job {name} to be {phase}",
                        lambda: (s := self.status(name, namespace)).get("phase") == phase and s, timeout)

    def end(self, name, namespace):
        """What must be the same whatever happened on the way, once the job has failed."""
        status = self.wait_for_phase(name, namespace, "Failed")
        children = wait_for("the workers to end", lambda: self._ended_children(namespace), 60)
        return {
            "reason": status["reason"], "attempt": status["attempt"], "restarts": status["restarts"],
            "disruptions": status["disruptions"],
            "failures": [(f["attempt"], f["class"], f["reason"], f["exitCode"]) for f in status["failures"]],
            "services": [s["metadata"]["name"] for s in self.cluster.list("services", namespace)],
            "attempts": sorted({p["metadata"]["labels"]["cloister.dev/attempt"] for p in children}),
        }

    def _ended_children(self, namespace):
        pods = self.cluster.list("pods", namespace)
        is_ended = all(p["status"]["phase"] in ("Succeeded", "Failed") for p in pods)
        return pods if pods and is_ended else None


@pytest.fixture(scope="session")
def cluster():
    cluster = Cluster("integration")
    try:
        cluster.up(nodes="cc-0")
        cluster.load(BUILD / "images/toolbox.tar")
        cluster.kubectl("apply", "-f", ROOT / "crds/cloister.dev_trainingjobs.yaml")
        # Not `kubectl wait`: it ends with an error when there is no condition yet.
        wait_for("the API", lambda: {"type": "Established", "status": "True"}.items() <= {
            k: v for c in cluster.get("crd", "trainingjobs.cloister.dev").get("status", {}).get("conditions") or []
            if c["type"] == "Established" for k, v in c.items()}.items(), 30)
        yield cluster
    finally:
        cluster.down()


@pytest.fixture(scope="session")
def site(cluster, tmp_path_factory):
    image = (BUILD / "images/toolbox.ref").read_text().strip()
    proxy = Proxy(cluster.api)
    operator = make_operator(tmp_path_factory.mktemp("operator"), proxy, image)
    yield Site(cluster, proxy, operator, image)
    operator.stop()
    proxy.close()


def make_namespaces(cluster, *names, confidential=True):
    """Ready for pods."""
    labels = {"cloister.dev/confidential": "true"} if confidential else {}
    cluster.apply(*({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}} for name in names))
    for name in names:
        wait_for("the service account", lambda name=name: cluster.get("serviceaccount", "default", name), 30)


@pytest.fixture
def namespace(site, request):
    """A confidential namespace, and an operator that runs when the test begins."""
    name = request.node.name.removeprefix("test_").replace("_", "-").replace("[", "-").replace("]", "")[:50].strip("-")
    make_namespaces(site.cluster, name)
    site.proxy.reset()
    if not site.operator.is_running():
        site.operator.stop()
        site.operator.start()
    yield name
    site.proxy.reset()
    if getattr(request.node, "failed", False):
        print(site.operator.log()[-8000:])
        print(run("kubectl", "-n", name, "get", "tjob,pods", "-o", "wide", env=site.cluster.env, check=False).stdout)
    site.cluster.kubectl("delete", "namespace", name, "--wait=false")
    assert site.operator.is_running(), "the operator ended by itself"


# ---- notifications ----
@pytest.fixture(scope="module")
def office(site, tmp_path_factory):
    site.operator.stop()
    office = Office(site, tmp_path_factory.mktemp("office"))
    yield office
    office.close()


@pytest.fixture
def place(office, request):
    """A confidential namespace, and an operator with all targets that runs when the test begins."""
    name = f"notify-{next(NUMBERS)}-" + re.sub("[^a-z]+", "-", request.node.name.removeprefix("test_"))[:40].strip("-")
    make_namespaces(office.site.cluster, name)
    office.define(office.targets)
    office.good.answer, office.good.headers = 200, {}
    if not office.operator.is_running():
        office.restart()
    yield name
    if getattr(request.node, "failed", False):
        print(office.operator.log()[-8000:])
        print(json.dumps(office.api.jobs(name), indent=1)[-6000:])
    office.api.request("DELETE", f"/apis/cloister.dev/v1alpha1/namespaces/{name}/trainingjobs")
    office.site.cluster.kubectl("delete", "namespace", name, "--wait=false")
    assert office.operator.is_running(), "the operator ended by itself"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    report = (yield).get_result()
    if report.when == "call" and report.failed:
        item.failed = True

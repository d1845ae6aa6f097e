"""The operator on a real API server, controllers and kubelet, through a proxy that makes things go wrong.

The worker image here is a toolbox without an agent, so every attempt fails at once and for a known reason. What is
looked at is the operator: whatever happens to its requests, it comes to the same end.
"""
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from integration.proxy import Proxy  # noqa: E402
from kit.cluster import ROOT, Cluster, Failed, free_port, run, wait_for  # noqa: E402

BUILD = ROOT / os.environ.get("BUILD", "build")


def pytest_collection_modifyitems(items):
    """What leaves a crowd behind comes last."""
    items.sort(key=lambda item: "test_crowd" in item.nodeid)


class Operator:
    """cloister-operator as a process of this machine."""

    def __init__(self, kubeconfig, image, *options):
        self.address, self.metrics_address = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        self.log_path = Path(kubeconfig).with_name("operator.log")
        self.command = [str(BUILD / "bin/cloister-operator"), f"--kubeconfig={kubeconfig}", f"--worker-image={image}",
                        "--worker-pull-policy=Never", f"--health-address={self.address}",
                        f"--metrics-address={self.metrics_address}",
                        '--worker-tolerations=[{"key":"cloister.dev/confidential","operator":"Exists"}]', *options]
        self.process = None

    def start(self, wait=True):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if wait:
            wait_for("the operator to be ready", lambda: self.health("readyz") == 200, 30)

    def health(self, path):
        try:
            with urllib.request.urlopen(f"http://{self.address}/{path}", timeout=5) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def metrics(self):
        """What Prometheus would see: {(name, labels as sorted pairs): value}."""
        with urllib.request.urlopen(f"http://{self.metrics_address}/metrics", timeout=5) as answer:
            text = answer.read().decode()
        return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value
                for family in text_string_to_metric_families(text) for sample in family.samples}

    def metric(self, name, /, **labels):
        return self.metrics().get((name, tuple(sorted(labels.items()))), 0)

    def kill(self):
        """As the kernel's OOM killer does; twice is fine."""
        self.process.send_signal(signal.SIGKILL)

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def terminate(self):
        """As the kubelet stops a container; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def stop(self):
        if self.is_running():
            self.process.kill()
        if self.process is not None:
            self.process.wait(10)

    def log(self):
        return self.log_path.read_text()


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


def make_operator(directory, proxy, image, *options):
    """An operator whose requests go through that proxy."""
    directory.mkdir(parents=True, exist_ok=True)
    kubeconfig = directory / "kubeconfig"
    kubeconfig.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "x",
        "clusters": [{"name": "x", "cluster": {"server": proxy.url}}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": ""}}]}))
    return Operator(kubeconfig, image, *options)


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


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    report = (yield).get_result()
    if report.when == "call" and report.failed:
        item.failed = True

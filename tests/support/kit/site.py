"""The operator on a real API server, controllers and kubelet, through a proxy that makes things go wrong.

The worker image here is a toolbox without an agent, so every attempt fails at once and for a known reason. What is
looked at is the operator: whatever happens to its requests, it comes to the same end.
"""
import contextlib

from kit.cluster import ROOT, Cluster, wait_for
from kit.operator_process import BUILD, make_operator
from kit.proxy import Proxy

# A job of which every attempt fails: two attempts, then the end.
END = {
    "reason": "RestartLimitExceeded", "attempt": 2, "restarts": 1, "disruptions": 0,
    "failures": [(1, "Internal", "InstallFailed", 128), (2, "Internal", "InstallFailed", 128)],
    "services": ["job-workers"], "attempts": ["1", "2"],
}


def run_job(site, namespace):
    site.create(site.job("job", namespace))
    return site.end("job", namespace)


def is_own_write(request):
    return request.is_write and not request.is_event


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


@contextlib.contextmanager
def cluster_with_jobs(name):
    """A cluster of one confidential node that knows TrainingJobs."""
    cluster = Cluster(name)
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


@contextlib.contextmanager
def site_in(cluster, directory):
    """An operator, not started yet, behind a proxy of its own."""
    image = (BUILD / "images/toolbox.ref").read_text().strip()
    proxy = Proxy(cluster.api)
    operator = make_operator(directory, proxy, image)
    yield Site(cluster, proxy, operator, image)
    operator.stop()
    proxy.close()


def make_namespaces(cluster, *names, confidential=True):
    """Ready for pods."""
    labels = {"cloister.dev/confidential": "true"} if confidential else {}
    cluster.apply(*({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}} for name in names))
    for name in names:
        wait_for("the service account", lambda name=name: cluster.get("serviceaccount", "default", name), 30)

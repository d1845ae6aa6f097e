"""The three sides: which controllers run, what a job of so many workers looks like, and when it is up or complete."""
import json
import os

from kit.cluster import ROOT, free_port
from plane import CACHE

IMAGE = "registry.example/trainer@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
WORKER_IMAGE = "registry.example/cloister/worker@sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
COMMAND = ["/train", "--epochs", "20"]
LIMITS = {"cpu": "500m", "memory": "256Mi"}
BUILD = ROOT / os.environ.get("BUILD", "build")


def has_condition(job, kind):
    return any(c["type"] == kind and c["status"] == "True" for c in job.get("status", {}).get("conditions", []))


class Side:
    """What the sides share. `resource` is the plural of the job, `collection` its path without a namespace."""

    def __init__(self, plane):
        self.plane, self.processes = plane, []

    def path(self, namespace):
        return f"{self.group}/namespaces/{namespace}/{self.resource}"

    def start(self):
        for process in self.processes:
            process.start()

    def stop(self):
        for process in reversed(self.processes):
            process.stop()

    def cpu(self):
        return sum(process.cpu() for process in self.processes)

    def process(self, name, *flags, program=None):
        self.processes.append(self.plane.process(name, program or name, *flags))


class Cloister(Side):
    name, group, resource = "Cloister", "/apis/cloister.dev/v1alpha1", "trainingjobs"

    def prepare(self):
        self.plane.apply_definition(ROOT / "crds/cloister.dev_trainingjobs.yaml")
        self.process("operator", f"--kubeconfig={self.plane.kubeconfig}", f"--worker-image={WORKER_IMAGE}",
                     f"--health-address=127.0.0.1:{free_port()}", program=BUILD / "bin/cloister-operator")

    def job(self, name, namespace, workers):
        return {"apiVersion": "cloister.dev/v1alpha1", "kind": "TrainingJob", "metadata": {"name": name, "namespace": namespace},
                "spec": {"serviceAccountName": "default", "replicas": workers,
                         "confidential": {"technologies": ["SEV"], "attestation": "None"},
                         "trainer": {"image": IMAGE, "command": COMMAND, "resources": {"limits": LIMITS}},
                         "staging": {"inputLimit": "16Mi", "outputLimit": "16Mi"}, "network": {"workerTraffic": "AcceptPlain"}}}

    def is_complete(self, job):
        return has_condition(job, "Complete")

    def is_up(self, job):
        return job.get("status", {}).get("workers", {}).get("ready") == job["spec"]["replicas"]


class JobController(Side):
    """kube-controller-manager with the Job controller alone, as the issue's figures were measured."""

    name, group, resource = "Job controller", "/apis/batch/v1", "jobs"

    def prepare(self):
        self.process("kube-controller-manager", f"--kubeconfig={self.plane.kubeconfig}", "--controllers=job-controller",
                     "--leader-elect=false", "--secure-port=0", "--kube-api-qps=1000", "--kube-api-burst=2000")

    def spec(self, workers):
        return {"completions": workers, "parallelism": workers, "completionMode": "Indexed", "backoffLimit": 0,
                "template": {"spec": {
                    "restartPolicy": "Never", "serviceAccountName": "default",
                    "nodeSelector": {"cloud.google.com/gke-confidential-nodes-instance-type": "SEV"},
                    "containers": [{"name": "trainer", "image": IMAGE, "command": COMMAND,
                                    "resources": {"limits": LIMITS}}]}}}

    def job(self, name, namespace, workers):
        return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": namespace},
                "spec": self.spec(workers)}

    def is_complete(self, job):
        return has_condition(job, "Complete")

    def is_up(self, job):
        return job.get("status", {}).get("ready") == job["spec"]["parallelism"]


class JobSet(JobController):
    """JobSet on top of that Job controller. Its webhooks are not registered: what they would fill in is written out."""

    name, group, resource = "JobSet", "/apis/jobset.x-k8s.io/v1alpha2", "jobsets"

    def prepare(self):
        super().prepare()
        self.plane.apply_definition(CACHE / "bench-bin/../jobset-crd.yaml")
        certificates = self.plane.directory / "jobset-certificates"
        self.plane.certificate(certificates)
        config = self.plane.directory / "jobset.json"
        config.write_text(json.dumps({
            "apiVersion": "config.jobset.x-k8s.io/v1alpha1", "kind": "Configuration", "leaderElection": {"leaderElect": False},
            "internalCertManagement": {"enable": False}, "metrics": {"bindAddress": "0"},
            "health": {"healthProbeBindAddress": "0"},
            "webhook": {"port": free_port(), "host": "127.0.0.1", "certDir": str(certificates)},
            "clientConnection": {"qps": 1000, "burst": 2000}}))
        self.process("jobset", f"--config={config}", "--zap-log-level=info", f"--kubeconfig={self.plane.kubeconfig}")

    def job(self, name, namespace, workers):
        return {"apiVersion": "jobset.x-k8s.io/v1alpha2", "kind": "JobSet", "metadata": {"name": name, "namespace": namespace},
                "spec": {"successPolicy": {"operator": "All"}, "startupPolicy": {"startupPolicyOrder": "AnyOrder"},
                         "network": {"enableDNSHostnames": True, "publishNotReadyAddresses": True},
                         "replicatedJobs": [{"name": "w", "replicas": 1, "template": {"spec": self.spec(workers)}}]}}

    def is_complete(self, job):
        return has_condition(job, "Completed")

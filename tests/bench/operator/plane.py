"""A fresh control plane: etcd and kube-apiserver, with kube-scheduler, and kwok's confidential nodes."""
import json
import os
import tempfile
from pathlib import Path

import yaml
from api import Api
from kit.cluster import Cluster, run, wait_for
from process import Process

CACHE = Path(os.environ.get("CLOISTER_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cloister")
HERE = Path(__file__).resolve().parent
NODES = 20
CAPACITY = {"cpu": "10k", "memory": "100Ti", "pods": "10k", "ephemeral-storage": "100Ti"}
NAMESPACES = ("single", "burst", "standing")


class Plane:
    def __enter__(self):
        self.cluster = Cluster("bench")
        self.cluster.up(nodes="")
        self.temporary = tempfile.TemporaryDirectory(prefix="cloister-bench-")
        self.directory = Path(self.temporary.name)
        self.kubeconfig = self.cluster.run_dir / "pki/admin.conf"
        self.audit_log = self.cluster.run_dir / "audit.log"
        self.api = Api(self.cluster)
        self.processes = []
        self.start_scheduler()
        self.start_kwok()
        self.make_namespaces()
        self.make_nodes()
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.stop()
        self.cluster.down()
        self.temporary.cleanup()

    def start_scheduler(self):
        """With a budget of requests that does not decide the result; the default of 50 a second would."""
        identity = json.loads((self.cluster.run_dir / "pki/kube-scheduler.conf").read_text())
        identity["clusters"][0]["cluster"]["server"] = f"https://{self.cluster.address}:6443"
        kubeconfig, config = self.directory / "scheduler.conf", self.directory / "scheduler.json"
        kubeconfig.write_text(json.dumps(identity))
        config.write_text(json.dumps({
            "apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration",
            "leaderElection": {"leaderElect": False},
            "clientConnection": {"kubeconfig": str(kubeconfig), "qps": 1000, "burst": 2000}}))
        self.run("kube-scheduler", f"--config={config}", "--secure-port=0")

    def start_kwok(self):
        self.run("kwok", f"--kubeconfig={self.kubeconfig}", "--manage-all-nodes", f"--config={HERE / 'stages.yaml'}",
                 "--node-lease-duration-seconds=0", "--cidr=10.128.0.0/9")

    def run(self, program, *flags):
        self.processes.append(self.process(program, program, *flags).start())

    def process(self, name, program, *flags):
        """A program of the cluster's or of tests/bench/setup's, not started yet."""
        path = f"{CACHE / 'bench-bin'}:{self.cluster.env['PATH']}"
        return Process([program, *flags], self.directory / f"{name}.log", cwd=self.directory,
                       env={**self.cluster.env, "PATH": path})

    def make_namespaces(self):
        for name in NAMESPACES:
            self.api.call("POST", "/api/v1/namespaces", {
                "metadata": {"name": name, "labels": {"cloister.dev/confidential": "true"}}})
            self.api.call("POST", f"/api/v1/namespaces/{name}/serviceaccounts", {"metadata": {"name": "default"}})

    def make_nodes(self):
        for number in range(NODES):
            name = f"cc-{number}"
            self.api.call("POST", "/api/v1/nodes", {
                "metadata": {"name": name, "labels": {
                    "kubernetes.io/hostname": name, "cloud.google.com/gke-confidential-nodes-instance-type": "SEV"}},
                "status": {"capacity": CAPACITY, "allocatable": CAPACITY, "conditions": [
                    {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kwok plays the kubelet"}]}})
            # A new node is tainted as not ready, and the controller that would take the taint back does not run.
            self.api.call("PATCH", f"/api/v1/nodes/{name}", {"spec": {"taints": None}},
                          content_type="application/merge-patch+json")

    def apply_definition(self, file):
        """A CustomResourceDefinition, and the wait until its kind is served."""
        crd = yaml.safe_load(file.read_text())
        self.api.call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd)
        version = next(v["name"] for v in crd["spec"]["versions"] if v["served"])
        path = f"/apis/{crd['spec']['group']}/{version}/{crd['spec']['names']['plural']}?limit=1"
        wait_for(path, lambda: self.api.call("GET", path, missing_is_fine=True), 30)

    def certificate(self, directory):
        directory.mkdir()
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
            "-subj", "/CN=localhost", "-keyout", directory / "tls.key", "-out", directory / "tls.crt")

    def delete_all(self, side, namespace):
        """The jobs of a namespace and what belongs to them; no garbage collector runs here."""
        self.api.call("DELETE", side.path(namespace))
        for resource in ("jobs", "pods", "services"):
            group = "/apis/batch/v1" if resource == "jobs" else "/api/v1"
            self.api.call("DELETE", f"{group}/namespaces/{namespace}/{resource}")
        pods = f"/api/v1/namespaces/{namespace}/pods?limit=1"
        wait_for("the pods to go", lambda: not self.api.list(pods), 60)

"""Cloister as a user installs and uses it: chart, plugin, jobs; and the test cloud as its Google."""
import base64
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from cloud.client import Cloud
from kit.cluster import ROOT, Cluster, Failed, run, wait_for

BUILD = ROOT / os.environ.get("BUILD", "build")
SYSTEM_NAMESPACE = "cloister-system"
PROJECT = "clinic"
KEY = f"projects/{PROJECT}/locations/europe-west3/keyRings/training/cryptoKeys/data"
BUCKET = "clinic-training"
TRAINER = f"trainer@{PROJECT}.iam.gserviceaccount.com"
OWNER = f"owner@{PROJECT}.iam.gserviceaccount.com"
CLOUD_PORT = 8443


def image(name):
    """The image by digest, as a manifest names it."""
    return (BUILD / f"images/{name}.ref").read_text().strip()


class TestCloud:
    """The test cloud, running inside a cluster's network like Google's endpoints beside a GKE cluster."""

    __test__ = False

    def __init__(self, cluster, state):
        self.cluster, self.state = cluster, Path(state)
        self.process = None

    def start(self):
        self.state.mkdir(parents=True, exist_ok=True)
        (self.state / "endpoints.json").unlink(missing_ok=True)
        log = open(self.state / "log", "ab")
        self.process = self.cluster.start_inside(
            sys.executable, "-m", "cloud", "--state", self.state, "--port", CLOUD_PORT,
            "--san", self.cluster.address, "--metadata", "169.254.169.254:80", "--kubeconfig", self.cluster.env["KUBECONFIG"],
            stdout=log, stderr=log, cwd=ROOT / "tests/support", env={**os.environ, "PYTHONPATH": str(ROOT / "tests/support")})
        wait_for("the test cloud", lambda: self.process.poll() is None and (self.state / "endpoints.json").exists(), 30)
        self.api = Cloud(self.state, address=self.cluster.address)

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)

    def furnish(self):
        """A project with a key, a bucket and the two accounts that share them: who owns the data, who trains."""
        self.api.create_key(KEY, protection_level="HSM")
        self.api.create_bucket(BUCKET)
        self.owner_key = self.state / "owner.json"
        self.api.service_account(OWNER, key_file=self.owner_key)
        self.api.service_account(TRAINER)
        self.api.grant_key(KEY, f"serviceAccount:{OWNER}", "roles/cloudkms.cryptoKeyEncrypterDecrypter")
        self.api.grant_key(KEY, f"serviceAccount:{TRAINER}", "roles/cloudkms.cryptoKeyDecrypter")
        self.api.grant_bucket(BUCKET, f"serviceAccount:{OWNER}", "roles/storage.objectAdmin")
        self.api.grant_bucket(BUCKET, f"serviceAccount:{TRAINER}", "roles/storage.objectUser")

    @property
    def ca(self):
        return self.state / "ca.pem"

    def user_env(self):
        """The environment of somebody who works with gcloud's variables set to this cloud."""
        base = f"https://{self.cluster.address}:{CLOUD_PORT}"
        return {**self.cluster.env, "PATH": f"{BUILD / 'bin'}:{self.cluster.env['PATH']}",
                "GOOGLE_APPLICATION_CREDENTIALS": str(self.owner_key),
                "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE": base, "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS": base,
                "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE": str(self.ca)}


class Cloister:
    """Cloister installed by its chart in a cluster with a test cloud."""

    def __init__(self, cluster, cloud):
        self.cluster, self.cloud = cluster, cloud

    def load_images(self, *names):
        for name in names:
            self.cluster.load(BUILD / f"images/{name}.tar")

    def install(self, **values):
        operator, worker = image("operator").split("@"), image("worker").split("@")
        # Pods reach the cloud over the bridge, people over the address that the host sees.
        endpoint = f"https://10.85.0.1:{CLOUD_PORT}"
        settings = {
            "image.repository": operator[0], "image.digest": operator[1],
            "workerImage.repository": worker[0], "workerImage.digest": worker[1],
            "endpoints.kms": endpoint, "endpoints.storage": endpoint, "endpoints.pubsub": endpoint,
            "network.additionalEgress[0].cidr": "10.85.0.1/32", **values,
        }
        arguments = [a for k, v in settings.items() for a in ("--set-string" if isinstance(v, str) else "--set", f"{k}={v}")]
        run("helm", "upgrade", "--install", "cloister", ROOT / "charts/cloister", "--namespace", SYSTEM_NAMESPACE,
            "--create-namespace", "--set-file", f"endpoints.caBundle={self.cloud.ca}", "--wait", "--timeout", "120s",
            *arguments, env=self.cluster.env)

    def namespace(self, name, confidential=True):
        """A namespace with the service account of the job; bound to the trainer's IAM account as on GKE."""
        labels = {"cloister.dev/confidential": "true"} if confidential else {}
        self.cluster.apply(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}},
            {"apiVersion": "v1", "kind": "ServiceAccount",
             "metadata": {"name": "trainer", "namespace": name,
                          "annotations": {"iam.gke.io/gcp-service-account": TRAINER}}})
        self.cloud.api.grant_account(TRAINER, f"serviceAccount:test.svc.id.goog[{name}/trainer]")

    def plugin(self, *arguments, check=True, **options):
        return run("kubectl", "cloister", *arguments, env=self.cloud.user_env(), check=check, **options)

    def operator_pods(self):
        """Leader and standby, without what is ending or was a hook."""
        return [p for p in self.cluster.list("pods", SYSTEM_NAMESPACE, "app.kubernetes.io/component=operator")
                if "deletionTimestamp" not in p["metadata"]
                and any(o["kind"] == "ReplicaSet" for o in p["metadata"].get("ownerReferences", []))]

    def operator_restarts(self):
        return sum(p["status"]["containerStatuses"][0]["restartCount"] for p in self.operator_pods())

    def leader(self):
        """The name of the operator's pod that leads, or None."""
        lease = self.cluster.get("lease", "cloister-operator", SYSTEM_NAMESPACE)
        return lease and lease["spec"].get("holderIdentity") or None

    # ---- jobs ----
    def job(self, name, namespace):
        return self.cluster.get("tjob", name, namespace)

    def status(self, name, namespace):
        job = self.job(name, namespace)
        return job.get("status", {}) if job else {}

    def columns(self, name, namespace):
        """What `kubectl get tjob` shows, by heading; {} when there is no such job."""
        lines = self.cluster.kubectl("get", "tjob", name, "-n", namespace, check=False).stdout.splitlines()
        if len(lines) != 2:
            return {}
        starts = [m.start() for m in re.finditer(r"\S+", lines[0])] + [None]
        return {lines[0][a:b].strip(): lines[1][a:b].strip() for a, b in zip(starts, starts[1:])}

    def pods(self, name, namespace):
        return self.cluster.list("pods", namespace, f"cloister.dev/job-name={name}")

    def wait_phase(self, name, namespace, *phases, timeout=120):
        """Waits for one of the phases; fails early when the job ended otherwise."""
        final = {"Succeeded", "Failed"}

        def reached():
            status = self.status(name, namespace)
            phase = status.get("phase")
            if phase in phases:
                return status
            if phase in final:
                raise Failed(f"{name} is {phase}, not {phases}: {json.dumps(status, indent=1)}")
            return None
        return wait_for(f"{name} to be {' or '.join(phases)}", reached, timeout)

    def wait_until_told(self, name, namespace):
        """Waits until the job's status has stayed as it is for longer than one that only tells how far it is may be put off."""
        seen = {}

        def is_told():
            version = self.job(name, namespace)["metadata"]["resourceVersion"]
            return time.monotonic() - seen.setdefault(version, time.monotonic()) > 3 and version
        return wait_for(f"{name} to say nothing new", is_told)

    def logs(self, pod, namespace, container="trainer"):
        return self.cluster.kubectl("logs", pod, "-n", namespace, "-c", container, check=False).stdout


def training_job(name, namespace, image_ref, command, **spec):
    """A TrainingJob with the fields that every test shares; spec overrides and adds."""
    base = {
        "serviceAccountName": "trainer",
        "confidential": {"technologies": ["SEV"], "attestation": "None"},
        "replicas": 1,
        "network": {"workerTraffic": "AcceptPlain"},
        "trainer": {"image": image_ref, "command": command, "resources": {"limits": {"cpu": "200m", "memory": "64Mi"}}},
        "staging": {"inputLimit": "16Mi", "outputLimit": "16Mi"},
    }
    trainer = {**base["trainer"], **spec.pop("trainer", {})}
    return {"apiVersion": "cloister.dev/v1alpha1", "kind": "TrainingJob",
            "metadata": {"name": name, "namespace": namespace}, "spec": {**base, **spec, "trainer": trainer}}


@contextlib.contextmanager
def installed(name, nodes):
    """A cluster of its own with test cloud and Cloister in it."""
    state = Path(tempfile.mkdtemp(prefix="cloister-cloud-"))
    cluster = Cluster(name)
    cloud = TestCloud(cluster, state)
    try:
        cluster.up(nodes=nodes)
        cloud.start()
        cloud.furnish()
        cloister = Cloister(cluster, cloud)
        cloister.load_images("operator", "worker", "digits", "toolbox")
        cloister.install()
        yield cloister
    finally:
        cloud.stop()
        cluster.down()
        shutil.rmtree(state, ignore_errors=True)


def describe(site, name):
    for job in site.cluster.list("tjob", name):
        print(json.dumps(job.get("status"), indent=1))
    for pod in site.cluster.list("pods", name):
        print(json.dumps(pod.get("status"), indent=1))
        for container in ("cloister-agent", "trainer"):
            print(f"--- {pod['metadata']['name']} {container}\n" + site.logs(pod["metadata"]["name"], name, container))
    print(site.cluster.kubectl("logs", "-n", "cloister-system", "-l", "app.kubernetes.io/name=cloister", "--tail=60",
                               check=False).stdout)


def encrypted(site, prefix, *files, name="digits", associated_data=None):
    """Encrypts files to gs://BUCKET/prefix/ with the plugin; returns what it printed to paste: keys and inputs."""
    options = ["--associated-data", associated_data] if associated_data else []
    done = site.plugin("encrypt", *files, f"gs://{BUCKET}/{prefix}/", "--kms-key", KEY, "--name", name, *options)
    return yaml.safe_load(done.stdout)


def published(prefix, key):
    """checkpoints and output below gs://BUCKET/prefix/."""
    return {"checkpoints": {"uri": f"gs://{BUCKET}/{prefix}/checkpoints/", "keyName": key},
            "output": {"uri": f"gs://{BUCKET}/{prefix}/models/", "keyName": key}}


def evaluate(site, job, namespace, directory):
    """Fetches the job's model with the plugin; returns what the digits program says of it."""
    site.plugin("fetch", job, "-n", namespace, "-o", directory / "model")
    model = next((directory / "model").rglob("digits.model"))
    return run(BUILD / "bin/digits", "evaluate", model, ROOT / "docs/examples/digits/data").stdout

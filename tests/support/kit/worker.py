"""One worker pod without a pod: the agent and cloister-exec in a root of their own (bubblewrap), against the test cloud.

Both run as they do in a pod, with the plan that the operator would have written.
"""
import hashlib
import json
import os
import random
import signal
import subprocess
import urllib.request

import yaml

from kit.cloud import BUCKET, KEY, OWNER
from kit.cluster import ROOT, run

BIN = ROOT / os.environ.get("BUILD", "build") / "bin"
JOB_UID = "0f0e0d0c-0000-4000-8000-000000000001"
FOLDER = "job-0f0e0d0c/"
# What a trainer does that only passes its input on.
COPY = "sha256sum < /cloister/in/inputs/data/data.bin; cp /cloister/in/inputs/data/data.bin /cloister/output/model"


def plugin(cloud, *arguments):
    return run(BIN / "kubectl-cloister", *arguments, env={
        **os.environ, "GOOGLE_APPLICATION_CREDENTIALS": str(cloud.state / f"{OWNER}.json"),
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE": cloud.url, "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS": cloud.url,
        "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE": str(cloud.state / "ca.pem")})


def encrypt(cloud, prefix, *paths, key=KEY):
    """keys and inputs of a job, for files encrypted below gs://BUCKET/prefix/data/."""
    return yaml.safe_load(plugin(cloud, "encrypt", *paths, f"gs://{BUCKET}/{prefix}/data/", "--kms-key", key).stdout)


class Worker:
    """One worker pod without a pod."""

    def __init__(self, cloud, directory, prefix, spec=None, attempt=1, index=0, pod="pod-1", **changes):
        self.cloud, self.directory = cloud, directory
        self.binds = []  # more options of bubblewrap, for what is started from now on
        self.processes = {}
        for name in ("in", "out/output", "out/checkpoints", "run", "in/restore"):
            (directory / name).mkdir(parents=True, exist_ok=True)
        self.message_file = directory / "termination-log"
        self.message_file.touch()
        key = {"keyName": "data"}
        self.plan = {
            "version": 2, "job": {"namespace": "ml", "name": "job", "uid": JOB_UID}, "attempt": attempt, "index": index,
            "replicas": 2, "requireHSM": False,
            "endpoints": {"metadata": f"http://{cloud.metadata}", "kms": cloud.url, "storage": cloud.url,
                          "caBundle": (cloud.state / "ca.pem").read_text()},
            "keys": spec["keys"] if spec else [], "inputs": [{"associatedData": "Object", **i} for i in spec["inputs"]] if spec else [],
            "inputLimitBytes": 64 << 20, "connections": 8,
            "checkpoints": {"uri": f"gs://{BUCKET}/{prefix}/ckpt/{FOLDER}", **key},
            "output": {"uri": f"gs://{BUCKET}/{prefix}/models/{FOLDER}{attempt}/", "publish": index == 0, **key}, **changes}
        if not spec:
            del self.plan["checkpoints"], self.plan["output"]
        self.environment = {"CLOISTER_ASSIGNMENT": json.dumps(self.plan), "POD_UID": f"uid-of-{pod}", "PATH": "/usr/bin:/bin",
                            # An undumpable process cannot be searched for leaks.
                            "ASAN_OPTIONS": "detect_leaks=0"}

    def sandbox(self, *command):
        binds = [x for n in ("in", "out", "run") for x in ("--bind", self.directory / n, f"/cloister/{n}")]
        return ["bwrap", "--die-with-parent", "--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib",
                "/lib", "--symlink", "usr/lib64", "/lib64", "--ro-bind", "/etc", "/etc", "--proc", "/proc", "--dev", "/dev",
                "--ro-bind", BIN, "/opt/bin", *binds, "--bind", self.directory / "in/restore", "/cloister/restore",
                "--bind", self.directory / "out/output", "/cloister/output", "--bind", self.directory / "out/checkpoints",
                "/cloister/checkpoints", "--bind", self.message_file, "/dev/termination-log", *self.binds, "--", *command]

    def start(self, name, *command):
        log = open(self.directory / f"{name}.log", "ab")
        self.processes[name] = subprocess.Popen([str(c) for c in self.sandbox(*command)], env=self.environment,
                                                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def start_agent(self):
        self.start("agent", "/opt/bin/cloister-worker", "serve")

    def start_trainer(self, script, *options):
        self.start("trainer", "/opt/bin/cloister-exec", "--grace-seconds=10", "--reserve-seconds=5", *options, "--", "/bin/sh", "-c",
                   script)

    def pid(self, name):
        """Of the program itself, below bubblewrap."""
        pids = [self.processes[name].pid]
        while children := subprocess.run(["pgrep", "-P", ",".join(map(str, pids))], capture_output=True, text=True).stdout.split():
            pids = [int(c) for c in children][:1]
        return pids[0]

    def kill_agent(self):
        os.kill(self.pid("agent"), signal.SIGKILL)
        self.processes["agent"].wait(10)

    def finish(self, timeout=60):
        """Waits for the trainer's end, then ends the agent as the kubelet does. Returns the exit code and the message."""
        code = self.processes["trainer"].wait(timeout)
        os.kill(self.pid("agent"), signal.SIGTERM)
        assert self.processes["agent"].wait(20) == 0, "the agent ends with 0 after SIGTERM"
        return code, self.message()

    def message(self):
        text = self.message_file.read_text()
        assert len(text) <= 4096
        return json.loads(text)

    def metrics(self):
        """name{labels} -> value."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.plan['ports']['metrics']}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))}

    def log(self, name):
        return (self.directory / f"{name}.log").read_text()

    def stop(self):
        for process in self.processes.values():
            process.kill()
            process.wait()


def data_file(tmp_path, size, name="data.bin"):
    path = tmp_path / name
    path.write_bytes(random.Random(size).randbytes(size))
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def checkpoint(name, content="x"):
    return f"echo {content} > /cloister/checkpoints/.{name}.tmp; mv /cloister/checkpoints/.{name}.tmp /cloister/checkpoints/{name}"


def committed(cloud, prefix, name):
    try:
        return json.loads(cloud.api.object_bytes(BUCKET, f"{prefix}/ckpt/{FOLDER}HEAD"))["name"] == name
    except Exception:  # noqa: BLE001 - not there yet
        return False

"""cloister-operator as a process of this machine."""
import json
import os
import signal
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from kit.cluster import ROOT, free_port, wait_for

BUILD = ROOT / os.environ.get("BUILD", "build")


class Operator:
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
        process = self.process  # somebody may start another one as soon as this one has ended
        if process is not None:
            process.kill()
            process.wait(30)

    def log(self):
        return self.log_path.read_text()


def make_operator(directory, proxy, image, *options):
    """An operator whose requests go through that proxy."""
    directory.mkdir(parents=True, exist_ok=True)
    kubeconfig = directory / "kubeconfig"
    kubeconfig.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "x",
        "clusters": [{"name": "x", "cluster": {"server": proxy.url}}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": ""}}]}))
    return Operator(kubeconfig, image, *options)

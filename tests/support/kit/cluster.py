"""The real cluster of tests/support/cluster, seen from Python."""
import json
import os
import random
import shlex
import socket
import subprocess
import time
from pathlib import Path

from kit.api import Api, Resources, client_context, complaint

ROOT = Path(__file__).resolve().parents[3]
TOOL = ROOT / "tests/support/cluster/cluster"
reserved_ports = {}


class Failed(Exception):
    """A command ended badly; the text holds what it printed."""


def run(*command, check=True, env=None, stdin=None, timeout=300):
    """Runs a command to its end; returns the CompletedProcess with text output."""
    done = subprocess.run([str(c) for c in command], env=env, input=stdin, text=True, capture_output=True,
                          timeout=timeout, check=False)
    if check and done.returncode != 0:
        raise Failed(f"{shlex.join(str(c) for c in command)} ended with {done.returncode}:\n"
                     f"{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done


# Many processes share two cores, and only a test that fails waits as long as this.
PATIENCE_SECONDS = 300


def wait_for(what, condition, timeout=0, interval=0.2):
    """Calls condition() until it gives something true; returns that. timeout: where it is more than PATIENCE_SECONDS."""
    timeout = max(timeout, PATIENCE_SECONDS)
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failed(f"after {timeout} s still waiting for {what}")
        time.sleep(interval)


def free_port():
    """A TCP port of this machine's loopback that nobody uses just now, and none of those from which the kernel gives one to
    every connection, so that it is still free when a program comes to listen there. It is this process's until it ends:
    a socket of that name tells the other processes of a parallel run."""
    while True:
        port = random.choice(range(16384, 32768))
        reservation = socket.socket(socket.AF_UNIX)
        with socket.socket() as probe:
            try:
                reservation.bind(f"\0cloister-tests-port-{port}")
                probe.bind(("127.0.0.1", port))
            except OSError:
                reservation.close()
                continue
        reserved_ports[port] = reservation
        return port


class Cluster:
    """One cluster by name. `up` and `down` are those of tests/support/cluster/cluster."""

    def __init__(self, name):
        # Each process of a parallel run has its own, and two people can test beside one another on one machine.
        worker = os.environ.get("PYTEST_XDIST_WORKER", "")
        self.name = name + (f"-{worker}" if worker else "") + os.environ.get("CLOISTER_CLUSTER_SUFFIX", "")
        self.env = dict(os.environ)

    def tool(self, *arguments, **options):
        return run(TOOL, *arguments, "--name", self.name, **options)

    def up(self, nodes="cc-0,std-0", quiet=True):
        """Without nodes the cluster is bare: etcd and the API server alone."""
        command = [str(TOOL), "up", "--replace", "--name", self.name, *(["--nodes", nodes] if nodes else ["--bare"])]
        if quiet:
            run(*command, timeout=600)
        elif subprocess.run(command, check=False).returncode != 0:
            raise Failed("the cluster did not start")
        for line in self.tool("env").stdout.splitlines():
            if line.startswith("export "):
                key, _, value = line[len("export "):].partition("=")
                self.env[key] = os.path.expandvars(shlex.split(value)[0]) if value else ""
        self.run_dir = Path(self.env["CLOISTER_CLUSTER_RUN"])
        self.address = self.env["CLOISTER_CLUSTER_IP"]
        context, server = client_context(self.env["KUBECONFIG"])
        self.api = Api(server, context)
        self.resources = Resources(self.api)

    def down(self):
        self.tool("down", check=False)

    def load(self, archive):
        self.tool("load", archive)

    def inside(self, *command, **options):
        """Runs a command inside the cluster's namespaces (network, mounts, processes)."""
        return run(TOOL, "exec", "--name", self.name, "--", *command, **options)

    def start_inside(self, *command, **options):
        return subprocess.Popen([str(TOOL), "exec", "--name", self.name, "--", *[str(c) for c in command]],
                                stdin=subprocess.DEVNULL, **options)

    def kubelet(self, action, node, *options):
        self.tool("kubelet", action, node, *options)

    # ---- kubectl, as a user calls it ----
    def kubectl(self, *arguments, **options):
        return run("kubectl", *arguments, env=self.env, **options)

    def apply(self, *objects, check=True, user=None):
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        as_user = [f"--as={user}"] if user else []
        return self.kubectl("apply", "-f", "-", *as_user, stdin=text, check=check)

    # ---- what tests look at again and again, without a process each time ----
    def get(self, kind, name, namespace=None):
        """The object, or None when there is none. kind is any name that kubectl takes."""
        return self._read(kind, namespace, name)

    def list(self, kind, namespace=None, selector=None):
        """Without a namespace of all namespaces; kind may be several, with commas between."""
        query = {"labelSelector": selector} if selector else {}
        return [o for one in kind.split(",") for o in self._read(one, namespace, **query)["items"]]

    def _read(self, kind, namespace, name=None, **query):
        resource = self.resources.find(kind)
        if resource is None:
            raise Failed(f"the API server has no {kind}")
        path = resource.path(namespace, name)
        status, answer = self.api.request("GET", path, **query)
        if status == 404 and name:
            return None
        if status != 200:
            raise Failed(f"GET {path}: {status} {complaint(answer)}")
        for o in answer.get("items", []):
            # The API server leaves out of a list's objects what the list says of all.
            o.setdefault("kind", resource.kind)
            o.setdefault("apiVersion", answer["apiVersion"])
        return answer

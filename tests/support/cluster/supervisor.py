"""The first process of the cluster's namespaces: starts every part, reaps, and obeys `cluster kubelet stop|start`.

It is told what to do through the socket RUN/control, one line in, one line out. When it is killed, the kernel
ends everything in the namespaces with it.
"""
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import configs


class Supervisor:
    def __init__(self, run, node_names):
        self.run = run
        self.nodes = [configs.Node(run, i, name) for i, name in enumerate(node_names)]
        self.processes = {}
        self.lock = threading.Lock()
        self.context = None

    # ---- processes ----
    def start(self, name, command):
        (self.run / "log").mkdir(exist_ok=True)
        log = open(self.run / "log" / f"{name}.log", "ab")
        with self.lock:
            self.processes[name] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                    cwd=self.run, start_new_session=True)

    def stop(self, name):
        with self.lock:
            process = self.processes.pop(name, None)
        if process is None:
            return
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def require_running(self):
        """The first process of a namespace also reaps what others leave to it."""
        with self.lock:
            known = dict(self.processes)
        for name, process in known.items():
            if process.poll() is not None:
                raise SystemExit(f"{name} ended with {process.returncode}: see {self.run}/log/{name}.log")

    def wait_until(self, what, condition, seconds):
        deadline = time.monotonic() + seconds
        while not condition():
            self.require_running()
            if time.monotonic() > deadline:
                raise SystemExit(f"{what} was not ready within {seconds} s: see {self.run}/log")
            time.sleep(0.1)

    # ---- the API ----
    def api(self, method, path, body=None, content_type="application/merge-patch+json"):
        if self.context is None:
            pki = self.run / "pki"
            self.context = ssl.create_default_context(cafile=pki / "ca.pem")
            self.context.load_cert_chain(pki / "inside.pem", pki / "inside.key")
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"https://127.0.0.1:6443{path}", data, {"Content-Type": content_type}, method=method)
        with urllib.request.urlopen(request, context=self.context, timeout=5) as reply:
            return json.loads(reply.read() or b"{}")

    def answers(self, url):
        try:
            if url.startswith("http:"):
                with urllib.request.urlopen(url, timeout=2):
                    return True
            with urllib.request.urlopen(url, context=self.context, timeout=2):
                return True
        except (OSError, ValueError):
            return False

    def exists(self, path):
        try:
            self.api("GET", path)
            return True
        except (OSError, ValueError):
            return False

    def node_ready(self, node, since=0.0):
        try:
            status = self.api("GET", f"/api/v1/nodes/{node.name}")["status"]
        except (OSError, ValueError):
            return False
        ready = [c for c in status.get("conditions", []) if c["type"] == "Ready"]
        if not ready or ready[0]["status"] != "True":
            return False
        beat = time.mktime(time.strptime(ready[0]["lastHeartbeatTime"], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone
        return beat >= since

    # ---- nodes ----
    def start_kubelet(self, node, reserve=""):
        began = time.time() - 1
        self.start(f"{node.name}-kubelet", configs.kubelet(self.run, node, reserve))
        self.wait_until(f"node {node.name}", lambda: self.node_ready(node, began), 180)
        self.make_confidential(node)

    def make_confidential(self, node):
        """GKE's label, as its control plane sets it, once: tests take it away."""
        if node.confidential:
            self.api("PATCH", f"/api/v1/nodes/{node.name}", {"metadata": {"labels": {configs.CONFIDENTIAL_LABEL: "SEV"}}})
            self.give_devices(node)

    def give_devices(self, node):
        """The capacity that GKE's device plugin reports."""
        path, wanted = f"/api/v1/nodes/{node.name}", configs.CONFIDENTIAL_CAPACITY
        found = self.api("GET", path)
        if node.confidential and any(found["status"]["capacity"].get(name) != value for name, value in wanted.items()):
            self.api("PATCH", path + "/status", {"status": {"capacity": wanted, "allocatable": wanted}})

    def keep_devices(self):
        """A starting kubelet sets extended resources that it does not know to zero, some seconds after its first word."""
        while True:
            time.sleep(2)
            for node in self.nodes:
                try:
                    self.give_devices(node)
                except (OSError, ValueError, KeyError):
                    pass  # the node was deleted or the API server is busy: the next round sees

    def start_containerd(self, node):
        self.start(f"{node.name}-containerd", configs.containerd(self.run, node))
        ctr = ["ctr", "-a", str(node.socket), "-n", "k8s.io"]
        self.wait_until("containerd", lambda: subprocess.run([*ctr, "version"], capture_output=True).returncode == 0, 120)
        subprocess.run([*ctr, "images", "import", str(self.run / "pause.tar")], check=True, capture_output=True)

    # ---- the whole ----
    def network(self):
        def ip(*arguments):
            subprocess.run(["ip", *arguments], check=True)
        ip("link", "set", "lo", "up")
        ip("link", "add", "cni0", "type", "bridge")
        ip("address", "add", f"{configs.BRIDGE}/16", "dev", "cni0")
        ip("address", "add", "169.254.169.254/32", "dev", "cni0")
        ip("link", "set", "cni0", "up")
        Path("/proc/sys/net/ipv4/ip_forward").write_text("1")

    def private_directories(self):
        """What programs insist on writing outside the run directory stays in these namespaces."""
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
        for target, source in (("/var/log", "var-log"), ("/var/lib/kubelet", "var-lib-kubelet")):
            if not Path(target).exists():
                Path(target).mkdir(parents=True)
            (self.run / source).mkdir(exist_ok=True)
            subprocess.run(["mount", "--bind", str(self.run / source), target], check=True)

    def bring_up(self):
        # A mount below a shared or slave mount would be seen by nobody else; kubelets need shared ones here.
        subprocess.run(["mount", "--make-rshared", "/"], check=True)
        self.private_directories()
        self.network()
        (self.run / "resolv.conf").write_text(f"nameserver {configs.BRIDGE}\n")
        parts = configs.control_plane(self.run, self.nodes[0].name if self.nodes else "")
        self.start("etcd", parts.pop("etcd"))
        for node in self.nodes:
            self.start_containerd(node)
        self.wait_until("etcd", lambda: self.answers("http://127.0.0.1:2379/health"), 120)
        self.start("kube-apiserver", parts.pop("kube-apiserver"))
        self.wait_until("kube-apiserver", lambda: self.exists("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/system:kube-scheduler"), 120)
        if self.nodes:
            self.bring_up_rest(parts)

    def bring_up_rest(self, parts):
        """What acts on objects: controllers, scheduler, kubelets."""
        for name, command in parts.items():
            self.start(name, command)
        threads = [threading.Thread(target=self.start_kubelet, args=(node,)) for node in self.nodes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for node in self.nodes:
            if not self.node_ready(node):
                raise SystemExit(f"node {node.name} is not ready: see {self.run}/log/{node.name}-kubelet.log")
        self.wait_until("kube-controller-manager",
                        lambda: self.exists("/api/v1/namespaces/default/serviceaccounts/default"), 120)
        threading.Thread(target=self.keep_devices, daemon=True).start()
        self.wait_until("kube-proxy", lambda: self.answers("http://127.0.0.1:10256/healthz"), 120)
        self.wait_until("CoreDNS", lambda: self.answers("http://127.0.0.1:8181/ready"), 120)

    def obey(self, line):
        verb, name, *reserve = line.split()
        node = next((n for n in self.nodes if n.name == name), None)
        if node is None:
            return f"error: no node {name}"
        if verb == "stop":
            self.stop(f"{name}-kubelet")
        elif verb == "start":
            self.start_kubelet(node, *reserve)
        else:
            return f"error: unknown verb {verb}"
        return "ok"

    def serve(self):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.run / "control.new"))
        listener.listen()
        os.rename(self.run / "control.new", self.run / "control")
        while True:
            connection, _ = listener.accept()
            with connection:
                line = connection.makefile("r").readline().strip()
                try:
                    answer = self.obey(line)
                except (SystemExit, OSError) as problem:
                    answer = f"error: {problem}"
                connection.sendall((answer + "\n").encode())


def reap_orphans(supervisor):
    """Pods' processes that lose their parent come to us. Our own children are left to their Popen objects."""
    while True:
        time.sleep(1)
        with supervisor.lock:
            own = {p.pid for p in supervisor.processes.values()}
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) in own:
                continue
            try:
                fields = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
                if fields[0] == "Z" and fields[1] == "1":
                    os.waitpid(int(entry), os.WNOHANG)
            except (OSError, ChildProcessError):
                pass


def main():
    run, nodes = Path(sys.argv[1]), [name for name in sys.argv[2].split(",") if name]
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    supervisor = Supervisor(run, nodes)
    threading.Thread(target=reap_orphans, args=(supervisor,), daemon=True).start()
    supervisor.bring_up()
    supervisor.serve()


main()

"""An operator that has somebody to tell, of every kind."""
import errno
import json
import random
import socket

from kit.proxy import Proxy
from kit.cloud import NODE, PROJECT, RunningCloud
from kit.cluster import run, wait_for
from kit.operator_process import make_operator
from kit.receiver import Receiver

SOURCE = "//tests.example/clusters/integration"
TOPIC = f"projects/{PROJECT}/topics/jobs"
NOWHERE = "https://receiver.silent.example/events"


def silent_resolver():
    """A socket that is asked for names and never read, at a loopback address that nobody else's has."""
    resolver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    while True:
        try:
            resolver.bind((f"127.{random.randrange(1, 255)}.{random.randrange(256)}.{random.randrange(1, 255)}", 53))
            return resolver
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise


class Office:
    """An operator with targets of every kind, behind a proxy of its own."""

    def __init__(self, site, directory):
        self.site, self.directory = site, directory
        self.api, self.proxy = site.cluster.api, Proxy(site.cluster.api)
        self.good = Receiver(directory / "good")
        self.hanging = Receiver(directory / "hanging", answer="hang")
        self.trap = Receiver(directory / "trap")  # stands where a redirect leads
        self.redirecting = Receiver(directory / "redirecting", answer=307, headers={"Location": self.trap.url})
        own_address = next(a for a in run("hostname", "-I").stdout.split() if ":" not in a)
        self.inside = Receiver(directory / "inside", host=own_address)
        self.cloud = RunningCloud(directory / "cloud", "--default-account", NODE)
        self.cloud.state.mkdir()
        self.cloud.start()
        self.cloud.api.create_topic(TOPIC)
        self.resolver = silent_resolver()
        (directory / "authorization").write_text("Bearer a-secret-of-the-receiver\n")
        self.targets = {
            "good": self.good.target(authorizationFile=str(directory / "authorization")),
            "hanging": self.hanging.target(),
            "silent": {"webhook": {"url": NOWHERE}},
            "redirecting": self.redirecting.target(),
            "metadata": {"webhook": {"url": "https://169.254.169.254/computeMetadata/v1/"}},
            "inside": self.inside.target(),
            "topic": {"pubsub": {"topic": TOPIC}},
        }
        self.refused = f"{own_address}/32"
        self.define(self.targets)
        self.operator = make_operator(directory / "operator", self.proxy, site.image,
                                      f"--notifications-file={directory}/targets.json", "--notifications-to-loopback",
                                      f"--metadata-endpoint=http://{self.cloud.metadata}",
                                      f"--pubsub-endpoint={self.cloud.url}",
                                      f"--ca-bundle-file={self.cloud.state}/ca.pem")
        self.operator.command = self._with_resolver(self.operator.command)

    def _with_resolver(self, command):
        """In a mount namespace of its own, where all names are asked of somebody who is silent."""
        resolv = self.directory / "resolv.conf"
        resolv.write_text(f"nameserver {self.resolver.getsockname()[0]}\noptions timeout:30 attempts:5\n")
        script = f'mount --make-rprivate / && mount --bind {resolv} /etc/resolv.conf && exec "$@"'
        return ["unshare", "--mount", "sh", "-c", script, "sh", *command]

    def define(self, targets):
        (self.directory / "targets.json").write_text(json.dumps(
            {"source": SOURCE, "clusterRanges": [self.refused], "targets": targets}))

    def restart(self):
        self.operator.stop()
        self.operator.start()

    def close(self):
        self.operator.stop()
        self.proxy.close()
        self.cloud.stop()
        self.resolver.close()
        for receiver in (self.good, self.hanging, self.trap, self.redirecting, self.inside):
            receiver.close()

    def sent(self, target, result):
        """How often, by the operator's metrics."""
        return self.operator.metric("cloister_notifications_total", target=target, result=result)

    # ---- jobs ----
    def submit(self, name, namespace, targets, restarts=0, annotations=None):
        job = self.site.job(name, namespace, replicas=1, restarts=restarts)
        job["metadata"]["annotations"] = annotations or {}
        if targets:
            job["spec"]["notifications"] = targets
        status, answer = self.api.create(job)
        assert status == 201, answer
        return answer

    def status(self, name, namespace):
        return self.api.job(name, namespace).get("status", {})

    def pending(self, name, namespace):
        """{type: targets} of what is owed."""
        pending = self.status(name, namespace).get("notifications", {}).get("pending", [])
        return {p["type"]: p["targets"] for p in pending}

    def events(self, name, namespace):
        """(reason, note) of the Kubernetes events about the job."""
        return [(e["reason"], e["note"]) for e in self._events(name, namespace)]

    def _events(self, name, namespace):
        return [e for e in self.site.cluster.list("events.events.k8s.io", namespace) if e["regarding"]["name"] == name]

    def failing(self, name, namespace):
        """{what of the job is meant: event} of the targets that do not take what they are told."""
        events = [e for e in self._events(name, namespace) if e["reason"] == "NotificationFailed"]
        failing = {e["regarding"].get("fieldPath"): e for e in events}
        assert len(failing) == len(events), "one event for each"
        return failing

    def wait_for_event(self, name, namespace, reason, words):
        return wait_for(f"an event {reason} of {name} that says {words!r}",
                        lambda: any(r == reason and words in note for r, note in self.events(name, namespace)))

    def first_write(self, name, namespace):
        """The operator's first request about a job, or None."""
        path = f"/namespaces/{namespace}/trainingjobs/{name}/status"
        return next((r for r, _ in list(self.proxy.requests) if r.method == "PUT" and r.path.endswith(path)), None)

    def wait_for_end(self, name, namespace):
        return wait_for(f"{name} to have failed", lambda: (s := self.status(name, namespace)).get("phase") == "Failed" and s)

"""Every request that the operator makes, met by every fault: it comes to the same end.

The rows are the rules of the operator's role, of which tests/e2e/test_role.py shows that they are exactly its requests. For
each fault an operator of its own runs a job through all that a job can meet without a kubelet, and the first request of
each row meets the fault. Stalls that last as long as a time limit are not here.
"""
import collections
import json
import re
import shutil
import ssl
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml

from cloud.tls import server_context
from kit.proxy import DROP_REPLY, DROP_REQUEST, PROTOBUF, Proxy
from kit.api import complaint
from kit.chart import helm_template
from kit.cluster import free_port, wait_for
from kit.operator_process import make_operator
from kit.site import make_namespaces

AT_ONCE = 14
LEASE_RETRY_SECONDS = 2
ADMISSION_ONLY = ("cloister.dev", "trainingjobs/finalizers", "update")


def http(status, content_type, body):
    return f"HTTP/1.1 {status} OK\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


# Not carried out, but for the first three of these.
FAULTS = {
    "the reply is lost": DROP_REPLY,
    "half of the reply": ("cut", 0.5),
    "a slow reply": ("delay", 2),
    "closed before": DROP_REQUEST,
    "no HTTP": ("raw", b"\x00\xff\x16\x03garbage\r\n" * 8),
    "no JSON": ("raw", http(200, "application/json", b"\x00{[}")),
    "no protobuf": ("raw", http(200, PROTOBUF, b"k8s\x00\x12\xff\xff\x01\x12\x02\x08\xff")),
    "an HTML page": ("raw", http(200, "text/html", b"<html><title>Sign in</title></html>")),
    "another kind": ("raw", http(200, "application/json", b'{"kind":"Pizza","apiVersion":"v1","metadata":{}}')),
    "no body": ("raw", http(200, "application/json", b"")),
    "a body that is too large": ("raw", http(200, "application/json", b'{"a":"' + b"a" * (9 << 20) + b'"}')),
    **{str(status): ("answer", status, {}, reason) for status, reason in {
        400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict", 410: "Expired",
        413: "RequestEntityTooLarge", 415: "UnsupportedMediaType", 422: "Invalid", 429: "TooManyRequests",
        500: "InternalError", 503: "ServiceUnavailable", 504: "Timeout"}.items()},
    "429 with Retry-After": ("answer", 429, {"Retry-After": "2"}, "TooManyRequests"),
}
IN_STREAM = {"410 in the stream": ("error event", 410, "Expired"), "500 in the stream": ("error event", 500, "InternalError")}


def rows(env):
    """(group, resource, verb) of every right of the operator."""
    found = set()
    for o in yaml.safe_load_all(helm_template({}, env).stdout):
        if o and o["kind"] in ("ClusterRole", "Role") and o["metadata"]["name"] == "cloister-operator":
            found |= {(g, r, v) for rule in o["rules"] for g in rule["apiGroups"] for r in rule["resources"] for v in rule["verbs"]}
    return found - {ADMISSION_ONLY}


def row_of(request):
    """The right that the API server asks for."""
    path, _, query = request.path.partition("?")
    found = re.match(r"/(?:api|apis/([^/]+))/v\w+(?:/namespaces/[^/]+(?=/))?/([^/]+)(?:/([^/]+))?(?:/([^/]+))?$", path)
    group, resource, name, sub = found.groups()
    verb = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}.get(request.method)
    if verb is None:
        verb = "watch" if "watch=1" in query else "get" if name else "list"
    return group or "", resource + (f"/{sub}" if sub else ""), verb


class Run:
    """One operator in one namespace; the first request of each row meets `what`."""

    def __init__(self, site, index, directory, what, row_filter=lambda row: True):
        self.site, self.namespace, self.what, self.row_filter = site, f"matrix-{index}", what, row_filter
        self.met, self.lock, self.problem = {}, threading.Lock(), None
        self.api, self.proxy = site.cluster.api, Proxy(site.cluster.api)
        self.proxy.faults.append(self.fault)
        keys = directory / "keys"
        keys.mkdir(parents=True)
        server_context(keys, ["127.0.0.1"])
        address = f"127.0.0.1:{free_port()}"
        self.report_url, self.ca = f"https://{address}/v1/report", keys / "ca.pem"
        self.operator = make_operator(
            directory / "operator", self.proxy, site.image, f"--namespace={self.namespace}", "--leader-elect",
            f"--leader-elect-resource-namespace={self.namespace}", f"--report-address={address}", f"--report-url=https://{address}",
            f"--report-cert={keys}/server.pem", f"--report-key={keys}/server-key.pem", f"--report-ca={keys}/ca.pem")

    def fault(self, request):
        row = row_of(request)
        with self.lock:
            if self.what is None or row in self.met or not self.row_filter(row):
                return None
            self.met[row] = request
        return self.what

    def most(self, row, calm):
        """How many requests of a row there may be: one more try for each failure, and what is said about it in status."""
        if row == ("coordination.k8s.io", "leases", "update"):
            return self.seconds / LEASE_RETRY_SECONDS + 3
        # A write whose answer does not say what became of it is followed by a list.
        more = {"list": 10, "watch": 10, "update": 12}.get(row[2], 4)
        return calm.counts[row] + more

    def go(self):
        begun = time.monotonic()
        try:
            self.operator.start(wait=False)
            self.end = self.live()
            self.exit_code = self.operator.terminate()
        except Exception as problem:  # told by the test of this fault
            self.problem = f"{problem}\n{json.dumps(self.job(), indent=1)}\n{self.operator.log()[-6000:]}"
        finally:
            self.operator.stop()
            self.proxy.close()
        self.seconds = time.monotonic() - begun
        self.counts = collections.Counter(row_of(request) for request, _ in self.proxy.requests)
        return self

    # ---- what happens to the job ----
    def job(self):
        return self.api.job("job", self.namespace)

    def items(self, path):
        return self.api.items(path.format(self.namespace))

    def pods(self):
        return self.items("/api/v1/namespaces/{}/pods")

    def edit(self, **spec):
        status, answer = self.api.patch("job", self.namespace, {"spec": spec})
        assert status == 200, complaint(answer)

    def wait_for_worker(self):
        wait_for("the scheduler's word on the worker", lambda: len(self.pods()) == 1 and
                 self.job()["status"].get("reason") == "Unschedulable", 150)
        return self.pods()[0]

    def live(self):
        spec = self.site.job("job", self.namespace, replicas=1)["spec"]
        spec["scheduling"] = {"nodeSelector": {"none": "such"}}
        # No Kueue runs here, so nothing holds the worker back; but its group is begun and ended.
        metadata = {"name": "job", "namespace": self.namespace, "labels": {"kueue.x-k8s.io/queue-name": "queue"}}
        status, answer = self.api.create({**self.site.job("job", self.namespace), "metadata": metadata, "spec": spec})
        assert status == 201, complaint(answer)
        self.report(self.wait_for_worker())
        for _ in range(2):
            self.edit(suspend=True)
            wait_for("the worker to be gone", lambda: not self.pods() and self.job()["status"]["phase"] == "Suspended", 150)
            self.edit(suspend=False)
            self.wait_for_worker()
        self.edit(activeDeadlineSeconds=1, ttlSecondsAfterFinished=0)
        wait_for("nothing to be left", lambda: self.job()["status"]["phase"] == "Failed" and not self.left(), 150)
        return self.final()

    def left(self):
        return [i["metadata"]["name"] for kind in ("/api/v1/namespaces/{}/pods", "/api/v1/namespaces/{}/services",
                                                   "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies")
                for i in self.items(kind)]

    def final(self):
        status = self.job()["status"]
        return {**{k: status[k] for k in ("phase", "reason", "attempt", "restarts", "disruptions", "message")},
                "conditions": [(c["type"], c["status"], c["reason"]) for c in status["conditions"]],
                "failures": [(f["attempt"], f["class"], f["reason"]) for f in status.get("failures", [])]}

    # ---- what an agent does ----
    def token(self, pod):
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {
            "audiences": ["cloister.dev/reports"], "boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": pod["metadata"]["name"],
                                                                      "uid": pod["metadata"]["uid"]}}}
        status, answer = self.api.request("POST", f"/api/v1/namespaces/{self.namespace}/serviceaccounts/default/token", body)
        assert status == 201, complaint(answer)
        return answer["status"]["token"]

    def report(self, pod):
        body = json.dumps({"version": 1, "attempt": 1, "index": 0, "podUID": pod["metadata"]["uid"], "result": "Running",
                           "stage": "running"}).encode()
        headers, context = {"Authorization": f"Bearer {self.token(pod)}"}, ssl.create_default_context(cafile=self.ca)

        def is_taken():
            try:
                with urllib.request.urlopen(urllib.request.Request(self.report_url, body, headers, method="POST"),
                                            context=context, timeout=70) as answer:
                    return answer.status == 200
            except urllib.error.HTTPError:
                return False
        wait_for("the report to be taken", is_taken, 150, 1)


@pytest.fixture(scope="module")
def runs(site, tmp_path_factory):
    """{fault: Run}, and under None the run without faults."""
    site.operator.stop()
    directory = tmp_path_factory.mktemp("matrix")
    faults = {None: None, **FAULTS, **IN_STREAM}
    runs = {fault: Run(site, i, directory / str(i), what, (lambda row: row[2] == "watch") if fault in IN_STREAM else lambda row: True)
            for i, (fault, what) in enumerate(faults.items())}
    make_namespaces(site.cluster, *(run.namespace for run in runs.values()))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(Run.go, runs.values()))
    yield runs
    site.cluster.kubectl("delete", "namespace", "--wait=false", *(run.namespace for run in runs.values()))
    shutil.rmtree(directory, ignore_errors=True)


def test_without_faults_every_row_is_used(site, runs):
    calm = runs[None]
    assert calm.problem is None, calm.problem
    assert calm.exit_code == 0
    assert set(calm.counts) == rows(site.cluster.env)
    assert (calm.end["phase"], calm.end["reason"], calm.end["attempt"]) == ("Failed", "DeadlineExceeded", 3)


@pytest.mark.parametrize("fault", [*FAULTS, *IN_STREAM])
def test_comes_to_the_same_end(site, runs, fault):
    run, calm = runs[fault], runs[None]
    assert run.problem is None, run.problem
    assert run.exit_code == 0
    expected = {row for row in rows(site.cluster.env) if fault in FAULTS or row[2] == "watch"}
    assert set(run.met) == expected, "cells are missing"
    assert run.end == calm.end
    assert {row: n for row, n in run.counts.items() if n > run.most(row, calm)} == {}


def test_there_are_as_many_cells_as_there_must_be(site, runs):
    cells = sum(len(run.met) for run in runs.values())
    for row in sorted(runs[None].counts):
        print(f"{' '.join(row):55} without faults {runs[None].counts[row]:3}, at most {max(r.counts[row] for r in runs.values()):3}")
    print(f"{cells} cells, {max(run.seconds for run in runs.values()):.0f} s the longest run")
    assert cells >= 300

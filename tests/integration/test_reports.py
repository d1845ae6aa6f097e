"""Reports of agents on a real API server: whose tokens are believed, what becomes of reports, and that they are only advice.

The workers wait for a node that never comes, so they do nothing by themselves; the tests post in their place, with the
tokens that a kubelet would have put into them.
"""
import base64
import datetime
import http.client
import json
import os
import shutil
import socket
import ssl
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from cryptography import x509

from cloud.tls import server_context
from kit.chart import rendered
from kit.cluster import free_port, wait_for
from kit.operator_process import Operator

AUDIENCE = "cloister.dev/reports"
# So long a status that only tells how far a job is may wait after another one.
STATUS_PAUSE_SECONDS = 2
# So long a connection may take for its request.
REQUEST_SECONDS = 30


@pytest.fixture(scope="module")
def reporting(site, tmp_path_factory):
    """An operator that takes reports; the session's own one rests meanwhile."""
    keys = tmp_path_factory.mktemp("reports")
    server_context(keys, ["127.0.0.1"])
    address = f"127.0.0.1:{free_port()}"
    site.operator.stop()
    site.proxy.reset()
    operator = Operator(site.operator.log_path.with_name("kubeconfig"), site.image, f"--report-address={address}", f"--report-url=https://{address}",
                        f"--report-cert={keys}/server.pem", f"--report-key={keys}/server-key.pem", f"--report-ca={keys}/ca.pem")
    operator.start()
    yield SimpleNamespace(site=site, cluster=site.cluster, operator=operator, keys=keys, url=f"https://{address}/v1/report")
    operator.stop()


@pytest.fixture
def job(reporting, request):
    """A namespace with a job whose two workers wait."""
    namespace = request.node.name.removeprefix("test_").replace("_", "-")[:50].strip("-")
    site = reporting.site
    site.proxy.reset()
    if not reporting.operator.is_running():
        reporting.operator.stop()
        reporting.operator.start()
    site.cluster.apply({"apiVersion": "v1", "kind": "Namespace",
                        "metadata": {"name": namespace, "labels": {"cloister.dev/confidential": "true"}}})
    wait_for("the service account", lambda: site.cluster.get("serviceaccount", "default", namespace), 30)
    site.create(site.job("job", namespace, technology="TDX"))
    # Until the status says all that it will, also the scheduler's word: it may come a while after the pods.
    wait_for("the workers to wait", lambda: (s := site.status("job", namespace)).get("reason") == "WaitingForConfidentialNodes" and
             s["workers"]["active"] == 2, 30)
    yield namespace
    site.proxy.reset()
    site.cluster.kubectl("delete", "namespace", namespace, "--wait=false")
    assert reporting.operator.is_running(), "the operator ended by itself"


def pod(r, job, index=0):
    return r.cluster.get("pod", f"job-worker-{index}-1", job)


def token(r, one, audience=AUDIENCE, bound=True):
    meta = one["metadata"]
    to_pod = ["--bound-object-kind=Pod", f"--bound-object-name={meta['name']}", f"--bound-object-uid={meta['uid']}"] if bound else []
    return r.cluster.kubectl("create", "token", "default", "-n", meta["namespace"], f"--audience={audience}", *to_pod).stdout.strip()


def report(one, **more):
    labels = one["metadata"]["labels"]
    return {"version": 1, "attempt": int(labels["cloister.dev/attempt"]), "index": int(labels["cloister.dev/index"]),
            "podUID": one["metadata"]["uid"], "result": "Running", "stage": "running", **more}


def post(r, body, bearer, ca=None):
    """Status, message and headers of the answer."""
    context = ssl.create_default_context(cafile=ca or r.keys / "ca.pem")
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(r.url, data, headers, method="POST"), context=context, timeout=20) as a:
            return a.status, json.load(a)["message"], a.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), error.headers


def announce(r, length, bearer):
    """The status that is answered to the head of a request alone: to whom may not send that much, before it is sent."""
    url = urllib.parse.urlsplit(r.url)
    context = ssl.create_default_context(cafile=r.keys / "ca.pem")
    connection = http.client.HTTPSConnection(url.hostname, url.port, context=context, timeout=20)
    try:
        connection.putrequest("POST", url.path)
        connection.putheader("Authorization", f"Bearer {bearer}")
        connection.putheader("Content-Length", str(length))
        connection.endheaders()
        return connection.getresponse().status
    finally:
        connection.close()


def progress(percent, **more):
    return {"progress": {"progressPercentage": percent, **more}}


def status(r, job):
    return r.site.status("job", job)


def test_progress_and_checkpoints_show_in_status_columns_and_events(reporting, job):
    r, one = reporting, pod(reporting, job)
    bearer = token(r, one)
    checkpoint = {"uri": "gs://b/ckpt/1/id/manifest", "name": "epoch-5", "step": 5, "time": "2026-01-01T00:00:00Z", "manifestSHA256": "0" * 64,
                  "sequence": 3}
    assert post(r, report(one, checkpoint=checkpoint, **progress(40, estimatedRemainingSeconds=9, metrics=[{"name": "loss", "value": "0.3"}])),
                bearer)[0] == 200
    s = wait_for("progress", lambda: "progress" in (s := status(r, job)) and s, 10)
    assert s["progress"].items() >= {"progressPercentage": 40, "estimatedRemainingSeconds": 9, "metrics": [{"name": "loss", "value": "0.3"}]}.items()
    assert s["checkpoint"] == {"uri": checkpoint["uri"], "latest": "epoch-5", "step": 5, "time": checkpoint["time"], "manifestSHA256": "0" * 64,
                               "attempt": 1, "sequence": 3}
    columns = r.cluster.kubectl("get", "tjob", "job", "-n", job).stdout.splitlines()
    assert columns[0].split()[:3] == ["NAME", "STATUS", "PROGRESS"] and columns[1].split()[2] == "40"
    notes = wait_for("the event", lambda: [e["message"] for e in r.cluster.list("events", job) if e["reason"] == "CheckpointCommitted"])
    assert "epoch-5" in notes[0] and checkpoint["uri"] in notes[0]


def test_a_report_at_each_step_writes_the_status_every_ten_seconds(reporting, job):
    r, one = reporting, pod(reporting, job)
    bearer = token(r, one)
    writes = []

    def count(request):
        if request.method == "PUT" and f"/namespaces/{job}/" in request.path:
            writes.append(json.loads(request.body)["status"].get("progress", {}).get("progressPercentage"))
        return None
    time.sleep(STATUS_PAUSE_SECONDS)
    r.site.proxy.faults.append(count)
    began = time.monotonic()
    for percent in range(1, 61):
        assert post(r, report(one, **progress(percent)), bearer)[0] == 200
        time.sleep(max(0, began + percent * 0.2 - time.monotonic()))
    took = time.monotonic() - began
    wait_for("the last one", lambda: status(r, job)["progress"]["progressPercentage"] == 60, 20)
    assert len(writes) <= 2 + took / 10, writes
    assert writes[0] <= 10 and writes[-1] == 60, "the first at once"


def test_forged_reports_are_refused_and_change_nothing(reporting, job):
    r, one, other = reporting, pod(reporting, job), pod(reporting, job, 1)
    good, forged = report(one), report(one, **progress(99))
    before = r.cluster.get("tjob", "job", job)["metadata"]["resourceVersion"]
    assert post(r, forged, "")[0] == 401
    assert post(r, forged, "not-a-token")[0] == 403
    assert post(r, forged, token(r, one, audience="https://kubernetes.default.svc.cluster.local"))[0] == 403
    assert post(r, forged, token(r, one, bound=False))[0] == 403, "a token of the account alone"
    assert post(r, forged, token(r, other))[0] == 400, "another worker's token"
    bearer = token(r, one)
    assert post(r, {**forged, "attempt": 2}, bearer)[0] == 400, "another attempt"
    assert post(r, {**forged, "index": 1}, bearer)[0] == 400
    assert post(r, b"{", bearer)[0] == 400
    assert post(r, b"[]", bearer)[0] == 400
    assert announce(r, 64 * 1024 + 1, bearer) == 413
    # A pod that belongs to nobody, with its own good token.
    r.cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "spy", "namespace": job, "labels": one["metadata"]["labels"]},
                     "spec": {"schedulerName": "nobody", "containers": [{"name": "c", "image": r.site.image}]}})
    spy = r.cluster.get("pod", "spy", job)
    assert post(r, report(spy, **progress(98)), token(r, spy))[0] == 410
    assert post(r, {**forged, "podUID": spy["metadata"]["uid"]}, token(r, spy))[0] == 410
    assert r.cluster.get("tjob", "job", job)["metadata"]["resourceVersion"] == before
    assert post(r, good, bearer)[0] == 200, "the twin that is taken"


def test_reports_of_a_job_that_holds_a_nul_are_taken(reporting, job):
    r, worker = reporting, pod(reporting, job)
    r.cluster.kubectl("patch", "tjob", "job", "-n", job, "--type=merge", "-p", '{"metadata":{"annotations":{"note":"a\\u0000b"}}}')
    status, message, _ = post(r, report(worker), token(r, worker))
    assert status == 200, message


def test_the_token_of_a_deleted_worker_is_refused(reporting, job):
    r, one = reporting, pod(reporting, job)
    bearer = token(r, one)
    assert post(r, report(one), bearer)[0] == 200
    r.cluster.kubectl("delete", "pod", one["metadata"]["name"], "-n", job, "--grace-period=0", "--force")
    wait_for("the next attempt", lambda: status(r, job)["attempt"] == 2, 30)
    assert post(r, report(one, **progress(99)), bearer)[0] == 410
    assert "progress" not in status(r, job)


def test_success_in_a_report_completes_nothing_and_tampering_ends_the_attempt(reporting, job):
    r, one = reporting, pod(reporting, job)
    bearer = token(r, one)
    for percent, end in enumerate((
            {"result": "Succeeded", "stage": "done", "exitCode": 0},
            {"result": "Failed", "reason": "CommandFailed", "message": "m", "class": "Application"}), 1):
        assert post(r, report(one, **end, **progress(percent)), bearer)[0] == 200
        wait_for("the report to show", lambda percent=percent: status(r, job).get("progress", {}).get("progressPercentage") == percent, 30)
        assert status(r, job)["phase"] == "Pending" and "failures" not in status(r, job)
    assert post(r, report(one, result="Failed", reason="DataTampered", message="It was changed.", **{"class": "Security"}), bearer)[0] == 200
    s = r.site.wait_for_phase("job", job, "Failed", 20)
    assert s["reason"] == "DataTampered" and [f["class"] for f in s["failures"]] == ["Security"]


def test_is_asked_to_come_again_while_the_api_server_cannot_be_asked(reporting, job):
    r, one = reporting, pod(reporting, job)
    bearer = token(r, one)
    r.site.proxy.faults.append(lambda request: ("answer", 500, {}, "InternalError") if "/tokenreviews" in request.path else None)
    code, _, headers = post(r, report(one), bearer)
    assert code == 503 and int(headers["Retry-After"]) > 0
    assert r.operator.health("readyz") == 200
    r.site.proxy.reset()
    assert post(r, report(one), bearer)[0] == 200


def test_a_token_is_looked_at_once_for_many_reports(reporting, job):
    r, one = reporting, pod(reporting, job)
    bearer, asked = token(r, one), []
    r.site.proxy.faults.append(lambda request: asked.append(request.path) if "/tokenreviews" in request.path else None)
    for percent in range(10):
        assert post(r, report(one, **progress(percent)), bearer)[0] == 200
    assert len(asked) == 1


def test_progress_outlives_the_operator_that_took_it(reporting, job):
    r, one = reporting, pod(reporting, job)
    bearer = token(r, one)
    post(r, report(one, **progress(40)), bearer)
    wait_for("progress", lambda: status(r, job).get("progress"), 10)
    r.operator.kill()
    r.operator.stop()
    r.operator.start()
    r.cluster.kubectl("patch", "tjob", "job", "-n", job, "--type=merge", "-p", '{"spec":{"activeDeadlineSeconds":5000}}')
    after = wait_for("a status of the new one", lambda: (s := status(r, job))["observedGeneration"] == 2 and s, 30)
    assert after["progress"]["progressPercentage"] == 40
    assert post(r, report(one, **progress(50)), bearer)[0] == 200
    wait_for("news", lambda: status(r, job)["progress"]["progressPercentage"] == 50, 30)


def plan_of(one):
    return json.loads(next(e["value"] for e in one["spec"]["initContainers"][1]["env"] if e["name"] == "CLOISTER_ASSIGNMENT"))


def test_a_new_key_pair_is_used_without_a_restart_and_told_to_new_workers(reporting, job, tmp_path):
    r, one = reporting, pod(reporting, job)
    old_ca = tmp_path / "old.pem"
    shutil.copy(r.keys / "ca.pem", old_ca)
    assert plan_of(one)["reports"] == {"url": r.url.removesuffix("/v1/report"), "ca": old_ca.read_text()}
    bearer = token(r, one)
    (r.keys / "ca.pem").write_text("")  # as an issuer without a CA of its own leaves it
    wait_for("a word about it", lambda: "contains no PEM certificate" in r.operator.log(), 30)
    assert post(r, report(one), bearer, ca=old_ca)[0] == 200
    for name in ("ca-key.pem", "ca.pem"):
        (r.keys / name).unlink()
    server_context(r.keys, ["127.0.0.1"])

    def has_changed():
        try:
            return post(r, report(one), bearer)[0] == 200
        except urllib.error.URLError:
            return False
    wait_for("the new certificate", has_changed, 30)
    with pytest.raises(urllib.error.URLError):
        post(r, report(one), bearer, ca=old_ca)
    r.cluster.kubectl("delete", "pod", one["metadata"]["name"], "-n", job, "--grace-period=0", "--force")
    after = wait_for("the next attempt", lambda: r.cluster.get("pod", "job-worker-0-2", job), 30)
    assert plan_of(after)["reports"]["ca"] == (r.keys / "ca.pem").read_text() != old_ca.read_text()


def test_a_worker_of_an_attempt_that_is_over_is_refused(reporting, job):
    r = reporting
    r.site.create(r.site.job("short", job))  # its workers have no agent and end at once
    wait_for("the end", lambda: r.site.status("short", job).get("phase") == "Failed", 90)
    # A worker that was stopped before it ran leaves no pod, and may still be going.
    first, second = (next(p for p in r.cluster.list("pods", job, f"cloister.dev/job-name=short,cloister.dev/attempt={attempt}")
                          if "deletionTimestamp" not in p["metadata"]) for attempt in (1, 2))
    code, message, _ = post(r, report(first, **progress(99)), token(r, first))
    assert code == 410 and "belongs to attempt 1" in message
    assert post(r, report(second, **progress(99)), token(r, second))[0] == 200, "the twin of the last attempt"
    assert "progress" not in r.site.status("short", job), "and an ended job does not change any more"


def test_a_flood_of_forged_tokens_asks_the_api_server_little_at_a_time(reporting, job):
    r, one = reporting, pod(reporting, job)
    bearer, now, most, lock = token(r, one), [0], [0], threading.Lock()

    def slowly(request):
        if "/tokenreviews" in request.path and b"forged" in request.body:
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            time.sleep(0.2)
            with lock:
                now[0] -= 1
        return None
    r.site.proxy.faults.append(slowly)
    with ThreadPoolExecutor(60) as pool:
        codes = list(pool.map(lambda i: post(r, report(one, **progress(99)), f"forged-{i}")[0], range(300)))
    assert set(codes) <= {403, 503} and 403 in codes
    assert 0 < most[0] <= 16
    assert post(r, report(one), bearer)[0] == 200 and r.operator.health("healthz") == 200


def test_connections_that_say_nothing_do_not_keep_others_out(reporting, job):
    r, one = reporting, pod(reporting, job)
    bearer = token(r, one)
    host, port = r.url.removeprefix("https://").split("/")[0].split(":")
    begun = time.monotonic()
    silent = [socket.create_connection((host, int(port))) for _ in range(300)]
    try:
        def files():
            return len(os.listdir(f"/proc/{r.operator.process.pid}/fd"))
        wait_for("it to have let in as many as it does", lambda: files() > 256, 20)
        assert files() < 320
        assert post(r, report(one), bearer)[0] == 200
        assert time.monotonic() - begun < REQUEST_SECONDS, "no other had its time yet"
    finally:
        for one in silent:
            one.close()


def test_a_standby_is_ready_and_asks_agents_to_come_again(reporting, job):
    r, one = reporting, pod(reporting, job)
    bearer = token(r, one)
    lease = ["--leader-elect", "--leader-elect-resource-namespace=default", "--leader-elect-lease-seconds=4",
             "--leader-elect-renew-seconds=3", "--leader-elect-retry-seconds=1"]
    r.operator.stop()
    options = [o for o in r.operator.command if o.startswith("--report-c") or o.startswith("--report-k")]
    kubeconfig, both = r.site.operator.log_path.with_name("kubeconfig"), []
    try:
        for _ in range(2):
            address = f"127.0.0.1:{free_port()}"
            both.append((Operator(kubeconfig, r.site.image, f"--report-address={address}", f"--report-url=https://{address}", *options, *lease),
                         SimpleNamespace(url=f"https://{address}/v1/report", keys=r.keys)))
            both[-1][0].start()
            if len(both) == 1:
                wait_for("it to lead", lambda: post(both[0][1], report(one), bearer)[0] == 200, 30)
        code, _, headers = post(both[1][1], report(one), bearer)
        assert code == 503 and int(headers["Retry-After"]) > 0 and both[1][0].health("readyz") == 200
        both[0][0].stop()
        wait_for("the other to lead", lambda: post(both[1][1], report(one, **progress(70)), bearer)[0] == 200, 30)
        wait_for("progress", lambda: status(r, job).get("progress", {}).get("progressPercentage") == 70, 20)
    finally:
        for operator, _ in both:
            operator.stop()
        r.operator.start()


def flags(objects):
    container = objects["Deployment", "cloister-operator"]["spec"]["template"]["spec"]["containers"][0]
    return dict(a.removeprefix("--").partition("=")[::2] for a in container["args"] if a.startswith("--report-"))


def mounted_secret(objects):
    return next(v["secret"]["secretName"] for v in objects["Deployment", "cloister-operator"]["spec"]["template"]["spec"]["volumes"] if v["name"] == "reports")


def test_the_charts_own_key_pair_is_for_the_service_that_agents_are_told(cluster):
    objects = rendered({}, cluster.env)
    secret = objects["Secret", "cloister-reports-tls"]
    assert secret["metadata"]["annotations"] == {"helm.sh/hook": "pre-install,pre-upgrade", "helm.sh/resource-policy": "keep"}
    assert mounted_secret(objects) == "cloister-reports-tls"
    ca, cert = (x509.load_pem_x509_certificate(base64.b64decode(secret["data"][k])) for k in ("ca.crt", "tls.crt"))
    cert.verify_directly_issued_by(ca)
    names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    assert flags(objects)["report-url"].removeprefix("https://") in names and ("Service", "cloister-reports") in objects
    assert cert.not_valid_after_utc - cert.not_valid_before_utc > datetime.timedelta(days=3600)


@pytest.mark.parametrize("values, secret", [({"existingSecret": "mine"}, "mine"),
                                            ({"certManager": {"issuerName": "ca", "issuerKind": "ClusterIssuer"}}, "cloister-reports-tls")])
def test_the_chart_makes_no_key_pair_where_there_is_one(cluster, values, secret):
    objects = rendered({"reports": values}, cluster.env)
    assert not [name for kind, name in objects if kind == "Secret"] and mounted_secret(objects) == secret
    certificates = [o for (kind, _), o in objects.items() if kind == "Certificate"]
    assert len(certificates) == ("certManager" in values)
    for certificate in certificates:
        assert certificate["spec"]["secretName"] == secret
        assert certificate["spec"]["issuerRef"] == {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": "ca"}
        assert flags(objects)["report-url"].removeprefix("https://") in certificate["spec"]["dnsNames"]


def test_the_chart_without_reports_has_nothing_of_them(cluster):
    objects = rendered({"reports": {"enabled": False}}, cluster.env)
    assert flags(objects) == {} and not [name for _, name in objects if "reports" in name]
    rules = objects["ClusterRole", "cloister-operator"]["rules"]
    assert not [r for r in rules if "tokenreviews" in r["resources"]]


def test_the_token_is_mounted_into_the_agent_alone(reporting, job):
    one = pod(reporting, job)
    volume = next(v for v in one["spec"]["volumes"] if "projected" in v)
    assert volume["projected"]["sources"] == [{"serviceAccountToken": {"audience": AUDIENCE, "expirationSeconds": 1800, "path": "token"}}]
    users = [c["name"] for c in one["spec"]["initContainers"] + one["spec"]["containers"]
             if any(m["name"] == volume["name"] for m in c["volumeMounts"])]
    assert users == ["cloister-agent"]

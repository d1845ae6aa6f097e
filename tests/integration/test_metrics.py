"""What the operator tells Prometheus, read by Prometheus' own parser."""
import collections
import re
import time
import urllib.error
import urllib.request

import pytest

from docs.generate import table
from kit.proxy import DROP_REPLY
from kit.cluster import wait_for
from kit.site import END, is_own_write, run_job


def rows():
    return {row[2]: (row[1], set(filter(None, row[3].split(",")))) for row in table("operator/shell/metrics/metrics.def", "METRIC_ROW")}


def difference(after, before):
    return {key: after[key] - before.get(key, 0) for key in after if after[key] != before.get(key, 0)}


def of(name, changes):
    return {labels: value for (n, labels), value in changes.items() if n == name}


def settled(site):
    """Waits until the caches have shown the last write and no pass is left."""
    wait_for("the queue to be empty", lambda: site.operator.metric("workqueue_depth", name="trainingjob",
                                                                   controller="trainingjob") == 0, 20)
    time.sleep(0.5)
    return site.operator.metrics()


def test_every_metric_is_in_the_table_and_has_its_labels(site, namespace):
    assert run_job(site, namespace) == END
    known, seen = rows(), set()
    for (name, labels) in site.operator.metrics():
        base = name if name in known else re.sub(r"_(bucket|sum|count)$", "", name)
        kind, names = known[base]
        assert {key for key, _ in labels} - {"le"} == names, name
        assert (kind == "COUNTER") == name.endswith("_total"), name
        assert not any(namespace in value or "job" == value for _, value in labels), "no end of labels"
        seen.add(base)
    # Here is no leader election and so no Lease to tell of, and nobody is notified.
    assert set(known) - seen == {"leader_election_master_status", "leader_election_slowpath_total", "cloister_notifications_total"}


def test_what_happens_to_a_job_is_counted_once(site, namespace):
    before = settled(site)
    assert run_job(site, namespace) == END
    changes = difference(settled(site), before)
    assert of("cloister_trainingjob_restarts_total", changes) == {(("class", "Internal"),): 1}
    assert of("cloister_trainingjob_finished_total", changes) == {
        (("reason", "RestartLimitExceeded"), ("result", "Failed")): 1}
    stages = of("cloister_trainingjob_stage_duration_seconds_count", changes)
    # Each stage that the job has left, as often as it did.
    assert stages[(("stage", "Pending"),)] == 1 and stages[(("stage", "Starting"),)] == 2, stages
    assert stages[(("stage", "Restarting"),)] >= 1 and (("stage", "Failed"),) not in stages
    seconds = of("cloister_trainingjob_stage_duration_seconds_sum", changes)
    assert 0 < seconds[(("stage", "Starting"),)] < 60
    # Jobs of other tests may be on their way out.
    wait_for("as many failed jobs as there are", lambda: site.operator.metric("cloister_trainingjobs", phase="Failed") == len(
        [j for j in site.cluster.list("tjob") if j["status"]["phase"] == "Failed"]))
    assert of("controller_runtime_reconcile_total", changes)[(("controller", "trainingjob"), ("result", "success"))] > 0
    assert not of("controller_runtime_reconcile_errors_total", changes)


def test_lost_answers_and_refused_writes_do_not_count_twice(site, namespace):
    before, lost = settled(site), set()

    def fault(request):
        key = (request.method, request.path, request.body)
        if not is_own_write(request) or key in lost:
            return None
        lost.add(key)
        return DROP_REPLY if len(lost) % 2 else ("answer", 500, {}, "InternalError")

    site.proxy.faults.append(fault)
    assert run_job(site, namespace) == END
    changes = difference(settled(site), before)
    assert of("cloister_trainingjob_restarts_total", changes) == {(("class", "Internal"),): 1}
    assert sum(of("cloister_trainingjob_finished_total", changes).values()) == 1
    assert of("controller_runtime_reconcile_errors_total", changes)[(("controller", "trainingjob"),)] > 0
    codes = collections.Counter()
    for labels, value in of("rest_client_requests_total", changes).items():
        codes[dict(labels)["code"]] += value
    assert codes["<error>"] > 0 and codes["500"] > 0 and codes["201"] > 0


def test_requests_are_counted_as_the_server_sees_them(site, namespace):
    site.operator.terminate()
    site.proxy.requests.clear()
    site.operator.start()
    assert run_job(site, namespace) == END
    writes = ("POST", "PUT", "DELETE")

    def counted():
        count = collections.Counter()
        for labels, value in of("rest_client_requests_total", site.operator.metrics()).items():
            assert dict(labels)["host"] == site.proxy.url.removeprefix("http://")
            count[dict(labels)["method"]] += value
        return [count[m] for m in writes]

    def sent():
        count = collections.Counter(r.method for r, _ in list(site.proxy.requests))
        return [count[m] for m in writes]
    # One that is on its way is counted with its answer.
    wait_for("all that were sent to be counted", lambda: counted() == sent(), 20)
    assert all(counted())


def test_other_paths_and_methods_are_refused(site, namespace):
    for request in (f"http://{site.operator.metrics_address}/",
                    urllib.request.Request(f"http://{site.operator.metrics_address}/metrics", method="POST", data=b"x")):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=5)
        assert refused.value.code in (404, 405, 501)


def test_the_log_level_changes_without_a_restart(site, namespace, tmp_path):
    """As with a ConfigMap that the kubelet swaps below its mount."""
    site.operator.stop()
    (tmp_path / "level").write_text("error\n")
    usual = site.operator.command
    site.operator.command = [*usual, f"--log-level-file={tmp_path}/level"]
    try:
        site.operator.start()
        begin = len(site.operator.log())
        assert run_job(site, namespace) == END
        assert '"severity":"INFO"' not in site.operator.log()[begin:]
        (tmp_path / "new").write_text("info\n")
        (tmp_path / "new").rename(tmp_path / "level")
        wait_for("the level to change", lambda: "changing the log level" in site.operator.log()[begin:], 10)
        site.create(site.job("other", namespace))
        wait_for("a line of that level", lambda: '"job":"other"' in site.operator.log()[begin:], 20)
        (tmp_path / "level").write_text("loud\n")
        wait_for("advice", lambda: '"found":"loud"' in site.operator.log()[begin:], 10)
        assert site.operator.is_running()
    finally:
        site.operator.command = usual
        site.operator.stop()
        site.operator.start()

"""Whatever happens to its requests, the operator comes to the same end."""
import json
import time

import pytest
from kit.proxy import DROP_REPLY, DROP_REQUEST
from kit.cluster import wait_for
from kit.site import END, is_own_write, run_job

def test_comes_to_an_end_without_faults(site, namespace):
    assert run_job(site, namespace) == END


def test_every_reply_to_a_first_write_is_lost(site, namespace):
    lost = set()

    def fault(request):
        key = (request.method, request.path, request.body)
        if not is_own_write(request) or key in lost:
            return None
        lost.add(key)
        return DROP_REPLY

    site.proxy.faults.append(fault)
    assert run_job(site, namespace) == END
    assert len(lost) > 6


def test_connections_close_before_every_second_write(site, namespace):
    seen = []

    def fault(request):
        if not is_own_write(request):
            return None
        seen.append(request)
        return DROP_REQUEST if len(seen) % 2 else None

    site.proxy.faults.append(fault)
    assert run_job(site, namespace) == END


def test_server_errors(site, namespace):
    met = site.proxy.once(is_own_write, ("answer", 500, {}, "InternalError"), times=4)
    assert run_job(site, namespace) == END
    assert len(met) == 4


def test_throttling_is_obeyed(site, namespace):
    def is_status(request):
        return is_own_write(request) and request.path.endswith("/status")

    met = site.proxy.once(is_status, ("answer", 429, {"Retry-After": "3"}, "TooManyRequests"))
    begun = time.monotonic()
    site.create(site.job("job", namespace))
    status = wait_for("the status to be taken", lambda: [w for w in site.proxy.accepted if w.endswith("/status")], 20)[0]
    assert time.monotonic() - begun >= 3
    # What was on its way beside it may have been taken before; nothing that follows from it.
    before = site.proxy.accepted[:site.proxy.accepted.index(status)]
    assert not [w for w in before if w.endswith("/pods")]
    assert met and site.end("job", namespace) == END


def test_a_status_conflict(site, namespace):
    met = site.proxy.once(lambda r: r.method == "PUT", ("answer", 409, {}, "Conflict"), times=3)
    assert run_job(site, namespace) == END
    assert len(met) == 3


def test_slow_answers(site, namespace):
    met = site.proxy.once(is_own_write, ("delay", 1.5), times=6)
    assert run_job(site, namespace) == END
    assert len(met) == 6


def test_a_refused_pod_is_said_and_tried_again(site, namespace):
    site.proxy.once(lambda r: r.method == "POST" and r.path.endswith("/pods"), ("answer", 403, {}, "Forbidden"), times=1000)
    site.create(site.job("job", namespace))
    said = wait_for("the refusal in status", lambda: (s := site.status("job", namespace)).get("reason") ==
                    "CreateRefused" and s["message"], 20)
    assert "injected: Forbidden" in said and "pod job-worker-" in said
    site.proxy.faults.clear()
    assert site.end("job", namespace) == END


def test_watches_expire(site, namespace):
    """410 as an ERROR event and as a status: the operator lists again and misses nothing."""
    in_stream = site.proxy.once(lambda r: r.is_watch, ("error event", 410, "Expired"), times=5)
    at_once = site.proxy.once(lambda r: r.is_watch, ("answer", 410, {}, "Expired"), times=5)
    site.proxy.cut()
    assert run_job(site, namespace) == END
    assert len(in_stream) == len(at_once) == 5


def test_the_network_breaks_again_and_again(site, namespace):
    site.create(site.job("job", namespace))
    for _ in range(5):
        time.sleep(1)
        site.proxy.cut()
    assert site.end("job", namespace) == END


def test_what_happened_while_it_was_cut_off_is_learnt(site, namespace):
    """A job is deleted and another one of its name made while no connection works."""
    site.create(site.job("job", namespace, technology="TDX"))
    wait_for("the gang", lambda: len(site.cluster.list("pods", namespace)) == 2, 30)
    site.proxy.is_cut = True
    site.proxy.cut()
    site.cluster.kubectl("delete", "tjob", "job", "-n", namespace)
    wait_for("the workers to be collected", lambda: not site.cluster.list("pods", namespace), 30)
    site.create(site.job("job", namespace))
    site.proxy.is_cut = False
    assert site.end("job", namespace) == END


def test_a_foreign_pod_in_the_way(site, namespace):
    """A pod with a worker's name that is not the job's is left alone; the job says so and goes on when it is gone."""
    site.cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "job-worker-0-1", "namespace": namespace},
                        "spec": {"nodeSelector": {"none": "such"}, "containers": [{"name": "x", "image": site.image}]}})
    site.create(site.job("job", namespace))
    wait_for("the refusal in status", lambda: site.status("job", namespace).get("reason") == "CreateRefused", 20)
    assert not site.cluster.get("pod", "job-worker-0-1", namespace)["metadata"].get("ownerReferences")
    site.cluster.kubectl("delete", "pod", "job-worker-0-1", "-n", namespace, "--grace-period=0", "--force")
    assert site.end("job", namespace) == END


@pytest.mark.parametrize("mark, reason", [
    ("DeletionByPodGC", "NodeLost"), ("EvictionByEvictionAPI", "Evicted"), ("PreemptionByScheduler", "Preempted")],
    ids=["lost", "evicted", "preempted"])
def test_a_worker_marked_and_deleted_at_once(site, namespace, mark, reason):
    """Both happen while a write is out, so that no pass sees the worker marked; what it was seen to end by counts."""
    def mark_and_delete():
        condition = {"type": "DisruptionTarget", "status": "True", "reason": mark, "message": "as a controller says"}
        site.cluster.kubectl("patch", "pod", "job-worker-1-1", "-n", namespace, "--subresource=status", "-p",
                             json.dumps({"status": {"phase": "Failed", "conditions": [condition]}}))
        site.cluster.kubectl("delete", "pod", "job-worker-1-1", "-n", namespace, "--force", "--grace-period=0")
        wait_for("the pod to go", lambda: site.cluster.get("pod", "job-worker-1-1", namespace) is None, 10)
        time.sleep(0.5)

    site.create(site.job("job", namespace, technology="TDX"))
    wait_for("the gang in status", lambda: site.status("job", namespace).get("workers", {}).get("active") == 2, 30)
    met = site.proxy.once(lambda r: r.method == "PUT" and r.path.endswith("/job/status"), ("then", mark_and_delete))
    site.cluster.kubectl("patch", "tjob", "job", "-n", namespace, "--type=merge", "-p",
                         '{"spec":{"activeDeadlineSeconds":600}}')
    status = wait_for("the next attempt", lambda: (s := site.status("job", namespace)).get("attempt") == 2 and s, 30)
    failure = status["failures"][0]
    assert met and (failure["class"], failure["reason"], failure["pod"]) == ("Disruption", reason, "job-worker-1-1")
    assert f"was terminated externally: {mark}: as a controller says" in failure["message"]
    assert (status["restarts"], status["disruptions"], len(status["failures"])) == (0, 1, 1)


def test_health(site, namespace):
    assert (site.operator.health("healthz"), site.operator.health("readyz")) == (200, 200)
    assert site.operator.health("other") == 404
    site.operator.stop()
    site.proxy.is_cut = True
    site.operator.start(wait=False)
    wait_for("the operator to answer", lambda: site.operator.health("healthz") == 200, 10)
    assert site.operator.health("readyz") == 503
    site.proxy.is_cut = False
    wait_for("the operator to be ready", lambda: site.operator.health("readyz") == 200, 60)

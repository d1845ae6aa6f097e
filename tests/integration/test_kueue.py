"""Jobs in a queue: plain pod groups, and their three traps."""
import time

import pytest

from kit.kueue import GROUP, QUEUE, RETRIABLE, TOTAL, WEBHOOK, Kueue, is_gated
from kit.cluster import wait_for

LABEL = "cloud.google.com/gke-confidential-nodes-instance-type"


@pytest.fixture(scope="module", autouse=True)
def webhook(site):
    site.cluster.apply(*WEBHOOK)
    yield
    site.cluster.kubectl("delete", "mutatingadmissionpolicybinding,mutatingadmissionpolicy", "kueue")


@pytest.fixture
def kueue(site, namespace):
    kueue = Kueue(site.cluster, namespace)
    kueue.start()
    yield kueue
    kueue.stop()
    for pod in kueue.pods():
        kueue.patch(pod, {"metadata": {"finalizers": None}})
    assert kueue.excess == []
    assert all(len(shapes) == 1 for shapes in kueue.shapes.values())


def queued(site, namespace, **options):
    job = site.job("job", namespace, **options)
    job["metadata"]["labels"] = {QUEUE: "gpus"}
    return job


def wait_reason(site, namespace, *reasons, attempt=None):
    return wait_for(f"reason {reasons}", lambda: (s := site.status("job", namespace)).get("reason") in reasons and
                    (attempt is None or s["attempt"] == attempt) and s, 40)


def group_of(kueue):
    return {p["metadata"]["labels"][GROUP] for p in kueue.pods()}


def test_waits_and_keeps_its_place_over_restarts(site, namespace, kueue):
    site.create(queued(site, namespace))
    status = wait_reason(site, namespace, "Queued")
    assert status["phase"] == "Queued" and "queue gpus" in status["message"]
    pods = kueue.pods()
    assert len(pods) == 2 and all(map(is_gated, pods))
    assert {p["metadata"]["annotations"][TOTAL] for p in pods} == {"2"}
    uid = site.cluster.get("tjob", "job", namespace)["metadata"]["uid"]
    assert group_of(kueue) == {f"job-{uid[:8]}-1"}
    kueue.selector = {LABEL: "SEV"}
    end = site.end("job", namespace)
    assert (end["reason"], end["attempt"], end["failures"]) == (
        "RestartLimitExceeded", 2, [(1, "Internal", "InstallFailed", 128), (2, "Internal", "InstallFailed", 128)])
    # Both attempts were one group, and when the job gave up, Kueue let go of all of its pods.
    assert group_of(kueue) == {f"job-{uid[:8]}-1"}
    wait_for("the finalizers to go", lambda: all(not p["metadata"].get("finalizers") for p in kueue.pods()), 20)
    assert {p["metadata"]["annotations"].get(RETRIABLE) for p in kueue.pods()} == {None, "false"}
    site.cluster.kubectl("delete", "tjob", "job", "-n", namespace)
    wait_for("the pods to go", lambda: not kueue.pods(), 30)


def test_an_eviction_is_a_disruption_and_the_gang_queues_again(site, namespace, kueue):
    site.create(queued(site, namespace, technology="TDX"))
    wait_reason(site, namespace, "Queued")
    kueue.selector = {LABEL: "TDX"}
    wait_reason(site, namespace, "WaitingForConfidentialNodes")
    kueue.evict()
    status = wait_reason(site, namespace, "Queued", attempt=2)
    assert (status["restarts"], status["disruptions"]) == (0, 1)
    assert [(f["class"], f["reason"]) for f in status["failures"]] == [("Disruption", "Preempted")]
    assert "WorkloadEvicted" in status["failures"][0]["message"]
    assert len(group_of(kueue)) == 1
    wait_for("the replaced pods to go", lambda: {p["metadata"]["name"] for p in kueue.pods()} ==
             {"job-worker-0-2", "job-worker-1-2"}, 20)


def test_no_replacement_while_a_worker_of_a_lost_node_counts(site, namespace, kueue):
    site.cluster.kubelet("stop", "cc-0")
    try:
        site.create(queued(site, namespace))
        wait_reason(site, namespace, "Queued")
        kueue.selector = {LABEL: "SEV"}
        wait_for("both to be bound", lambda: len([p for p in kueue.pods() if p["spec"].get("nodeName")]) == 2, 30)
        kueue.evict()
        wait_reason(site, namespace, "WaitingForOldWorkers")
        time.sleep(3)
        status = site.status("job", namespace)
        assert (status["attempt"], len(kueue.pods())) == (1, 2)
        for pod in kueue.pods():  # as the pod garbage collector does when the Node object has gone
            kueue.patch(pod, {"status": {"phase": "Failed"}}, "--subresource=status")
        status = wait_reason(site, namespace, "Queued", attempt=2)
        assert status["disruptions"] == 1 and len(group_of(kueue)) == 1
    finally:
        site.cluster.kubelet("start", "cc-0")


def test_a_suspended_job_leaves_the_queue_and_comes_back(site, namespace, kueue):
    site.create(queued(site, namespace, technology="TDX"))
    wait_reason(site, namespace, "Queued")
    first = group_of(kueue)
    site.cluster.kubectl("patch", "tjob", "job", "-n", namespace, "--type=merge", "-p", '{"spec":{"suspend":true}}')
    wait_reason(site, namespace, "JobSuspended")
    wait_for("Kueue to be rid of it", lambda: not kueue.pods(), 20)
    assert kueue.finished == first
    site.cluster.kubectl("patch", "tjob", "job", "-n", namespace, "--type=merge", "-p", '{"spec":{"suspend":false}}')
    status = wait_reason(site, namespace, "Queued", attempt=2)
    assert (status["restarts"], status["disruptions"]) == (0, 0)
    assert len(group_of(kueue)) == 1 and group_of(kueue) != first


@pytest.mark.parametrize("selector, words", [({"pool": "plain"}, "do not set"), ({LABEL: "SEV_SNP"}, "contradict")],
                         ids=["silent", "other"])
def test_a_flavor_of_other_nodes_is_told(site, namespace, kueue, selector, words):
    site.create(queued(site, namespace))
    wait_reason(site, namespace, "Queued")
    kueue.selector = selector
    status = wait_reason(site, namespace, "FlavorMismatch")
    assert status["phase"] == "Pending" and words in status["message"] and f"{LABEL}=SEV" in status["message"]
    assert {c["type"]: c["status"] for c in status["conditions"]} == {
        "Stalled": "True", "NodesReady": "False", "WorkersReady": "False"}

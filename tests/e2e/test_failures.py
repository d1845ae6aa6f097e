"""Each class of failure, really made: what the status says, what it costs, and how the job goes on."""
import contextlib
import sys
import time

from kit.cloister import encrypted, image, training_job
from kit.cluster import ROOT, wait_for

from test_gitops import healths
from test_life import short

# An image by digest that no node has and that no registry gives.
MISSING = "local.test/cloister-missing@sha256:" + "0" * 64


def says(site, namespace, name, *texts, timeout=60):
    """The status once its message holds all texts."""
    def said():
        status = site.status(name, namespace)
        return all(t in status.get("message", "") for t in texts) and status
    return wait_for(f"{name} to say {texts}", said, timeout)


def last_failure(status):
    return status["failures"][-1]


def events(site, namespace, reason):
    return [e["note"] for e in site.cluster.list("events.v1.events.k8s.io", namespace) if e["reason"] == reason]


def scale_up(pod):
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "scale-up", "namespace": pod["metadata"]["namespace"]},
            "involvedObject": {"kind": "Pod", "name": pod["metadata"]["name"], "namespace": pod["metadata"]["namespace"],
                               "uid": pod["metadata"]["uid"]},
            "type": "Normal", "reason": "TriggeredScaleUp", "source": {"component": "cluster-autoscaler"},
            "firstTimestamp": now, "lastTimestamp": now, "count": 1,
            "message": "pod triggered scale-up: [{https://www.googleapis.com/sev-pool 0->1 (max: 3)}]"}


def test_tells_what_the_program_did_and_acts_by_rules(site, namespace):
    none = {"maxRestarts": 0}
    rule = {"onExitCodes": {"operator": "In", "values": [42]}}
    site.cluster.apply(
        short("memory", namespace, "tail /dev/zero", failurePolicy=none),
        short("exits", namespace, "exit 42", failurePolicy={"rules": [{"action": "FailJob", **rule}]}),
        short("again", namespace, '[ "$CLOISTER_ATTEMPT" = 1 ] && exit 42; true',
              failurePolicy={**none, "backoffSeconds": 1, "rules": [{"action": "Ignore", **rule}]}),
        short("signal", namespace, "kill -9 $$$$", failurePolicy=none))

    status = site.wait_phase("memory", namespace, "Failed")
    failure = last_failure(status)
    assert (failure["class"], failure["reason"], failure["exitCode"]) == ("Application", "OutOfMemory", 137)
    assert "limits.memory" in failure["message"]

    status = site.wait_phase("exits", namespace, "Failed")
    assert (status["reason"], status["attempt"], status["restarts"]) == ("PodFailurePolicy", 1, 0)

    status = site.wait_phase("again", namespace, "Succeeded")
    assert (status["attempt"], status["restarts"], status["disruptions"]) == (2, 0, 0)

    failure = last_failure(site.wait_phase("signal", namespace, "Failed"))
    assert (failure["class"], failure["reason"], failure["exitCode"]) == ("Application", "CommandFailed", 137)


def test_says_what_a_worker_lacks_and_goes_on_when_it_is_there(site, namespace):
    site.cluster.apply(
        {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small", "namespace": namespace},
         "spec": {"hard": {"count/services": "10", "pods": "3"}}},
        training_job("image", namespace, MISSING, ["/train"]),
        short("config", namespace, "true",
              trainer={"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "late", "key": "a"}}}]}))
    status = says(site, namespace, "image", "Container trainer of worker 0", "ImageUnavailable", "correct the image's name")
    assert status["phase"] == "Starting" and status["restarts"] == 0
    says(site, namespace, "config", "ContainerConfigInvalid", '"late" not found')
    site.cluster.apply(short("quota", namespace, "true", replicas=2))
    status = says(site, namespace, "quota", f"The quota of namespace {namespace} has no room for pod quota-worker-",
                  "raise the ResourceQuota")
    assert (status["phase"], status["reason"]) == ("Pending", "QuotaExceeded")
    assert healths(site, "quota", namespace) == ("InProgress", "Progressing"), "others may make room"

    # A kubelet says something else every few seconds; the job does not.
    version = site.wait_until_told("image", namespace)
    site.cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "late", "namespace": namespace},
                        "data": {"a": "1"}})
    site.cluster.kubectl("patch", "resourcequota", "small", "-n", namespace, "--type=merge", "-p", '{"spec":{"hard":{"pods":"9"}}}')
    site.wait_phase("config", namespace, "Succeeded")
    site.wait_phase("quota", namespace, "Succeeded")
    time.sleep(5)
    assert site.job("image", namespace)["metadata"]["resourceVersion"] == version, "nothing is written when nothing changed"


def test_a_drained_node_costs_a_disruption_or_what_a_rule_says(site, namespace):
    script = '[ "$CLOISTER_ATTEMPT" = 1 ] && sleep 300; true'
    site.cluster.apply(
        short("drained", namespace, script, failurePolicy={"maxRestarts": 0, "backoffSeconds": 1}),
        short("free", namespace, script, failurePolicy={
            "maxRestarts": 0, "maxDisruptions": 0, "backoffSeconds": 1,
            "rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}]}))
    for name in ("drained", "free"):
        site.wait_phase(name, namespace, "Running")
    try:
        site.cluster.kubectl("drain", "cc-0", "--ignore-daemonsets", "--force", "--delete-emptydir-data",
                             f"--pod-selector=cloister.dev/job-name in (drained,free)", timeout=120)
        says(site, namespace, "drained", "No room for worker 0")
        # No cluster autoscaler runs here: its event, as it writes it.
        site.cluster.apply(scale_up(site.cluster.get("pod", "drained-worker-0-2", namespace)))
        says(site, namespace, "drained", "the cluster autoscaler is adding a node: pod triggered scale-up")
        assert healths(site, "drained", namespace) == ("InProgress", "Progressing")
    finally:
        site.cluster.kubectl("uncordon", "cc-0")
    status = site.wait_phase("drained", namespace, "Succeeded")
    failure = last_failure(status)
    assert (failure["class"], failure["reason"]) == ("Disruption", "Evicted")
    assert (status["restarts"], status["disruptions"]) == (0, 1)
    status = site.wait_phase("free", namespace, "Succeeded")
    assert (status["attempt"], status["restarts"], status["disruptions"]) == (2, 0, 0)


def test_deletes_a_worker_by_force_that_is_stuck_on_a_silent_node(site, namespace):
    site.cluster.apply(short("stuck", namespace, '[ "$CLOISTER_ATTEMPT" = 1 ] && sleep 300; true',
                             failurePolicy={"terminationTimeoutSeconds": 10, "backoffSeconds": 1}))
    site.wait_phase("stuck", namespace, "Running")
    site.cluster.kubelet("stop", "cc-0")
    try:
        site.cluster.kubectl("delete", "pod", "stuck-worker-0-1", "-n", namespace, "--grace-period=1", "--wait=false")
        status = says(site, namespace, "stuck", "stuck-worker-0-1 on node cc-0", "it will be force-deleted at")
        assert status["phase"] == "Restarting" and status["reason"] == "WaitingForOldWorkers"
        assert healths(site, "stuck", namespace) == ("InProgress", "Progressing")
        wait_for("attempt 2", lambda: site.status("stuck", namespace)["attempt"] == 2, 30)
        assert site.cluster.get("pod", "stuck-worker-0-1", namespace) is None
        notes = wait_for("the event", lambda: events(site, namespace, "ForcedDeletion"))
        assert len(notes) == 1 and "Node cc-0 may still be running it with the job's keys" in notes[0]
    finally:
        site.cluster.kubelet("start", "cc-0")
    status = site.wait_phase("stuck", namespace, "Succeeded", timeout=120)
    assert (status["attempt"], status["disruptions"]) == (2, 1)


@contextlib.contextmanager
def silent_kubelet(site, *options):
    """Pods are still bound to cc-0, and its kubelet meets them when it starts again, with these options."""
    site.cluster.kubelet("stop", "cc-0")
    try:
        yield
    finally:
        site.cluster.kubelet("start", "cc-0", *options)


def wait_bound(site, namespace, name):
    wait_for(f"{name} to be bound", lambda: any(p["spec"].get("nodeName") for p in site.pods(name, namespace)), 30)


def assert_refused(site, namespace, name, why):
    """By its node, once; then it went on elsewhere, or there when there was room."""
    status = site.wait_phase(name, namespace, "Succeeded")
    failure = status["failures"][0]
    assert (failure["class"], failure["reason"], failure["node"]) == ("Disruption", "NodeRefused", "cc-0")
    assert f"(pod {name}-worker-0-1 on node cc-0) was terminated externally: {why}: Pod was rejected" in failure["message"]
    assert (status["attempt"], status["restarts"], status["disruptions"], len(status["failures"])) == (2, 0, 1, 1)


def test_a_worker_that_its_kubelet_refuses_costs_a_disruption(site, namespace):
    """A scheduler goes by what a node was; its kubelet admits by what it is when it starts, also what ran before."""
    script, policy = '[ "$CLOISTER_ATTEMPT" = 1 ] && sleep 600; true', {"maxRestarts": 0, "backoffSeconds": 1}
    site.cluster.apply(short("ran", namespace, script, failurePolicy=policy))
    site.wait_phase("ran", namespace, "Running")

    site.cluster.kubectl("label", "node", "cc-0", "pool=a")
    with silent_kubelet(site):
        site.cluster.apply(short("moved", namespace, script, failurePolicy=policy, scheduling={"nodeSelector": {"pool": "a"}}))
        wait_bound(site, namespace, "moved")
        site.cluster.kubectl("label", "node", "cc-0", "pool-")
    wait_for("the refusal", lambda: site.status("moved", namespace).get("failures"), 60)
    site.cluster.kubectl("label", "node", "cc-0", "pool=a")
    assert_refused(site, namespace, "moved", "NodeAffinity")
    site.cluster.kubectl("label", "node", "cc-0", "pool-")

    assert site.status("ran", namespace)["phase"] == "Running"
    try:
        with silent_kubelet(site, "--reserve", "1990m"):
            site.cluster.apply(short("late", namespace, script, failurePolicy=policy))
            wait_bound(site, namespace, "late")
        # A kubelet that knows its node from the API before it has written what it reserves admits them; the next one does not.
        wait_for("what the node has left", lambda: site.cluster.get("node", "cc-0")["status"]["allocatable"]["cpu"] == "10m")
        with silent_kubelet(site, "--reserve", "1990m"):
            pass
        for name in ("ran", "late"):
            wait_for("the refusal", lambda n=name: site.status(n, namespace).get("failures"), 60)
    finally:
        with silent_kubelet(site):
            pass
    for name in ("ran", "late"):
        assert_refused(site, namespace, name, "OutOfcpu")


@contextlib.contextmanager
def device(site, resource):
    """One of them on cc-0, whose kubelet was the last to start, until its plugin ends."""
    script = ROOT / "tests/support/kit/device_plugin.py"
    plugin = site.cluster.start_inside(sys.executable, "-B", script, resource)
    try:
        wait_for("the device", lambda: site.cluster.get("node", "cc-0")["status"]["allocatable"].get(resource) == "1", 60)
        yield
    finally:
        site.cluster.inside("pkill", "-KILL", "-f", str(script), check=False)
        plugin.wait(10)


def test_a_worker_whose_device_is_not_back_yet_is_refused_and_made_again(site, namespace):
    """After a restart of the node: the scheduler knows of the device, and its plugin has not registered again."""
    resource = "example.com/accelerator"
    job = short("device", namespace, "true", failurePolicy={"maxRestarts": 0, "backoffSeconds": 1})
    job["spec"]["trainer"]["resources"]["limits"][resource] = 1
    with silent_kubelet(site):
        pass
    with contextlib.ExitStack() as until_bound:
        with device(site, resource):
            until_bound.enter_context(silent_kubelet(site))
        site.cluster.apply(job)
        wait_bound(site, namespace, "device")
    wait_for("the refusal", lambda: site.status("device", namespace).get("failures"), 60)
    with device(site, resource):
        assert_refused(site, namespace, "device", "UnexpectedAdmissionError")


def test_an_agent_that_crashes_again_and_again_fails_its_attempt(site, namespace):
    site.cluster.apply(short("loops", namespace, '[ "$CLOISTER_ATTEMPT" = 1 ] && sleep 600; true',
                             failurePolicy={"maxRestarts": 1, "backoffSeconds": 5}))
    site.wait_phase("loops", namespace, "Running")

    def killed():
        """A kubelet takes its time to start it again; so there may be none."""
        site.cluster.inside("pkill", "-KILL", "-f", "^/usr/bin/cloister-worker serve", check=False)
        return site.status("loops", namespace).get("failures")
    failure = wait_for("the attempt to fail", killed, 240, 0.5)[0]
    assert (failure["class"], failure["reason"], failure["container"]) == ("Internal", "AgentCrashLooping", "cloister-agent")
    assert failure["message"].endswith(
        "its agent was restarted 6 times; the last time it exited with code 137 (Error). To go on, look at the log of the "
        "container cloister-agent: with kubectl logs --previous until the pod is gone, then in Cloud Logging.")
    assert failure["message"] in wait_for("the event", lambda: events(site, namespace, "AgentCrashLooping"))
    status = site.wait_phase("loops", namespace, "Succeeded")
    assert (status["attempt"], status["restarts"], status["disruptions"]) == (2, 1, 0)


def test_an_agent_out_of_memory_names_the_setting_and_goes_on_when_it_is_raised(site, namespace, tmp_path):
    for i in range(2):
        with open(tmp_path / f"part-{i}", "wb") as part:
            part.truncate(16 << 20)
    pasted = encrypted(site, namespace, *sorted(tmp_path.glob("part-*")), name="large")
    try:
        site.install(**{"worker.agentMemory": "2Mi"})
        site.cluster.apply(training_job("starved", namespace, image("toolbox"), ["/bin/true"], **pasted,
                                        staging={"inputLimit": "32Mi", "outputLimit": "1Mi"},
                                        failurePolicy={"maxRestarts": 3, "backoffSeconds": 30}))
        failure = wait_for("the attempt to fail", lambda: site.status("starved", namespace).get("failures"), 120)[0]
    finally:
        site.install()
    assert (failure["class"], failure["reason"], failure["container"]) == ("Resource", "AgentOutOfMemory", "cloister-agent")
    assert "used more memory than its limit. To go on, raise the chart value worker.agentMemory" in failure["message"]
    status = site.wait_phase("starved", namespace, "Succeeded", timeout=240)
    assert {f["reason"] for f in status["failures"]} == {"AgentOutOfMemory"}
    assert (status["attempt"], status["restarts"], status["disruptions"]) == (len(status["failures"]) + 1, len(status["failures"]), 0)

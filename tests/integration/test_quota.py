"""A ResourceQuota with room for one gang, and two gangs that want it."""
import json

from kit.api import MERGE, complaint
from kit.cluster import wait_for

JOBS = ("one", "other")


def furnish(site, namespace):
    """Room for two pods beside somebody else's; known to who admits pods."""
    site.cluster.apply(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "tenant", "namespace": namespace},
         "spec": {"nodeSelector": {"none": "such"}, "containers": [{"name": "x", "image": site.image}]}},
        {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small", "namespace": namespace}, "spec": {"hard": {"pods": "3"}}})
    wait_for("the quota", lambda: site.cluster.get("resourcequota", "small", namespace).get("status", {}).get("used") == {"pods": "1"}, 30)


def workers(site, namespace, job):
    """Those that take room, of one attempt."""
    return [p for p in site.cluster.list("pods", namespace, f"cloister.dev/job-name={job}")
            if p["status"]["phase"] in ("Pending", "Running") and "deletionTimestamp" not in p["metadata"]]


def first_workers_first(site, namespace):
    """No job asks for its second worker before each has got its first."""
    def fault(request):
        if request.method == "POST" and request.path.endswith("/pods") and b'-worker-1-1"' in request.body:
            wait_for("both first workers", lambda: all(workers(site, namespace, job) for job in JOBS), 30)
    site.proxy.faults.append(fault)


def succeed(site, pod):
    """What a kubelet says of a worker whose program has ended well."""
    meta = pod["metadata"]
    report = {"version": 1, "attempt": int(meta["labels"]["cloister.dev/attempt"]), "index": int(meta["labels"]["cloister.dev/index"]),
              "podUID": meta["uid"], "result": "Succeeded", "stage": "done", "exitCode": 0}

    def ended(name, message=""):
        return {"name": name, "image": "i", "imageID": "", "ready": False, "restartCount": 0, "started": False, "state": {"terminated": {
            "exitCode": 0, "reason": "Completed", "message": message, "startedAt": meta["creationTimestamp"], "finishedAt": meta["creationTimestamp"]}}}
    status = {"status": {"phase": "Succeeded", "containerStatuses": [ended("trainer")],
                         "initContainerStatuses": [ended("cloister-install"), ended("cloister-agent", json.dumps(report))]}}
    code, answer = site.cluster.api.request("PATCH", f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/status", status, MERGE)
    assert code == 200, complaint(answer)


def test_two_gangs_that_hold_a_half_each_both_come_to_their_end(site, namespace):
    furnish(site, namespace)
    first_workers_first(site, namespace)
    # No node has this technology: the workers wait, and the test says when they have ended.
    site.create(*(site.job(name, namespace, technology="TDX") for name in JOBS))
    for name in JOBS:
        wait_for(f"{name} to be refused", lambda name=name: site.status(name, namespace).get("reason") == "QuotaExceeded", 60)
        assert len(workers(site, namespace, name)) == 1

    def have_ended():
        for name in JOBS:
            gang = workers(site, namespace, name)
            if len(gang) == 2:
                for pod in gang:
                    succeed(site, pod)
        return all(site.status(name, namespace)["phase"] == "Succeeded" for name in JOBS)
    wait_for("both to succeed", have_ended, 300, 1)

    ends = [site.status(name, namespace) for name in JOBS]
    assert [(s["restarts"], s["disruptions"]) for s in ends] == [(0, 0), (0, 0)], "charged to nothing"
    failures = [f for s in ends for f in s.get("failures", [])]
    assert failures and {(f["class"], f["reason"]) for f in failures} == {("Resource", "GangIncomplete")}
    assert "of 2 workers fit the quota of namespace" in failures[0]["message"] and "exceeded quota: small" in failures[0]["message"]
    notes = wait_for("the event", lambda: [e["note"] for e in site.cluster.list("events.events.k8s.io", namespace)
                                           if e["reason"] == "GangIncomplete"])
    assert "raise the ResourceQuota of the namespace" in notes[0]

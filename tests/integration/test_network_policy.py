"""The NetworkPolicy of a job, as a real API server and garbage collector treat it."""
import pytest

from kit.cluster import Failed, wait_for


def policies(site, namespace):
    return site.cluster.list("networkpolicies", namespace)


def owners(policy):
    return sorted(o["name"] for o in policy["metadata"]["ownerReferences"])


def owned_by(site, namespace, *names):
    wait_for(f"the policy to belong to {names}", lambda: [owners(p) for p in policies(site, namespace)] == [sorted(names)], 30)


def pending_job(site, namespace, **network):
    job = site.job("job", namespace, technology="TDX")
    job["spec"]["network"].update(network)
    return job


def test_stands_before_the_first_pod_and_belongs_to_all(site, namespace):
    site.create(pending_job(site, namespace, egress="Unrestricted", additionalEgress=[
        {"cidr": "10.0.0.0/8", "ports": [{"port": 443}]}, {"cidr": "2001:db8::/32"}]))
    owned_by(site, namespace, "job", "job-worker-0-1", "job-worker-1-1")
    creates = [r.rsplit("/", 1)[-1] for r in site.proxy.accepted if r.startswith("POST ")]
    assert sorted(creates[:2]) == ["networkpolicies", "services"] and creates[2:] == ["pods", "pods"]
    assert len([r for r in site.proxy.accepted if r.startswith("PUT ") and "/networkpolicies/" in r]) == 1


def test_no_pod_is_created_while_the_policy_is_refused(site, namespace):
    site.proxy.once(lambda r: r.method == "POST" and r.path.endswith("/networkpolicies"), ("answer", 403, {}, "Forbidden"), times=1000)
    site.create(pending_job(site, namespace))
    said = wait_for("the refusal in status", lambda: (s := site.status("job", namespace)).get("reason") ==
                    "CreateRefused" and s["message"], 20)
    assert "networkpolicy job-workers-" in said and not site.cluster.list("pods", namespace)
    site.proxy.faults.clear()
    owned_by(site, namespace, "job", "job-worker-0-1", "job-worker-1-1")


def test_is_restored_when_somebody_edits_or_deletes_it(site, namespace):
    site.create(pending_job(site, namespace))
    owned_by(site, namespace, "job", "job-worker-0-1", "job-worker-1-1")
    before = policies(site, namespace)[0]
    site.cluster.kubectl("patch", "networkpolicy", before["metadata"]["name"], "-n", namespace, "--type=json", "-p",
                         '[{"op": "add", "path": "/spec/egress/-", "value": {}}]')
    wait_for("the policy to be as it was", lambda: policies(site, namespace)[0]["spec"] == before["spec"], 20)
    site.cluster.kubectl("delete", "networkpolicy", "--all", "-n", namespace)
    owned_by(site, namespace, "job", "job-worker-0-1", "job-worker-1-1")
    assert policies(site, namespace)[0]["spec"] == before["spec"]


def test_outlasts_the_job_as_long_as_a_pod_ends(site, namespace):
    """No kubelet ends these pods, so their grace period of 60 s is what it looks like while it lasts."""
    site.cluster.kubelet("stop", "cc-0")
    try:
        site.create(site.job("job", namespace))
        owned_by(site, namespace, "job", "job-worker-0-1", "job-worker-1-1")
        wait_for("both to be bound", lambda: all(p["spec"].get("nodeName") for p in site.cluster.list("pods", namespace)), 30)
        site.cluster.kubectl("delete", "tjob", "job", "-n", namespace)
        wait_for("the garbage collector to have seen it", lambda: [owners(p) for p in policies(site, namespace)] ==
                 [["job-worker-0-1", "job-worker-1-1"]], 30)
        wait_for("both to be ending", lambda: all(p["metadata"].get("deletionTimestamp") and
                                                  p["metadata"]["deletionGracePeriodSeconds"] == 60
                                                  for p in site.cluster.list("pods", namespace)), 30)
        site.cluster.kubectl("delete", "pod", "job-worker-0-1", "-n", namespace, "--force", "--grace-period=0")
        wait_for("one owner to be left", lambda: [owners(p) for p in policies(site, namespace)] == [["job-worker-1-1"]], 30)
        site.cluster.kubectl("delete", "pod", "job-worker-1-1", "-n", namespace, "--force", "--grace-period=0")
        wait_for("the policy to go", lambda: not policies(site, namespace), 30)
    finally:
        site.cluster.kubelet("start", "cc-0")


def test_workers_do_not_talk_in_the_clear_unasked(site, namespace):
    job = pending_job(site, namespace)
    del job["spec"]["network"]
    site.create(job)
    said = wait_for("the reason", lambda: (s := site.status("job", namespace)).get("reason") ==
                    "WorkerTrafficNotEncrypted" and s, 20)
    assert "workerTraffic: AcceptPlain" in said["message"] and "network.interNodeEncryption=true" in said["message"]
    assert not site.cluster.list("pods,services,networkpolicies", namespace)
    assert {c["type"]: c["status"] for c in said["conditions"]} == {"Stalled": "True"}


def test_a_range_that_is_none_is_refused(site, namespace):
    with pytest.raises(Failed, match="must be an IP address range such as"):
        site.create(pending_job(site, namespace, additionalEgress=[{"cidr": "10.0.0.0"}]))

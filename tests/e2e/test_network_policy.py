"""The NetworkPolicy stands as long as a worker runs, also when the job is gone."""
import time

from kit.cloister import image, training_job
from kit.cluster import wait_for


def test_it_outlasts_the_job_for_the_whole_grace_period(site, namespace):
    """The program ignores SIGTERM, so the worker takes what its grace period of 60 s gives."""
    site.cluster.apply(training_job("stubborn", namespace, image("toolbox"),
                                    ["/bin/sh", "-c", "trap '' TERM; while true; do sleep 1; done"]))
    site.wait_phase("stubborn", namespace, "Running")

    def policies():
        return [p["metadata"]["name"] for p in site.cluster.list("networkpolicies", namespace)]
    policy = policies()
    assert len(policy) == 1
    site.cluster.kubectl("delete", "tjob", "stubborn", "-n", namespace)
    wait_for("the worker to be ending", lambda: "deletionTimestamp" in site.pods("stubborn", namespace)[0]["metadata"], 20)
    begun, seen = time.monotonic(), []
    while pods := site.pods("stubborn", namespace):
        is_running = "running" in pods[0]["status"]["containerStatuses"][0]["state"]
        seen.append((is_running, policies() == policy or not site.pods("stubborn", namespace)))
        time.sleep(1)
    lasted = time.monotonic() - begun
    assert lasted > 30 and sum(is_running for is_running, _ in seen) > 10, (lasted, seen)
    assert all(stands for _, stands in seen)
    wait_for("the policy to go", lambda: not policies(), 30)

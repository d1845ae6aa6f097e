"""A queue's words on a job, where no Kueue holds the workers back: they change nothing but labels."""
from kit.cloister import image, training_job
from kit.cluster import wait_for

RETRIABLE = "kueue.x-k8s.io/retriable-in-group"


def test_the_group_is_ended_when_the_job_fails(site, namespace):
    job = training_job("queued", namespace, image("toolbox"), ["/bin/sh", "-c", "exit 3"], replicas=2,
                       failurePolicy={"maxRestarts": 0})
    job["metadata"]["labels"] = {"kueue.x-k8s.io/queue-name": "gpus"}
    site.cluster.apply(job)
    site.wait_phase("queued", namespace, "Failed")
    pods = wait_for("the group's end on a pod", lambda: (p := site.pods("queued", namespace)) and any(
        x["metadata"]["annotations"].get(RETRIABLE) == "false" for x in p) and p, 30)
    assert {p["metadata"]["annotations"]["kueue.x-k8s.io/pod-group-total-count"] for p in pods} == {"2"}

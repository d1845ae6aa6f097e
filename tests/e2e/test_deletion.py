"""`kubectl delete tjob`, at any time: every child is gone."""
import pytest
from kit.cluster import wait_for

from test_training import train_digits


def children(site, namespace):
    return [f"{o['kind']}/{o['metadata']['name']}" for kind in ("pods", "services", "endpointslices", "networkpolicies")
            for o in site.cluster.list(kind, namespace, "cloister.dev/job-name=digits")]


def creating(site, namespace):
    wait_for("a first child", lambda: children(site, namespace), 30, 0.05)


def running(site, namespace):
    site.wait_phase("digits", namespace, "Running")


def publishing(site, namespace):
    """The commands have ended, and the agent still uploads: the cloud holds its answers back."""
    wait_for("the publication", lambda: any(
        f["hits"] for f in site.cloud.api.fault_hits()), 60)


@pytest.mark.parametrize("stage", [creating, running, publishing])
def test_leaves_nothing_when_deleted_while(site, namespace, digits, stage):
    if stage is publishing:
        site.cloud.api.faults([{"match": f"(PUT|POST) .*{namespace}/models", "delay_seconds": 20, "times": 1}])
    options = [] if stage is publishing else ["--min-epoch-seconds", "1"]
    site.cluster.apply(train_digits("digits", namespace, digits, epochs=8, options=options))
    try:
        stage(site, namespace)
        site.cluster.kubectl("delete", "tjob", "digits", "-n", namespace)
        wait_for("the children to go", lambda: not children(site, namespace), 120)
    finally:
        site.cloud.api.clear_faults()

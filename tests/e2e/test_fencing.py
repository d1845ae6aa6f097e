"""A node that is lost keeps running what it runs, with keys: it must advance nothing."""
import contextlib
import json
import re

import pytest
from kit.cloister import BUCKET, encrypted, evaluate, installed
from kit.cluster import ROOT, wait_for

from test_life import short
from test_training import train_digits


@pytest.fixture(scope="module")
def two_pools():
    """Two confidential nodes: one to lose, one to go on with."""
    with installed("fence", "cc-0,cc-1,std-0") as cloister:
        yield cloister


@contextlib.contextmanager
def lost(site, node):
    site.cluster.kubelet("stop", node)
    site.cluster.kubectl("cordon", node)
    try:
        yield
    finally:
        site.cluster.kubelet("start", node)
        site.cluster.kubectl("uncordon", node)


def head(site, namespace):
    names = [n for n in site.cloud.api.objects(BUCKET, prefix=f"{namespace}/checkpoints/") if n.endswith("/HEAD")]
    return json.loads(site.cloud.api.object_bytes(BUCKET, names[0])) if names else {"attempt": 0}


def processes_of_attempt(site, attempt):
    """Agents of that attempt that still run on any node, whatever the API server believes."""
    script = "for p in $(pgrep -f '^/usr/bin/cloister-worker serve'); do tr '\\0' '\\n' </proc/$p/environ; done 2>/dev/null; true"
    plans = site.cluster.inside("bash", "-c", script).stdout
    return len(re.findall(rf'"attempt":{attempt}\b', plans))


def test_containers_that_survive_their_pods_advance_nothing(two_pools, tmp_path):
    site, namespace = two_pools, "fencing"
    site.namespace(namespace)
    digits = encrypted(site, "digits", ROOT / "docs/examples/digits/data/digits.csv")
    site.cluster.kubectl("cordon", "cc-1")
    site.cluster.apply(train_digits("digits", namespace, digits, epochs=30, options=["--min-epoch-seconds", "1"]))
    wait_for("a committed checkpoint", lambda: head(site, namespace)["attempt"] == 1, 90)

    # The node is lost: its kubelet is gone, its containers are not. Somebody force-deletes the pods.
    with lost(site, "cc-0"):
        site.cluster.kubectl("uncordon", "cc-1")
        site.cluster.kubectl("delete", "pod", "-n", namespace, "--all", "--force", "--grace-period=0")
        wait_for("the second attempt's first checkpoint", lambda: head(site, namespace)["attempt"] >= 2, 120)
        assert processes_of_attempt(site, 1) == 2, "the old containers run on"
        status = site.wait_phase("digits", namespace, "Succeeded", timeout=180)
        # The old worker 0 met the new HEAD, and ended its trainer.
        wait_for("no trainer to be left, also of the lost node", lambda: site.cluster.inside(
            "pgrep", "-fc", "^/usr/bin/digits train", check=False).stdout.strip() == "0", 30)
    # A new worker may have met an old one under the host name that they share, and failed: then it is attempt 3.
    attempt = status["attempt"]
    assert attempt >= 2 and f"/{attempt}/worker-0/" in status["output"]["uri"]
    assert status["checkpoint"]["latest"] == "epoch-30" and head(site, namespace)["attempt"] >= 2
    assert {p["spec"]["nodeName"] for p in site.pods("digits", namespace)} == {"cc-1"}
    assert "after 30 epochs" in evaluate(site, "digits", namespace, tmp_path)


def test_goes_on_elsewhere_when_its_node_is_deleted(two_pools):
    """A machine that the cloud took away: first its kubelet is silent, then its Node object goes."""
    site, namespace = two_pools, "deleted-node"
    site.namespace(namespace)
    site.cluster.kubectl("cordon", "cc-0")
    site.cluster.apply(short("moves", namespace, '[ "$CLOISTER_ATTEMPT" = 1 ] && sleep 600; true',
                             failurePolicy={"maxRestarts": 0, "backoffSeconds": 1}))
    assert site.wait_phase("moves", namespace, "Running")["confidential"]["nodes"] == ["cc-1"]
    site.cluster.kubelet("stop", "cc-1")
    site.cluster.kubectl("uncordon", "cc-0")
    site.cluster.kubectl("delete", "node", "cc-1")
    status = site.wait_phase("moves", namespace, "Succeeded", timeout=180)
    failure = status["failures"][0]
    # The garbage collector marks the pod and deletes it in the same moment.
    assert (failure["class"], failure["reason"], failure["node"]) == ("Disruption", "NodeLost", "cc-1")
    assert "exitCode" not in failure, "nobody knows how it ended, and no number says so"
    assert (status["restarts"], status["disruptions"], status["confidential"]["nodes"]) == (0, 1, ["cc-0"])

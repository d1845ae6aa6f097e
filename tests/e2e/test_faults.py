"""Whatever is killed, the job ends right: one output, from one attempt, resumed from the checkpoint."""
import json
import re
import time

import pytest
from kit.cloister import BUCKET, SYSTEM_NAMESPACE, evaluate
from kit.cluster import wait_for

from test_training import train_digits

EPOCHS = 8


def start(site, namespace, digits, **spec):
    site.cluster.apply(train_digits("digits", namespace, digits, epochs=EPOCHS,
                                    options=["--min-epoch-seconds", "1"], **spec))
    site.wait_phase("digits", namespace, "Running")
    wait_for("a committed checkpoint", lambda: head(site, namespace), 60)


def head(site, namespace):
    for name in site.cloud.api.objects(BUCKET, prefix=f"{namespace}/checkpoints/"):
        if name.endswith("/HEAD"):
            return json.loads(site.cloud.api.object_bytes(BUCKET, name))
    return None


def assert_ended_right(site, namespace, tmp_path, attempts=2):
    """Succeeded, with exactly one committed output, and every later attempt resumed from a checkpoint."""
    status = site.wait_phase("digits", namespace, "Succeeded", timeout=240)
    assert status["attempt"] == attempts, status
    assert f"/{attempts}/" in status["output"]["uri"]
    for attempt in range(2, attempts + 1):
        resumed = re.search(r"^resuming after epoch (\d+)", site.logs(f"digits-worker-0-{attempt}", namespace), re.M)
        assert resumed and int(resumed[1]) > 0, "the resumed epoch is the checkpoint's, not 0"
    assert f"after {EPOCHS} epochs" in evaluate(site, "digits", namespace, tmp_path)
    return status


def kill_in_cluster(site, pattern, signal="KILL"):
    """Kills processes of the nodes by command line, as the kernel or a person with root would."""
    assert site.cluster.inside("pkill", f"-{signal}", "-f", pattern, check=False).returncode == 0, pattern


def test_restarts_the_gang_when_a_worker_is_killed(site, namespace, digits, tmp_path):
    start(site, namespace, digits)
    kill_in_cluster(site, "^/usr/bin/digits train")
    status = assert_ended_right(site, namespace, tmp_path)
    assert status["restarts"] == 1
    assert status["failures"][0]["class"] == "Application"
    assert status["failures"][0]["exitCode"] == 137


def test_goes_on_when_the_agent_is_killed(site, namespace, digits, tmp_path):
    start(site, namespace, digits)
    kill_in_cluster(site, "^/usr/bin/cloister-worker serve")
    assert_ended_right(site, namespace, tmp_path, attempts=1)
    agents = [s for p in site.pods("digits", namespace) for s in p["status"]["initContainerStatuses"]
              if s["name"] == "cloister-agent"]
    assert all(a["restartCount"] == 1 for a in agents), "they were killed, and nobody else was"


def test_restarts_when_the_trainer_ends_with_1(site, namespace, digits, tmp_path):
    job = train_digits("digits", namespace, digits, epochs=EPOCHS)
    # Ends with 1 once, after its first epochs; the shell is not in this image, so the program's own check does it.
    job["spec"]["trainer"]["command"] = ["/usr/bin/digits", "train", "--epochs", str(EPOCHS), "--min-epoch-seconds", "1"]
    site.cluster.apply(job)
    site.wait_phase("digits", namespace, "Running")
    wait_for("a committed checkpoint", lambda: head(site, namespace), 60)
    # TERM ends one trainer; the other then finds its peer gone, and ends with 1.
    kill_in_cluster(site, "^/usr/bin/digits train", "TERM")
    status = assert_ended_right(site, namespace, tmp_path)
    assert status["restarts"] == 1, "one attempt failed once, however many of its workers did"


def test_stops_at_max_restarts_and_says_why(site, namespace):
    from kit.cloister import image, training_job
    site.cluster.apply(training_job("fails", namespace, image("toolbox"), ["/bin/sh", "-c", "echo no >&2; exit 3"],
                                    failurePolicy={"maxRestarts": 1, "backoffSeconds": 1}))
    status = site.wait_phase("fails", namespace, "Failed")
    assert (status["attempt"], status["restarts"]) == (2, 1)
    assert [f["exitCode"] for f in status["failures"]] == [3, 3]
    assert "maxRestarts" in status["message"]


def test_restarts_when_a_person_deletes_a_pod(site, namespace, digits, tmp_path):
    start(site, namespace, digits)
    site.cluster.kubectl("delete", "pod", "digits-worker-1-1", "-n", namespace)
    status = assert_ended_right(site, namespace, tmp_path)
    assert (status["restarts"], status["disruptions"]) == (0, 1), "not the program's fault"


def test_survives_a_kubelet_that_stops_and_starts(site, namespace, digits, tmp_path):
    start(site, namespace, digits)
    site.cluster.kubelet("stop", "cc-0")
    time.sleep(6)
    site.cluster.kubelet("start", "cc-0")
    status = site.wait_phase("digits", namespace, "Succeeded", timeout=240)
    assert_ended_right(site, namespace, tmp_path, attempts=status["attempt"])


class OperatorWrites:
    """Mutating requests of the operator from now on in the API server's audit log, events and leases left out."""

    def __init__(self, site):
        self.log, self.begun, self.unfinished = open(site.cluster.env["CLOISTER_CLUSTER_AUDIT"], "rb"), now(), b""
        self._lines()
        self.count = 0

    def _lines(self):
        """Those that were added since the last call, without one that is being written."""
        *lines, self.unfinished = (self.unfinished + self.log.read()).split(b"\n")
        return lines

    def so_far(self):
        self.count += sum(self._is_one(json.loads(line)) for line in self._lines())
        return self.count

    def _is_one(self, entry):
        return (entry["user"]["username"].startswith(f"system:serviceaccount:{SYSTEM_NAMESPACE}:")
                and entry["verb"] not in ("get", "list", "watch")
                and entry["objectRef"]["resource"] not in ("events", "leases")
                and entry["requestReceivedTimestamp"] > self.begun)


def now():
    from datetime import datetime, timezone
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def run_small(site, namespace, name, digits, kill_at):
    """One job of two workers; the operator is killed after its kill_at-th write. Returns the writes it took."""
    writes = OperatorWrites(site)
    site.cluster.apply(train_digits(name, namespace, digits, epochs=2))
    if kill_at:
        wait_for(f"write {kill_at}", lambda: writes.so_far() >= kill_at
                 or site.status(name, namespace).get("phase") == "Succeeded", 60, 0.02)
        site.cluster.inside("pkill", "-KILL", "-f", "^/usr/bin/cloister-operator", check=False)
    status = site.wait_phase(name, namespace, "Succeeded", timeout=180)
    assert status["attempt"] == 1 and status["output"]["uri"]
    pods = site.pods(name, namespace)
    assert sorted(p["metadata"]["name"] for p in pods) == [f"{name}-worker-0-1", f"{name}-worker-1-1"]
    return writes.so_far()


@pytest.mark.timeout(900)
def test_ends_right_when_the_operator_is_killed_after_any_of_its_writes(site, namespace, digits, figure):
    writes = run_small(site, namespace, "calm", digits, None)
    figure(f"operator killed after each of its {writes} writes")
    for n in range(1, writes + 1):
        run_small(site, namespace, f"kill-{n}", digits, n)

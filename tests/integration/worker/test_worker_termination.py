"""SIGTERM: a program that ends with 0 because its pod ends has not succeeded."""
import os
import signal
import subprocess
from pathlib import Path

import pytest

from kit.cloud import BUCKET
from kit.cluster import wait_for
from kit.worker import FOLDER, committed, data_file, encrypt

# What programs do on SIGTERM that save their state. `last` is written in place, so only the exit code declares it.
SAVE = "echo 2 > /cloister/checkpoints/last; echo m > /cloister/output/model"
TRAIN = f"trap '{SAVE}; exit 0' TERM INT; echo started; while :; do sleep 0.1; done"


def exec_pid(worker):
    """Of cloister-exec, below bubblewrap; None while it has not been started."""
    pids = [str(worker.processes["trainer"].pid)]
    while pids:
        found = [p for p in pids if Path(f"/proc/{p}/comm").read_text() == "cloister-exec\n"]
        if found:
            return int(found[0])
        pids = subprocess.run(["pgrep", "-P", ",".join(pids)], capture_output=True, text=True).stdout.split()
    return None


@pytest.fixture
def start(cloud, worker, tmp_path, prefix):
    """A worker whose containers have PID namespaces of their own, as in a pod."""
    path, _ = data_file(tmp_path, 1000)
    spec = encrypt(cloud, prefix, path)

    def start(script):
        w = worker(spec)
        w.binds = ["--unshare-pid"]
        w.start_trainer(script)
        return w
    return start


def published(cloud, prefix):
    return cloud.api.objects(BUCKET, prefix=f"{prefix}/models/{FOLDER}1/")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "STOPSIGNAL"])
def test_a_program_that_ends_with_0_because_the_pod_ends_is_disrupted(cloud, prefix, start, number):
    w = start(TRAIN)
    wait_for("the program", lambda: "started" in w.log("trainer"), 30)
    os.kill(exec_pid(w), number)
    code, message = w.finish()
    assert (code, message["result"], message["class"], message["reason"]) == (0, "Failed", "Disruption", "Terminated"), message
    assert message["exitCode"] == 0 and "after SIGTERM" in message["message"] and "output" not in message
    assert committed(cloud, prefix, "last"), "what the program closed is a checkpoint all the same"
    assert [n for n in published(cloud, prefix) if "data/" in n] == []


def test_a_program_that_had_ended_before_the_pods_end_has_succeeded(cloud, prefix, start):
    cloud.api.faults([{"match": "POST /upload/.*models.*data", "times": 1, "delay_seconds": 3}])
    w = start(SAVE)
    wait_for("publishing", lambda: '"publishing"' in w.log("agent"), 30)
    os.kill(exec_pid(w), signal.SIGTERM)
    code, message = w.finish()
    assert (code, message["result"]) == (0, "Succeeded"), message
    assert message["output"]["uri"] and [n for n in published(cloud, prefix) if "data/" in n]


def test_a_program_that_is_sent_SIGTERM_from_inside_the_pod_has_succeeded(start):
    w = start("(sleep 1; kill -TERM $PPID) & " + TRAIN)
    code, message = w.finish()
    assert (code, message["result"]) == (0, "Succeeded"), message


def test_an_agent_that_was_away_hears_that_SIGTERM_came_first(start):
    w = start(TRAIN)
    wait_for("the program", lambda: "started" in w.log("trainer"), 30)
    w.kill_agent()
    os.kill(exec_pid(w), signal.SIGTERM)
    wait_for("the program's end", lambda: (w.directory / "out/output/model").exists(), 30)
    w.start_agent()
    code, message = w.finish()
    assert (code, message["reason"]) == (0, "Terminated"), message

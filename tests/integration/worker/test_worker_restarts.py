"""Agents that are killed, and pods that were replaced and still run."""
import pytest

from kit.cloud import BUCKET, key_uses
from kit.cluster import wait_for
from kit.worker import COPY, FOLDER, checkpoint, committed, data_file, encrypt


def test_a_killed_agent_goes_on_and_stages_nothing_again(cloud, worker, tmp_path, prefix):
    path, _ = data_file(tmp_path, 100_000)
    w = worker(encrypt(cloud, prefix, path))
    w.start_trainer("while [ ! -e /cloister/run/go ]; do sleep 0.1; done; " + COPY)
    wait_for("staging", lambda: (w.directory / "run/ready").exists(), 30)
    staged = (w.directory / "in/inputs/data/data.bin").stat()
    w.kill_agent()
    w.start_agent()
    wait_for("the second agent", lambda: w.log("agent").count('"running"') == 2, 30)
    assert (w.directory / "in/inputs/data/data.bin").stat().st_mtime_ns == staged.st_mtime_ns
    (w.directory / "run/go").touch()
    code, message = w.finish()
    assert (code, message["result"]) == (0, "Succeeded"), message


def test_an_agent_killed_while_it_publishes_publishes_again(cloud, worker, tmp_path, prefix):
    path, _ = data_file(tmp_path, 100_000)
    w = worker(encrypt(cloud, prefix, path))
    cloud.api.faults([{"match": "POST /upload/.*models.*data", "times": 1, "delay_seconds": 5}])
    w.start_trainer(COPY)
    wait_for("publishing", lambda: '"publishing"' in w.log("agent"), 30)
    w.kill_agent()
    cloud.api.clear_faults()
    w.start_agent()
    code, message = w.finish()
    assert (code, message["result"]) == (0, "Succeeded"), message
    assert message["output"]["manifestSHA256"]


def test_a_pod_that_was_replaced_gets_no_keys_and_moves_nothing(cloud, worker, reporting, operator, tmp_path, prefix):
    path, _ = data_file(tmp_path, 1000)
    spec = encrypt(cloud, prefix, path)
    newer = worker(spec, attempt=2, pod="newer")
    newer.start_trainer(checkpoint("step-9"))
    assert newer.finish()[0] == 0
    before = cloud.api.object_bytes(BUCKET, f"{prefix}/ckpt/{FOLDER}HEAD")
    uses = key_uses(cloud)
    operator.answer = (410, {})
    for stale in (reporting(spec, attempt=1, pod="older"), reporting(spec, attempt=2, pod="twin")):
        stale.start_trainer("echo started")
        code, message = stale.finish()
        assert (code, message["result"], message["class"], message["reason"]) == (125, "Failed", "Disruption", "Superseded")
        assert "started" not in stale.log("trainer")
    assert cloud.api.object_bytes(BUCKET, f"{prefix}/ckpt/{FOLDER}HEAD") == before
    assert key_uses(cloud) == uses, "no key was asked for"


def test_a_running_worker_that_loses_the_race_is_stopped(cloud, worker, tmp_path, prefix):
    path, _ = data_file(tmp_path, 1000)
    spec = encrypt(cloud, prefix, path)
    old = worker(spec)
    old.start_trainer("while [ ! -e /cloister/run/go ]; do sleep 0.1; done; " + checkpoint("step-5") + "; sleep 60")
    wait_for("staging", lambda: (old.directory / "run/ready").exists(), 30)
    new = worker(spec, attempt=2, pod="new")
    new.start_trainer(checkpoint("step-6"))
    assert new.finish()[0] == 0
    (old.directory / "run/go").touch()
    code, message = old.finish(30)
    assert (code, message["reason"]) == (125, "Superseded")
    assert committed(cloud, prefix, "step-6")


def test_an_older_attempt_that_still_writes_loses_to_the_newer_one(cloud, worker, tmp_path, prefix):
    """The old worker moves HEAD after the new one has read it: the new one must not believe that it was replaced."""
    path, _ = data_file(tmp_path, 1000)
    spec = encrypt(cloud, prefix, path)
    wait = "while [ ! -e /cloister/run/go ]; do sleep 0.1; done; "
    old = worker(spec)
    old.start_trainer(f"{checkpoint('step-1')}; {wait}{checkpoint('step-2')}; {wait.replace('go', 'on')}{checkpoint('step-3')}; sleep 60")
    wait_for("the first checkpoint", lambda: committed(cloud, prefix, "step-1"), 30)
    new = worker(spec, attempt=2, pod="new")
    new.start_trainer(f"{wait}{checkpoint('step-7')}")
    wait_for("staging", lambda: (new.directory / "run/ready").exists(), 30)
    (old.directory / "run/go").touch()
    wait_for("the old one's second checkpoint", lambda: committed(cloud, prefix, "step-2"), 30)
    (new.directory / "run/go").touch()
    code, message = new.finish()
    assert (code, message["result"], message["checkpoint"]["name"]) == (0, "Succeeded", "step-7")
    (old.directory / "run/on").touch()
    code, message = old.finish(30)
    assert (code, message["reason"]) == (125, "Superseded")
    assert committed(cloud, prefix, "step-7")


def test_an_agent_that_was_restarted_stores_nothing_twice_and_keeps_what_was_declared(cloud, worker, tmp_path, prefix):
    path, _ = data_file(tmp_path, 1000)
    w = worker(encrypt(cloud, prefix, path))
    w.start_trainer("cd /cloister/checkpoints; mkdir .t; echo 1 > .t/a; echo 2 > .t/b; mv .t step-1; while [ ! -e /cloister/run/go ]; do sleep 0.1; done;"
                    f"{checkpoint('step-2')}; sleep 1; exit 1")
    wait_for("the first checkpoint", lambda: committed(cloud, prefix, "step-1"), 60)
    w.kill_agent()
    w.start_agent()
    wait_for("the agent", lambda: w.log("agent").count('"stage":"running"') == 2, 60)
    (w.directory / "run/go").touch()
    code, message = w.finish()
    assert (code, message["checkpoint"]["name"]) == (1, "step-2"), message
    stored = [n.rsplit("/data/", 1)[1] for n in cloud.api.objects(BUCKET, prefix=f"{prefix}/ckpt/") if "/data/" in n]
    assert sorted(stored) == ["step-1/a", "step-1/b", "step-2"]
    second = worker({"keys": w.plan["keys"], "inputs": w.plan["inputs"]}, attempt=2, pod="second")
    second.start_trainer("cd /cloister/restore; find . -type f | sort")
    assert second.finish()[0] == 0 and second.log("trainer").split() == ["./step-1/a", "./step-1/b", "./step-2"]


@pytest.mark.parametrize("goes_on,found", [("", "1 1 1"), ("echo 2 > dcp/b; echo 2 > dcp/.metadata; sleep 2; ", "2 2 2")])
def test_a_restart_in_the_middle_of_a_save_does_not_complete_it(cloud, worker, tmp_path, prefix, goes_on, found):
    """The marker is that of the save before, whose files are being written over."""
    path, _ = data_file(tmp_path, 1000)
    w = worker(encrypt(cloud, prefix, path))
    wait = "while [ ! -e /cloister/run/{} ]; do sleep 0.1; done; "
    w.start_trainer("cd /cloister/checkpoints; mkdir dcp; for f in a b .metadata; do echo 1 > dcp/$f; done; " + wait.format("go") +
                    "echo 2 > dcp/a; " + wait.format("on") + goes_on + "exit 3")
    wait_for("the first save", lambda: committed(cloud, prefix, "dcp"), 60)
    w.kill_agent()
    (w.directory / "run/go").touch()
    wait_for("the second save", lambda: (w.directory / "out/checkpoints/dcp/a").read_text() == "2\n", 30)
    w.start_agent()
    wait_for("the agent", lambda: w.log("agent").count('"stage":"running"') == 2, 60)
    (w.directory / "run/on").touch()
    assert w.finish()[0] == 3
    second = worker({"keys": w.plan["keys"], "inputs": w.plan["inputs"]}, attempt=2, pod="second")
    second.start_trainer("cd /cloister/restore/dcp; cat a b .metadata")
    assert second.finish()[0] == 0 and " ".join(second.log("trainer").split()) == found

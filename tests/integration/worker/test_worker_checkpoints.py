"""Checkpoints: which are taken and when, and what the next attempt resumes from."""
import time

import pytest

from kit.cluster import wait_for
from kit.worker import checkpoint, committed, data_file, encrypt


def test_the_next_attempt_resumes_from_the_newest_checkpoint_on_every_worker(cloud, worker, tmp_path, prefix):
    path, _ = data_file(tmp_path, 1000)
    spec = encrypt(cloud, prefix, path)
    first = worker(spec)
    first.start_trainer(f"{checkpoint('step-1')}; sleep 2; {checkpoint('step-2', 'two')}; exit 1")
    code, message = first.finish()
    assert (code, message["result"], message["checkpoint"]["name"]) == (1, "Failed", "step-2")
    for index in (0, 1):
        w = worker(spec, attempt=2, index=index, pod=f"second-{index}")
        w.start_trainer("ls /cloister/restore; cat /cloister/restore/step-2")
        code, message = w.finish()
        assert (code, w.log("trainer").split()) == (0, ["step-2", "two"])
        assert message["resumedFrom"] == {"name": "step-2", "step": 2}


def test_a_late_worker_does_not_see_the_checkpoint_of_its_own_attempt(cloud, worker, tmp_path, prefix):
    path, _ = data_file(tmp_path, 1000)
    spec = encrypt(cloud, prefix, path)
    first = worker(spec)
    first.start_trainer(f"{checkpoint('step-1')}; sleep 2; {checkpoint('step-2')}")
    assert first.finish()[0] == 0
    late = worker(spec, attempt=1, index=1, pod="late")
    late.start_trainer("ls /cloister/restore")
    code, message = late.finish()
    assert code == 0 and late.log("trainer") == "" and "resumedFrom" not in message


def test_directories_and_files_still_open_are_waited_for(cloud, worker, tmp_path, prefix):
    path, _ = data_file(tmp_path, 1000)
    w = worker(encrypt(cloud, prefix, path))
    w.start_trainer("""cd /cloister/checkpoints
        mkdir .dir.tmp; echo a > .dir.tmp/a; mkdir .dir.tmp/b; echo c > .dir.tmp/b/c; mv .dir.tmp dir-1
        exec 3> open-2; echo half >&3; while [ ! -e /cloister/run/go ]; do sleep 0.1; done; echo whole >&3; exec 3>&-
        while [ -e open-2 ]; do sleep 0.1; done""")
    wait_for("the directory", lambda: committed(cloud, prefix, "dir-1"), 30)
    time.sleep(2.5)
    assert committed(cloud, prefix, "dir-1"), "a file that is open for writing is not taken"
    (w.directory / "run/go").touch()
    code, message = w.finish()
    assert (code, message["checkpoint"]["name"]) == (0, "open-2")
    second = worker(w.plan and {"keys": w.plan["keys"], "inputs": w.plan["inputs"]}, attempt=2, pod="second")
    second.start_trainer("cat /cloister/restore/open-2")
    assert second.finish()[0] == 0 and second.log("trainer") == "half\nwhole\n"


REWRITING = {
    "renamed over": "echo {0} > .tmp; mv .tmp last",
    "written again": "echo {0} > last",
    "another directory": "mkdir .tmp; echo {0} > .tmp/a; echo {0} > .tmp/b; [ ! -e last ] || mv last .old; mv .tmp last",
}


@pytest.mark.parametrize("way", REWRITING)
def test_a_checkpoint_that_is_replaced_while_it_is_published_is_published_then(cloud, worker, tmp_path, prefix, way):
    path, _ = data_file(tmp_path, 1000)
    spec = encrypt(cloud, prefix, path)
    cloud.api.faults([{"match": "POST /upload/.*data/last", "times": 1, "delay_seconds": 3}])
    first = worker(spec)
    first.start_trainer(f"cd /cloister/checkpoints; {REWRITING[way].format('one')}; while [ ! -e /cloister/run/go ]; do sleep 0.1; done;"
                        f"{REWRITING[way].format('two')}; while [ -e last ]; do sleep 0.2; done; rm -rf .old")
    wait_for("the upload", lambda: any(fault["hits"] for fault in cloud.api.fault_hits()), 30)
    (first.directory / "run/go").touch()
    code, message = first.finish()
    assert (code, message["result"]) == (0, "Succeeded"), message
    second = worker(spec, attempt=2, pod="second")
    second.start_trainer("cd /cloister/restore; [ -d last ] && cat last/a last/b || cat last")
    assert second.finish()[0] == 0
    assert set(second.log("trainer").split()) == {"two"}


def test_a_checkpoint_that_the_trainer_removes_meanwhile_is_none(cloud, worker, tmp_path, prefix):
    path, _ = data_file(tmp_path, 1000)
    cloud.api.faults([{"match": "POST /upload/.*data/old", "times": 1, "delay_seconds": 2}])
    w = worker(encrypt(cloud, prefix, path))
    w.start_trainer("cd /cloister/checkpoints; mkdir .tmp; echo 1 > .tmp/a; echo 1 > .tmp/b; mv .tmp old;"
                    f"while [ ! -e /cloister/run/go ]; do sleep 0.1; done; rm -r old; {checkpoint('new')}")
    wait_for("the upload", lambda: any(fault["hits"] for fault in cloud.api.fault_hits()), 30)
    (w.directory / "run/go").touch()
    code, message = w.finish()
    assert (code, message["result"], message["checkpoint"]["name"]) == (0, "Succeeded", "new"), message

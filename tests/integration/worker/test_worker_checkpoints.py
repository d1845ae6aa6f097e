"""Checkpoints: which are taken and when, and what the next attempt resumes from."""
import json
import time

import pytest

from kit.cloud import BUCKET
from kit.cluster import wait_for
from kit.worker import FOLDER, checkpoint, committed, data_file, encrypt


def restored(worker):
    """The checkpoints that its agent says to have restored."""
    lines = [json.loads(line) for line in worker.log("agent").splitlines() if "restored a checkpoint" in line]
    return [line["name"] for line in lines]


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
        assert restored(w) == ["step-2"]


def test_a_late_worker_does_not_see_the_checkpoint_of_its_own_attempt(cloud, worker, tmp_path, prefix):
    path, _ = data_file(tmp_path, 1000)
    spec = encrypt(cloud, prefix, path)
    first = worker(spec)
    first.start_trainer(f"{checkpoint('step-1')}; sleep 2; {checkpoint('step-2')}")
    assert first.finish()[0] == 0
    late = worker(spec, attempt=1, index=1, pod="late")
    late.start_trainer("ls /cloister/restore")
    code, message = late.finish()
    assert code == 0 and late.log("trainer") == "" and restored(late) == []


# ---- rollback ----
def head_name(prefix):
    return f"{prefix}/ckpt/{FOLDER}HEAD"


@pytest.fixture
def lineage(cloud, worker, tmp_path, prefix):
    """Three checkpoints of a first attempt: what HEAD was after each, and the keys and inputs of the job."""
    path, _ = data_file(tmp_path, 1000)
    spec = encrypt(cloud, prefix, path)
    first = worker(spec)
    first.start_trainer("; ".join(f"{checkpoint(f'step-{n}')}; while [ -e /cloister/checkpoints/step-{n} ]; do sleep 0.1; done; "
                                  f"while [ ! -e /cloister/run/go-{n} ]; do sleep 0.1; done" for n in (1, 2, 3)))
    heads = []
    for n in (1, 2, 3):
        wait_for(f"checkpoint {n}", lambda n=n: committed(cloud, prefix, f"step-{n}"), 30)
        heads.append(cloud.api.object_bytes(BUCKET, head_name(prefix)))
        (first.directory / f"run/go-{n}").touch()
    assert first.finish()[0] == 0
    return spec, heads


def anchored(worker, spec, prefix, head, **changes):
    """A worker whose plan says that this head's checkpoint is committed."""
    w = worker(spec, pod="anchored", **{"attempt": 2, **changes}, checkpoints={
        "uri": f"gs://{BUCKET}/{prefix}/ckpt/{FOLDER}", "keyName": "data", "anchor": json.loads(head)["manifestSHA256"]})
    w.start_trainer("echo trained; ls /cloister/restore")
    return w


def remove_head(cloud, prefix, heads):
    cloud.api.delete_object(BUCKET, head_name(prefix))


def set_head_back(cloud, prefix, heads):
    cloud.api.put_object(BUCKET, head_name(prefix), heads[0])


def claim_the_digest(cloud, prefix, heads):
    """HEAD names the digest that is asked for, beside an older manifest."""
    forged = {**json.loads(heads[0]), "manifestSHA256": json.loads(heads[1])["manifestSHA256"]}
    cloud.api.put_object(BUCKET, head_name(prefix), json.dumps(forged).encode())


@pytest.mark.parametrize("attack, reason", [(remove_head, "CheckpointRolledBack"), (set_head_back, "CheckpointRolledBack"),
                                            (claim_the_digest, "DataTampered")])
def test_a_committed_checkpoint_cannot_be_taken_back(cloud, worker, prefix, lineage, attack, reason):
    spec, heads = lineage
    attack(cloud, prefix, heads)
    w = anchored(worker, spec, prefix, heads[1])
    code, message = w.finish()
    assert (code, message["result"], message["class"], message["reason"]) == (125, "Failed", "Security", reason), message
    assert "trained" not in w.log("trainer")
    if reason == "CheckpointRolledBack":
        assert json.loads(heads[1])["manifestSHA256"] in message["message"] and f"{FOLDER}HEAD" in message["message"]


@pytest.mark.parametrize("known", [1, 2, 3])
def test_what_was_committed_later_than_the_operator_knows_is_resumed_from(cloud, worker, prefix, lineage, known):
    spec, heads = lineage
    w = anchored(worker, spec, prefix, heads[known - 1])
    code, message = w.finish()
    assert (code, w.log("trainer").split(), restored(w)) == (0, ["trained", "step-3"], ["step-3"]), message


def test_a_late_worker_may_know_a_checkpoint_of_its_own_attempt(cloud, worker, prefix, lineage):
    """It begins where the others began, before it."""
    spec, heads = lineage
    w = anchored(worker, spec, prefix, heads[2], attempt=1, index=1)
    code, message = w.finish()
    assert (code, w.log("trainer")) == (0, "trained\n") and restored(w) == [], message


# ---- what is taken ----
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

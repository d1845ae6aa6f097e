"""Checkpoints: which are taken and when, and what the next attempt resumes from."""
import json
import subprocess
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
        assert (code, w.log("trainer").split()) == (0, ["step-1", "step-2", "two"])
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
    first.start_trainer("; ".join(f"{checkpoint(f'step-{n}')}; while [ ! -e /cloister/run/go-{n} ]; do sleep 0.1; done"
                                  for n in (1, 2)) + f"; {checkpoint('step-3')}")
    heads = []
    for n in (1, 2):
        wait_for(f"checkpoint {n}", lambda n=n: committed(cloud, prefix, f"step-{n}"), 30)
        heads.append(cloud.api.object_bytes(BUCKET, head_name(prefix)))
        (first.directory / f"run/go-{n}").touch()
    assert first.finish()[0] == 0
    return spec, [*heads, cloud.api.object_bytes(BUCKET, head_name(prefix))]


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
    assert (code, w.log("trainer").split(), restored(w)) == (0, ["trained", "step-1", "step-2", "step-3"], ["step-3"]), message


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
        exec 3> open-2; echo half >&3; while [ ! -e /cloister/run/go ]; do sleep 0.1; done; echo whole >&3; exec 3>&-""")
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
                        f"{REWRITING[way].format('two')}; sleep 1; rm -rf .old")
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
    assert next_finds(worker, w) == ["new"]


# ---- what is complete ----
SAVE_THREE = "printf a > ckpt-1.data; printf b > ckpt-1.index; printf c > checkpoint; "
WHOLE_THREE = ["checkpoint", "ckpt-1.data", "ckpt-1.index"]
NAME = "echo checkpoint={} >> $CLOISTER_PROGRESS; "
# What a program does that is killed or fails afterwards, and what the next attempt finds.
SAVES = {
    "half a file": ("echo 1 > .a; mv .a step-1; exec 3> step-2; printf half >&3; sleep 2; kill -9 $$", ["step-1"]),
    "the whole of it": ("echo 1 > .a; mv .a step-1; exec 3> .b; printf half >&3; exec 3>&-; mv .b step-2; sleep 2; kill -9 $$",
                        ["step-1", "step-2"]),
    "three files that it left alone": (SAVE_THREE + "sleep 14; exit 3", WHOLE_THREE),
    "three files just before": (SAVE_THREE + "sleep 2; exit 3", []),
    "three files, then one under a temporary name": (SAVE_THREE + "echo 1 > x.tmp; mv x.tmp x; sleep 1; exit 3", [*WHOLE_THREE, "x"]),
    "a directory in place": ("mkdir -p run/c-1; echo 1 > run/c-1/a; echo 2 > run/c-1/b; sleep 2; exit 3", []),
    "a directory with a marker": ("mkdir -p run/c-1; echo 1 > run/c-1/a; echo 2 > run/c-1/.metadata; sleep 2; exit 3",
                                  ["run/c-1/.metadata", "run/c-1/a"]),
    "a directory that it names": ("mkdir -p run/c-1; echo 1 > run/c-1/a; " + NAME.format("run/c-1") + "sleep 3; exit 3", ["run/c-1/a"]),
    "one that it names by its whole path": ("mkdir c-1; echo 1 > c-1/a; " + NAME.format("/cloister/checkpoints/c-1/") + "exit 3", ["c-1/a"]),
    "two, named one after the other": ("mkdir c-1 c-2; echo 1 > c-1/a; echo 1 > c-2/a; " + NAME.format("c-1") + NAME.format("c-2") +
                                       "sleep 1; exit 3", ["c-1/a", "c-2/a"]),
    "links": ("mkdir .t; echo 1 > .t/a; ln -s a .t/b; ln -s /etc/passwd .t/c; mv .t c-1; sleep 2; exit 3", ["c-1/a", "c-1/b"]),
    # As the frameworks of docs/concepts.md write, with their names and in their order.
    "PyTorch torch.save": ("echo 1 > .step-5.tmp; mv .step-5.tmp step-5.pt; sleep 1; exit 3", ["step-5.pt"]),
    "PyTorch DCP": ("mkdir step-5; echo 1 > step-5/__0_0.distcp; echo 2 > step-5/__0_1.distcp; echo 3 > step-5/.metadata.tmp; "
                    "mv step-5/.metadata.tmp step-5/.metadata; sleep 1; exit 3",
                    ["step-5/.metadata", "step-5/__0_0.distcp", "step-5/__0_1.distcp"]),
    "TensorFlow tf.train.Checkpoint": (
        "d=ckpt-1.data-00000-of-00001; echo 1 > $d.tempstate17; mv $d.tempstate17 $d; echo 2 > ckpt-1.index.tempstate18; "
        "mv ckpt-1.index.tempstate18 ckpt-1.index; echo 3 > checkpoint.tmp9f; mv checkpoint.tmp9f checkpoint; " + NAME.format("checkpoint") +
        "exit 3", ["checkpoint", "ckpt-1.data-00000-of-00001", "ckpt-1.index"]),
    "Hugging Face Trainer": (
        "mkdir checkpoint-500; cd checkpoint-500; for f in config.json model.safetensors optimizer.pt trainer_state.json; do echo 1 > $f; done; " +
        NAME.format("checkpoint-500") + "exit 3",
        [f"checkpoint-500/{f}" for f in ("config.json", "model.safetensors", "optimizer.pt", "trainer_state.json")]),
    "Hugging Face Trainer without a line": (
        "mkdir checkpoint-500; for f in config.json model.safetensors; do echo 1 > checkpoint-500/$f; sleep 1; done; sleep 13; exit 3",
        ["checkpoint-500/config.json", "checkpoint-500/model.safetensors"]),
    "Lightning": ("echo 1 > epoch=0-step=10.ckpt; " + NAME.format("epoch=0-step=10.ckpt") + "exit 3", ["epoch=0-step=10.ckpt"]),
    "Lightning without a line": ("echo 1 > epoch=0-step=10.ckpt; echo 1 > last.ckpt; sleep 13; exit 3", ["epoch=0-step=10.ckpt", "last.ckpt"]),
    "JAX with Orbax": ("t=5.orbax-checkpoint-tmp-17; mkdir -p $t/state; echo 1 > $t/_CHECKPOINT_METADATA; echo 2 > $t/state/manifest.ocdbt; "
                       "mv $t 5; sleep 1; exit 3", ["5/_CHECKPOINT_METADATA", "5/state/manifest.ocdbt"]),
    "a log that stays open": ("exec 3> log; echo 1 >&3; echo 1 > .a; mv .a step-1; echo 2 >&3; sleep 2; kill -9 $$", ["step-1"]),
}


def next_finds(worker, first):
    """What the next attempt finds in /cloister/restore."""
    second = worker({"keys": first.plan["keys"], "inputs": first.plan["inputs"]}, attempt=2, pod="second")
    second.start_trainer("cd /cloister/restore && find . -mindepth 1 ! -type d | sed 's,^[.]/,,' | LC_ALL=C sort")
    assert second.finish()[0] == 0
    return second.log("trainer").split()


@pytest.mark.parametrize("way", SAVES)
def test_the_next_attempt_finds_what_was_complete_and_nothing_else(cloud, worker, tmp_path, prefix, way):
    path, _ = data_file(tmp_path, 1000)
    script, found = SAVES[way]
    w = worker(encrypt(cloud, prefix, path))
    w.start_trainer(f"CLOISTER_PROGRESS=/cloister/run/progress; cd /cloister/checkpoints; {script}")
    assert w.finish()[0] != 0
    assert next_finds(worker, w) == found, w.log("agent")


def test_what_was_not_complete_at_the_end_is_named(cloud, worker, tmp_path, prefix):
    path, _ = data_file(tmp_path, 1000)
    w = worker(encrypt(cloud, prefix, path))
    w.start_trainer("cd /cloister/checkpoints; echo 1 > config.json; echo 1 > model.bin; sleep 1; exit 3")
    code, message = w.finish()
    assert code == 3 and "config.json, model.bin" in message["warning"], message
    assert [json.loads(line)["path"] for line in w.log("agent").splitlines() if "not in any checkpoint" in line] == [
        "config.json", "model.bin"]


def test_what_cannot_be_stored_is_not_called_incomplete(cloud, worker, tmp_path, prefix):
    path, _ = data_file(tmp_path, 1000)
    w = worker(encrypt(cloud, prefix, path))
    w.start_trainer("cd /cloister/checkpoints; ln -s /etc/passwd out; mkfifo pipe; echo 1 > .t; mv .t step-1; sleep 2; echo 1 > late; exit 3")
    message = w.finish()[1]
    assert "Left out of the checkpoint: out (the link leads out of the directory, or has .. after a name)." in message["warning"]
    assert "when it ended: late." in message["warning"] and message["warning"].count("Left out") == 1, message


def test_a_commit_of_several_checkpoints_is_restored_under_the_name_of_the_newest(cloud, worker, tmp_path, prefix):
    path, _ = data_file(tmp_path, 1000)
    w = worker(encrypt(cloud, prefix, path))
    w.start_trainer("cd /cloister/checkpoints; for i in 7 8 9; do echo $i > .t; mv .t step-$i; done; exit 1")
    assert w.finish()[1]["checkpoint"]["name"] == "step-9"
    second = worker({"keys": w.plan["keys"], "inputs": w.plan["inputs"]}, attempt=2, pod="second")
    second.start_trainer("exit 1")
    assert second.finish()[1]["restored"]["name"] == "step-9"


@pytest.mark.parametrize("line", ["run/nothing", "/etc", "../output"])
def test_a_line_that_names_no_checkpoint_is_warned_of(cloud, worker, tmp_path, prefix, line):
    path, _ = data_file(tmp_path, 1000)
    w = worker(encrypt(cloud, prefix, path))
    w.start_trainer(f"echo checkpoint={line} >> /cloister/run/progress; sleep 2")
    code, message = w.finish()
    assert code == 0 and ("The program names checkpoint run/nothing, but" in message.get("warning", "")) == (line == "run/nothing")
    warnings = [json.loads(line) for line in w.log("agent").splitlines() if "the program names a checkpoint" in line]
    assert [w["severity"] for w in warnings] == ["WARNING"]


def test_nothing_vanishes_and_nothing_is_stored_twice(cloud, worker, tmp_path, prefix):
    path, _ = data_file(tmp_path, 1000)
    w = worker(encrypt(cloud, prefix, path))
    w.start_trainer(f"{checkpoint('best')}; while [ ! -e /cloister/run/go ]; do sleep 0.1; done; {checkpoint('step-2')};"
                    "cat /cloister/checkpoints/best; mv /cloister/checkpoints/best /cloister/checkpoints/oldest")
    wait_for("the first checkpoint", lambda: committed(cloud, prefix, "best"), 30)
    (w.directory / "run/go").touch()
    code, _ = w.finish()
    assert (code, w.log("trainer")) == (0, "x\n")
    stored = [n.rsplit("/", 1)[1] for n in cloud.api.objects(BUCKET, prefix=f"{prefix}/ckpt/") if "/data/" in n]
    assert sorted(stored) == ["best", "step-2"]
    assert next_finds(worker, w) == ["oldest", "step-2"]


def test_commits_keep_ten_seconds_apart_but_for_the_last(cloud, worker, tmp_path, prefix):
    path, _ = data_file(tmp_path, 1000)
    w = worker(encrypt(cloud, prefix, path))
    w.start_trainer("; ".join(f"{checkpoint(f'step-{n}')}; sleep 1" for n in range(1, 14)))
    code, message = w.finish()
    assert (code, message["checkpoint"]["name"]) == (0, "step-13")
    manifests = [n for n in cloud.api.objects(BUCKET, prefix=f"{prefix}/ckpt/") if n.endswith("/manifest")]
    assert len(manifests) == 3


def test_attempts_build_on_one_another(cloud, worker, tmp_path, prefix):
    path, _ = data_file(tmp_path, 1000)
    spec = encrypt(cloud, prefix, path)
    for attempt, names in ((1, ["tokenizer", "step-1"]), (2, ["step-2", "step-3"]), (3, ["step-4"])):
        w = worker(spec, attempt=attempt, pod=f"pod-{attempt}")
        w.start_trainer("; ".join(map(checkpoint, names)))
        assert w.finish()[0] == 0
    last = worker(spec, attempt=4, pod="last")
    last.start_trainer("ls /cloister/restore")
    assert last.finish()[0] == 0 and last.log("trainer").split() == ["step-2", "step-3", "step-4", "tokenizer"]


def test_what_another_worker_writes_there_is_warned_of(cloud, worker, tmp_path, prefix):
    path, _ = data_file(tmp_path, 1000)
    other = worker(encrypt(cloud, prefix, path), index=1)
    other.start_trainer(checkpoint("shard-1") + "; sleep 2")
    code, message = other.finish()
    assert code == 0 and "only worker 0's checkpoints are stored" in message["warning"]
    assert other.log("agent").count("only worker 0's checkpoints are stored") == 1


# ---- room ----
STEP = "head -c 2000000 /dev/zero > .t && mv .t step-{0} && "


@pytest.fixture
def small(tmp_path, worker):
    """Workers whose volume for checkpoints and output has 9 MB."""
    mounts = []

    def make(*arguments, **options):
        out = tmp_path / f"worker-{len(mounts)}" / "out"
        out.mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=9000k", "tmpfs", out], check=True)
        mounts.append(out)
        return worker(*arguments, **options)
    yield make
    for out in mounts:
        subprocess.run(["umount", "--lazy", out], check=True)


def test_old_checkpoints_make_room_unless_the_program_reads_them_back(cloud, small, tmp_path, prefix):
    path, _ = data_file(tmp_path, 1000)
    spec = encrypt(cloud, prefix, path)
    wait = "while [ ! -e /cloister/run/go-{0} ]; do sleep 0.1; done && "
    steps = {n: STEP.format(n) + wait.format(n) for n in (1, 2, 3, 4)}
    workers = {folder: small(spec, folder=folder, pod=folder) for folder in (f"{prefix}/a", f"{prefix}/b")}
    writes, reads = workers.values()
    writes.start_trainer("cd /cloister/checkpoints && " + "".join(steps.values()) + STEP.format(5) + "ls")
    reads.start_trainer(f"cd /cloister/checkpoints && {steps[1]} cat step-1 > /dev/null && {steps[2]} {steps[3]} {steps[4]} "
                        f"{STEP.format(5)} ls")
    for n in (1, 2, 3, 4):
        for folder, w in workers.items():
            wait_for(f"checkpoint {n}", lambda n=n, folder=folder: committed(cloud, folder, f"step-{n}"), 180)
            if n == 4 and w is writes:
                wait_for("room", lambda: not (writes.directory / "out/checkpoints/step-1").exists(), 180)
            (w.directory / f"run/go-{n}").touch()
    code, message = writes.finish(180)
    assert (code, writes.log("trainer").split()) == (0, ["step-2", "step-3", "step-4", "step-5"]), message
    assert writes.log("agent").count("removing old checkpoints") == 1
    assert message["checkpoint"]["name"] == "step-5"
    code, message = reads.finish(180)
    assert (code, message["class"], message["reason"]) == (1, "Resource", "OutputVolumeFull"), message
    assert "removing" not in reads.log("agent")


def test_room_for_checkpoints_of_small_files_is_counted_in_pages(cloud, small, tmp_path, prefix):
    """100 files of two bytes take 100 pages; beside the model there is room for 467."""
    path, _ = data_file(tmp_path, 1000)
    w = small(encrypt(cloud, prefix, path))
    step = "mkdir .t && for i in $(seq 100); do echo x > .t/$i || exit 9; done && mv .t step-{0} && "
    wait = "while [ ! -e /cloister/run/go-{0} ]; do sleep 0.1; done && "
    w.start_trainer("head -c 7300000 /dev/zero > /cloister/output/model && cd /cloister/checkpoints && "
                    + "".join((step + wait).format(n) for n in (1, 2, 3, 4)) + step.format(5) + "ls")
    for n in (1, 2, 3, 4):
        wait_for(f"checkpoint {n}", lambda n=n: committed(cloud, prefix, f"step-{n}"), 180)
        if n == 4:
            wait_for("room", lambda: not list((w.directory / "out/checkpoints").glob("step-1/*")), 180)
        (w.directory / f"run/go-{n}").touch()
    code, message = w.finish(180)
    assert code == 0 and message["checkpoint"]["name"] == "step-5", message
    assert w.log("agent").count("removing old checkpoints") == 1


def test_older_checkpoints_are_not_restored_where_there_is_no_room(cloud, worker, tmp_path, prefix):
    path, _ = data_file(tmp_path, 1000)
    spec = encrypt(cloud, prefix, path)
    first = worker(spec)
    first.start_trainer(f"cd /cloister/checkpoints; {STEP.format(1)} sleep 2; {STEP.format(2)} echo 1 > .t; mv .t vocabulary")
    assert first.finish()[0] == 0
    second = worker(spec, attempt=2, pod="second", inputLimitBytes=3_000_000)
    second.start_trainer("ls /cloister/restore")
    code, message = second.finish()
    assert (code, second.log("trainer").split()) == (0, ["step-2", "vocabulary"])
    assert "1 older checkpoint is not in /cloister/restore" in message["warning"]
    third = worker(spec, attempt=3, pod="third")
    third.start_trainer("ls /cloister/restore")
    assert third.finish()[0] == 0 and third.log("trainer").split() == ["step-1", "step-2", "vocabulary"]

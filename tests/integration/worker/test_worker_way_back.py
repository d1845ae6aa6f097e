"""The way back from a checkpoint that the program cannot go on from: what the operator passes over is not restored."""
import json

import pytest

from kit.cloud import BUCKET
from kit.cluster import wait_for
from kit.worker import FOLDER, checkpoint, committed, data_file, encrypt


@pytest.fixture
def attempts(cloud, worker, tmp_path, prefix):
    """Runs attempts of one job, of which the first has committed step-1, and then step-2 as its second snapshot."""
    path, _ = data_file(tmp_path, 1000)
    spec = encrypt(cloud, prefix, path)
    first = worker(spec)
    first.start_trainer(f"{checkpoint('step-1')}; while [ ! -e /cloister/run/go ]; do sleep 0.1; done; {checkpoint('step-2')}; exit 1")
    wait_for("step-1", lambda: committed(cloud, prefix, "step-1"), 30)
    (first.directory / "run/go").touch()
    assert first.finish()[1]["checkpoint"]["sequence"] == 2

    def run(attempt, script="true", passed_over=None, index=0, anchor=""):
        where = {"uri": f"gs://{BUCKET}/{prefix}/ckpt/{FOLDER}", "keyName": "data", "anchor": anchor}
        if passed_over:
            where["passedOver"] = dict(zip(("attempt", "sequence", "untilAttempt"), passed_over, strict=True))
        w = worker(spec, attempt=attempt, index=index, pod=f"pod-{attempt}-{index}", checkpoints=where)
        w.start_trainer(f"ls /cloister/restore; {script}")
        code, message = w.finish()
        return w.log("trainer").split(), message.get("restored"), message
    return run


def head(cloud, prefix):
    return json.loads(cloud.api.object_bytes(BUCKET, f"{prefix}/ckpt/{FOLDER}HEAD"))


def test_the_newest_is_restored_where_nothing_is_passed_over(attempts):
    files, restored, _ = attempts(2, "exit 1")
    assert (files, restored) == (["step-1", "step-2"], {"name": "step-2", "attempt": 1, "sequence": 2})


def test_what_was_committed_before_the_one_passed_over_is_restored_and_built_on(cloud, attempts, prefix):
    before = head(cloud, prefix)
    passed = (1, 2, 4)
    files, restored, message = attempts(4, f"{checkpoint('step-3')}; exit 1", passed)
    assert (files, restored) == (["step-1"], {"name": "step-1", "attempt": 1, "sequence": 1})
    assert head(cloud, prefix)["attempt"] == 4 and message["checkpoint"]["name"] == "step-3"
    # A worker that starts late begins where its peers did, and the next attempt goes on from the new one.
    assert attempts(4, passed_over=passed, index=1)[0] == ["step-1"]
    # The one that was passed over stays in the chain: it may be the one that status.checkpoint names.
    assert attempts(5, "exit 1", passed, anchor=before["manifestSHA256"])[:2] == (["step-1", "step-3"], {"name": "step-3", "attempt": 4, "sequence": 1})


def test_a_checkpoint_that_was_passed_over_once_does_not_come_back(attempts):
    attempts(4, f"{checkpoint('step-3')}; exit 1", (1, 2, 4))
    assert attempts(7, "exit 1", (4, 1, 7))[0] == ["step-1"]


def test_an_attempt_begins_anew_where_nothing_stands_before_the_one_passed_over(cloud, attempts, prefix):
    files, restored, _ = attempts(4, f"{checkpoint('step-1', 'anew')}; exit 1", (1, 1, 4))
    assert (files, restored) == ([], None)
    assert attempts(5, "cat /cloister/restore/step-1; exit 1", (1, 1, 4))[0] == ["step-1", "anew"]

"""HEAD proves nothing: anybody who can write to the bucket can say that a pod was replaced. What an agent does then."""
import json

import pytest

from kit.cloud import BUCKET, key_uses
from kit.cluster import wait_for
from kit.worker import FOLDER, checkpoint, committed, data_file, encrypt

AWAY, CURRENT, REPLACED, NO_TOKEN = (503, {"Retry-After": "1"}), (200, {}), (410, {}), (403, {})
WAIT = "while [ ! -e /cloister/run/go ]; do sleep 0.1; done; "


@pytest.fixture
def spec(cloud, tmp_path, prefix):
    path, _ = data_file(tmp_path, 1000)
    return encrypt(cloud, prefix, path)


@pytest.fixture
def decrypts(cloud):
    """How many keys were asked for since the last call."""
    seen = [0]

    def count():
        now = key_uses(cloud)
        seen[0], new = now, now - seen[0]
        return new
    return count


def head_name(prefix):
    return f"{prefix}/ckpt/{FOLDER}HEAD"


def read_head(cloud, prefix):
    return json.loads(cloud.api.object_bytes(BUCKET, head_name(prefix)))


def forge(cloud, prefix, **changes):
    head = {**read_head(cloud, prefix), **changes}
    cloud.api.put_object(BUCKET, head_name(prefix), json.dumps(head).encode())


def commit(worker, spec, attempt, pod="committer", code=0):
    """An attempt that commits step-ATTEMPT."""
    w = worker(spec, attempt=attempt, pod=pod)
    w.start_trainer(f"{checkpoint(f'step-{attempt}')}; exit {code}")
    assert w.finish()[0] == code


def end_of(w):
    w.start_trainer("echo trained; ls /cloister/restore")
    code, message = w.finish()
    assert ("trained" in w.log("trainer")) == (code == 0)
    return code, message.get("class"), message.get("reason")


SUPERSEDED, TAMPERED = (125, "Disruption", "Superseded"), (125, "Security", "DataTampered")


@pytest.mark.parametrize("answer, end, keys", [(CURRENT, TAMPERED, 1), (AWAY, TAMPERED, 1), (NO_TOKEN, TAMPERED, 1), (REPLACED, SUPERSEDED, 0)],
                         ids=["current", "away", "refused", "replaced"])
def test_a_forged_newer_attempt_ends_the_job_unless_the_operator_confirms_it(cloud, worker, reporting, operator, prefix, spec, decrypts, answer, end, keys):
    commit(worker, spec, 1, code=1)
    forge(cloud, prefix, attempt=999)
    decrypts()
    operator.answer = answer
    assert (end_of(reporting(spec, attempt=2)), decrypts()) == (end, keys)


@pytest.mark.parametrize("answer, keys", [(CURRENT, 1), (AWAY, 1), (REPLACED, 0)], ids=["current", "away", "replaced"])
def test_a_pod_that_was_replaced_ends_whatever_the_operator_says(cloud, worker, reporting, operator, prefix, spec, decrypts, answer, keys):
    """The twin: HEAD is true. Without a confirmation the keys show it, and are used for nothing else."""
    commit(worker, spec, 2)
    before = cloud.api.object_bytes(BUCKET, head_name(prefix))
    decrypts()
    operator.answer = answer
    assert (end_of(reporting(spec, attempt=1)), decrypts()) == (SUPERSEDED, keys)
    assert cloud.api.object_bytes(BUCKET, head_name(prefix)) == before


def test_an_operator_that_accepts_no_reports_is_not_asked(cloud, worker, reporting, operator, prefix, spec):
    commit(worker, spec, 1, code=1)
    forge(cloud, prefix, attempt=999)
    assert end_of(reporting(spec, attempt=2, reports=None)) == TAMPERED and operator.posts == []


def test_nobody_is_asked_while_HEAD_is_of_an_earlier_attempt(cloud, worker, reporting, operator, prefix, spec):
    """Reports are only advice: a refusal by itself ends nothing."""
    commit(worker, spec, 1, code=1)
    operator.answer = REPLACED
    w = reporting(spec, attempt=2)
    assert end_of(w)[0] == 0 and "step-1" in w.log("trainer")
    assert "asked the operator" not in w.log("agent")


@pytest.mark.parametrize("changes", [{"attempt": 999, "manifest": f"999/{'0' * 32}/manifest", "id": "0" * 32}, {"podUID": "uid-of-nobody"},
                                     {"attempt": 2, "podUID": "uid-of-pod-1"}], ids=["no manifest", "another pod", "this pod"])
def test_a_HEAD_that_says_something_else_than_its_manifest_ends_the_job(cloud, worker, reporting, operator, prefix, spec, changes):
    commit(worker, spec, 1, code=1)
    forge(cloud, prefix, **changes)
    code, failure_class, _ = end_of(reporting(spec, attempt=2))
    assert code == 125 and failure_class in ("Security", "Data")


def test_a_forged_HEAD_stops_no_running_worker_as_superseded(cloud, reporting, operator, prefix, spec):
    w = reporting(spec)
    w.start_trainer(f"{checkpoint('step-1')}; {WAIT}{checkpoint('step-2')}; sleep 60")
    wait_for("the first checkpoint", lambda: committed(cloud, prefix, "step-1"), 30)
    forge(cloud, prefix, attempt=999)
    (w.directory / "run/go").touch()
    code, message = w.finish()
    assert (code, message["class"], message["reason"]) == TAMPERED and "attempt 999" in message["message"]


def test_a_HEAD_that_was_deleted_while_a_worker_runs_is_written_again(cloud, worker, prefix, spec):
    w = worker(spec)
    w.start_trainer(f"{checkpoint('step-1')}; {WAIT}{checkpoint('step-2')}; exit 1")
    wait_for("the first checkpoint", lambda: committed(cloud, prefix, "step-1"), 30)
    anchor = read_head(cloud, prefix)["manifestSHA256"]
    cloud.api.delete_object(BUCKET, head_name(prefix))
    (w.directory / "run/go").touch()
    assert w.finish()[0] == 1 and committed(cloud, prefix, "step-2")
    second = worker(spec, attempt=2, pod="second",
                    checkpoints={"uri": f"gs://{BUCKET}/{prefix}/ckpt/{FOLDER}", "keyName": "data", "anchor": anchor})
    second.start_trainer("ls /cloister/restore")
    assert second.finish()[0] == 0 and second.log("trainer").split() == ["step-1", "step-2"]

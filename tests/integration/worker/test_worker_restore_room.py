"""What the next attempt would have no room for is said when it is committed."""
import pytest

from kit.cluster import wait_for
from kit.worker import committed, data_file, encrypt

PART, NONE = "The next attempt would not restore the oldest checkpoints", "The next attempt would fail with InputVolumeFull"
WAIT = "while [ ! -e /cloister/run/go ]; do sleep 0.1; done; "
MIB = 1 << 20


@pytest.fixture
def start(cloud, worker, tmp_path, prefix):
    """Workers with an input of 1 MiB."""
    path, _ = data_file(tmp_path, MIB)
    spec = encrypt(cloud, prefix, path)

    def start(script, limit_mib, **options):
        w = worker(spec, inputLimitBytes=limit_mib * MIB, **options)
        w.start_trainer(script)
        return w
    return start


def save(name, kib):
    return f"cd /cloister/checkpoints; head -c {kib}k /dev/zero > .{name}; mv .{name} {name}"


def test_older_checkpoints_that_would_not_be_restored_are_said_once(cloud, start, prefix):
    """The numbers count the input: without it, both would fit."""
    wait = "while [ ! -e /cloister/run/{} ]; do sleep 0.1; done"
    w = start("; ".join([save("c-1", 1600), wait.format("c-1"), save("c-2", 1600), wait.format("c-2"), save("c-3", 1600), "exit 1"]), 4)
    for name in ("c-1", "c-2"):
        wait_for(name, lambda name=name: committed(cloud, prefix, name), 30)
        (w.directory / "run" / name).touch()
    code, message = w.finish()
    assert code == 1 and message["warning"].count(PART) == 1 and NONE not in message["warning"], message
    assert "all checkpoints need" in message["warning"] and "staging.inputLimit is 4Mi" in message["warning"]
    second = start("ls /cloister/restore", 4, attempt=2, pod="second")
    assert second.finish()[0] == 0 and second.log("trainer").split() == ["c-3"], "as was said"


def test_a_newest_checkpoint_that_could_not_be_restored_is_said_before_an_attempt_fails(cloud, start, prefix):
    w = start(f"{save('c-1', 3200)}; exit 1", 4)
    code, message = w.finish()
    assert code == 1 and message["warning"].count(NONE) == 1 and PART not in message["warning"], message
    assert "the newest checkpoint need" in message["warning"] and "staging.inputLimit is 4Mi" in message["warning"]
    second = start("ls /cloister/restore", 4, attempt=2, pod="second")
    code, message = second.finish()
    assert (code, message["reason"]) == (125, "InputVolumeFull"), "as was said"


def test_what_would_be_restored_is_not_warned_of(cloud, start, prefix):
    w = start(f"{save('c-1', 1600)}; {save('c-2', 1400)}; exit 1", 4)
    code, message = w.finish()
    assert code == 1 and "warning" not in message, message
    second = start("ls /cloister/restore", 4, attempt=2, pod="second")
    assert second.finish()[0] == 0 and second.log("trainer").split() == ["c-1", "c-2"]


def test_an_agent_that_was_restarted_still_knows_what_the_inputs_take(cloud, start, prefix):
    w = start(f"{save('c-1', 1600)}; {WAIT}{save('c-2', 1600)}; exit 1", 4)
    wait_for("the first checkpoint", lambda: committed(cloud, prefix, "c-1"), 30)
    w.kill_agent()
    w.start_agent()
    wait_for("the agent", lambda: w.log("agent").count('"stage":"running"') == 2, 60)
    (w.directory / "run/go").touch()
    code, message = w.finish()
    assert code == 1 and PART in message["warning"], message

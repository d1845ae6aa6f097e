"""The command that a worker runs: how it is started, what is kept from it, how its end is told."""
import os
import re
import signal
import socket
import struct
import urllib.request

import pytest

from kit.cluster import free_port, wait_for
from kit.worker import data_file, encrypt


def test_runs_a_command_without_keys_inputs_and_output(worker):
    w = worker()
    w.start_trainer("echo ran; exit 7")
    code, message = w.finish()
    assert code == 7 and w.log("trainer") == "ran\n"
    assert (message["result"], message["class"], message["reason"], message["exitCode"]) == (
        "Failed", "Application", "CommandFailed", 7)


def test_a_scraper_that_hangs_up_before_the_answer_ends_nothing(worker):
    port = free_port()
    w = worker(ports={"metrics": port})
    wait_for("the agent", lambda: '"running"' in w.log("agent"), 30)
    os.kill(w.pid("agent"), signal.SIGSTOP)
    with socket.create_connection(("127.0.0.1", port)) as scraper:
        scraper.sendall(b"GET /metrics HTTP/1.1\r\nHost: worker\r\n\r\n")
        scraper.shutdown(socket.SHUT_WR)
        scraper.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.kill(w.pid("agent"), signal.SIGCONT)
    w.start_trainer("exit 0")
    assert w.finish()[0] == 0


def test_scrapers_that_say_nothing_cost_the_agent_little(worker):
    port = free_port()
    w = worker(ports={"metrics": port})
    wait_for("the agent", lambda: '"running"' in w.log("agent"), 30)
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(500)]
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            assert b"process_open_fds" in answer.read()
        assert len(os.listdir(f"/proc/{w.pid('agent')}/fd")) < 100
    finally:
        for one in silent:
            one.close()
    w.start_trainer("exit 0")
    assert w.finish()[0] == 0


def test_the_trainer_leaves_no_core_file(worker):
    """Not even through a program that takes core files: its kernel looks for the limit of one byte."""
    w = worker()
    w.start_trainer("cat /proc/self/limits")
    assert w.finish()[0] == 0
    assert re.search(r"Max core file size +1 +1 ", w.log("trainer"))


SWAPS = "Filename\tType\tSize\tUsed\tPriority\n"


@pytest.mark.parametrize("limit, is_refused", [("max", True), ("0", False), (None, True)])
def test_no_command_runs_where_its_own_container_may_be_swapped(worker, tmp_path, limit, is_refused):
    """The kubelet gives swap to a container whose memory request is below its limit: the trainer's, never the agent's."""
    w = worker()
    wait_for("the agent", lambda: '"running"' in w.log("agent"), 30)
    (tmp_path / "swaps").write_text(SWAPS + "/dev/sda2 partition 1048572 0 -2\n")
    w.binds = ["--ro-bind", tmp_path / "swaps", "/proc/swaps"]
    if limit is not None:
        (tmp_path / "limit").write_text(limit + "\n")
        w.binds += ["--ro-bind", tmp_path / "limit", "/sys/fs/cgroup/memory.swap.max"]
    w.start_trainer("echo ran")
    code, message = w.finish()
    assert (code, "ran" in w.log("trainer").split()) == ((125, False) if is_refused else (0, True))
    assert message.get("reason") == ("SwapEnabled" if is_refused else None)


def test_discarded_output_goes_nowhere(worker):
    w = worker()
    w.start_trainer("echo secret; echo secret >&2; exit 7", "--discard-output")
    code, message = w.finish()
    assert (code, w.log("trainer"), message["reason"]) == (7, "", "CommandFailed")


def test_a_command_that_is_not_there_is_named_even_when_its_output_is_discarded(worker):
    w = worker()
    w.start("trainer", "/opt/bin/cloister-exec", "--discard-output", "--", "/no/such/program")
    assert w.finish()[0] == 127
    assert w.log("trainer") == "cloister: cannot run /no/such/program: No such file or directory\n"


def test_refuses_what_is_no_regular_file(cloud, worker, tmp_path, prefix):
    path, _ = data_file(tmp_path, 1000)
    w = worker(encrypt(cloud, prefix, path))
    w.start_trainer("mkfifo /cloister/output/pipe")
    code, message = w.finish()
    assert (code, message["class"], message["reason"]) == (125, "Application", "OutputUnreadable")
    assert "pipe" in message["message"]


def test_links_that_lead_out_of_the_output_are_left_out_with_a_warning(cloud, worker, tmp_path, prefix):
    path, _ = data_file(tmp_path, 1000)
    w = worker(encrypt(cloud, prefix, path))
    w.start_trainer("cd /cloister/output; echo 1 > model-1; ln -s model-1 latest; ln -s /etc/passwd secret")
    code, message = w.finish()
    assert (code, message["result"]) == (0, "Succeeded") and "such as secret" in message["warning"], message


def test_an_empty_output_succeeds_with_a_warning(cloud, worker, tmp_path, prefix):
    path, _ = data_file(tmp_path, 1000)
    w = worker(encrypt(cloud, prefix, path))
    w.start_trainer("true")
    code, message = w.finish()
    assert (code, message["result"]) == (0, "Succeeded") and "The output is empty" in message["warning"], message

"""The agent and cloister-exec against the test cloud, with everything that goes wrong between them and Google.

Both run as they do in a pod, in a root of their own (bubblewrap), with the plan that the operator would have written.
"""
import hashlib
import json
import os
import random
import re
import select
import signal
import socket
import socketserver
import struct
import subprocess
import threading
import time

import pytest

from kit.cloud import BUCKET, KEY, NODE, OWNER, RunningCloud, furnish
from kit.cluster import ROOT, free_port, run, wait_for
from kit.stock import Stock

BIN = ROOT / os.environ.get("BUILD", "build") / "bin"
JOB_UID = "0f0e0d0c-0000-4000-8000-000000000001"
FOLDER = "job-0f0e0d0c/"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    cloud = RunningCloud(tmp_path_factory.mktemp("cloud"), "--default-account", NODE)
    cloud.start()
    furnish(cloud)
    cloud.api.grant_key(KEY, f"serviceAccount:{NODE}", "roles/cloudkms.cryptoKeyDecrypter")
    cloud.api.grant_bucket(BUCKET, f"serviceAccount:{NODE}", "roles/storage.objectUser")
    yield cloud
    cloud.stop()


@pytest.fixture(autouse=True)
def calm(cloud):
    yield
    cloud.api.clear_faults()
    cloud.api.token_lifetime(3600)


@pytest.fixture
def prefix(request):
    """A folder of the bucket for this test alone."""
    return re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")


def plugin(cloud, *arguments):
    return run(BIN / "kubectl-cloister", *arguments, env={
        **os.environ, "GOOGLE_APPLICATION_CREDENTIALS": str(cloud.state / f"{OWNER}.json"),
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE": cloud.url, "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS": cloud.url,
        "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE": str(cloud.state / "ca.pem")})


def encrypt(cloud, prefix, *paths):
    """keys and inputs of a job, for files encrypted below gs://BUCKET/prefix/data/."""
    import yaml
    return yaml.safe_load(plugin(cloud, "encrypt", *paths, f"gs://{BUCKET}/{prefix}/data/", "--kms-key", KEY).stdout)


class Worker:
    """One worker pod without a pod."""

    def __init__(self, cloud, directory, prefix, spec=None, attempt=1, index=0, pod="pod-1", **changes):
        self.cloud, self.directory = cloud, directory
        self.binds = []  # more options of bubblewrap, for what is started from now on
        self.processes = {}
        for name in ("in", "out/output", "out/checkpoints", "run", "in/restore"):
            (directory / name).mkdir(parents=True, exist_ok=True)
        self.message_file = directory / "termination-log"
        self.message_file.touch()
        key = {"keyName": "data"}
        self.plan = {
            "version": 1, "job": {"namespace": "ml", "name": "job", "uid": JOB_UID}, "attempt": attempt, "index": index,
            "replicas": 2, "requireHSM": False,
            "endpoints": {"metadata": f"http://{cloud.metadata}", "kms": cloud.url, "storage": cloud.url,
                          "caBundle": (cloud.state / "ca.pem").read_text()},
            "keys": spec["keys"] if spec else [], "inputs": [{"associatedData": "Object", **i} for i in spec["inputs"]] if spec else [],
            "inputLimitBytes": 64 << 20, "outputLimitBytes": 64 << 20, "gracePeriodSeconds": 30, "connections": 8,
            "checkpoints": {"uri": f"gs://{BUCKET}/{prefix}/ckpt/{FOLDER}", **key},
            "output": {"uri": f"gs://{BUCKET}/{prefix}/models/{FOLDER}{attempt}/", "publish": index == 0, **key}, **changes}
        if not spec:
            del self.plan["checkpoints"], self.plan["output"]
        self.environment = {"CLOISTER_PLAN": json.dumps(self.plan), "POD_UID": f"uid-of-{pod}", "PATH": "/usr/bin:/bin",
                            # An undumpable process cannot be searched for leaks.
                            "ASAN_OPTIONS": "detect_leaks=0"}

    def sandbox(self, *command):
        binds = [x for n in ("in", "out", "run") for x in ("--bind", self.directory / n, f"/cloister/{n}")]
        return ["bwrap", "--die-with-parent", "--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib",
                "/lib", "--symlink", "usr/lib64", "/lib64", "--ro-bind", "/etc", "/etc", "--proc", "/proc", "--dev", "/dev",
                "--ro-bind", BIN, "/opt/bin", *binds, "--bind", self.directory / "in/restore", "/cloister/restore",
                "--bind", self.directory / "out/output", "/cloister/output", "--bind", self.directory / "out/checkpoints",
                "/cloister/checkpoints", "--bind", self.message_file, "/dev/termination-log", *self.binds, "--", *command]

    def start(self, name, *command):
        log = open(self.directory / f"{name}.log", "ab")
        self.processes[name] = subprocess.Popen([str(c) for c in self.sandbox(*command)], env=self.environment,
                                                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def start_agent(self):
        self.start("agent", "/opt/bin/cloister-worker", "serve")

    def start_trainer(self, script, *options):
        self.start("trainer", "/opt/bin/cloister-exec", "--grace-seconds=10", "--reserve-seconds=5", *options, "--", "/bin/sh", "-c",
                   script)

    def pid(self, name):
        """Of the program itself, below bubblewrap."""
        pids = [self.processes[name].pid]
        while children := subprocess.run(["pgrep", "-P", ",".join(map(str, pids))], capture_output=True, text=True).stdout.split():
            pids = [int(c) for c in children][:1]
        return pids[0]

    def kill_agent(self):
        os.kill(self.pid("agent"), signal.SIGKILL)
        self.processes["agent"].wait(10)

    def finish(self, timeout=60):
        """Waits for the trainer's end, then ends the agent as the kubelet does. Returns the exit code and the message."""
        code = self.processes["trainer"].wait(timeout)
        os.kill(self.pid("agent"), signal.SIGTERM)
        assert self.processes["agent"].wait(20) == 0, "the agent ends with 0 after SIGTERM"
        return code, self.message()

    def message(self):
        text = self.message_file.read_text()
        assert len(text) <= 4096
        return json.loads(text)

    def log(self, name):
        return (self.directory / f"{name}.log").read_text()

    def stop(self):
        for process in self.processes.values():
            process.kill()
            process.wait()


@pytest.fixture
def worker(cloud, tmp_path, prefix):
    made = []

    def make(spec=None, **options):
        directory = tmp_path / f"worker-{len(made)}"
        made.append(Worker(cloud, directory, prefix, spec, **options))
        made[-1].start_agent()
        return made[-1]
    yield make
    for one in made:
        one.stop()


def data_file(tmp_path, size, name="data.bin"):
    path = tmp_path / name
    path.write_bytes(random.Random(size).randbytes(size))
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


COPY = "sha256sum < /cloister/in/inputs/data/data.bin; cp /cloister/in/inputs/data/data.bin /cloister/output/model"


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


# Each is a list of faults that the test cloud plays; the job must not notice.
STORMS = {
    "calm": [],
    "metadata server is late": [{"match": "computeMetadata", "times": 3, "status": 503}],
    "kms is busy": [{"match": ":decrypt", "times": 2, "status": 503}, {"match": ":decrypt", "times": 1, "status": 429}],
    "kms drops its answer": [{"match": ":decrypt", "times": 1, "drop": "after"}],
    "downloads break off": [{"match": "GET /download/.*data.bin", "times": 3, "truncate_bytes": 300000}],
    "downloads are refused for a while": [{"match": "GET /download/", "times": 3, "status": 503}],
    "listing fails": [{"match": "GET /storage/v1/b/[^/]+/o\\?", "times": 2, "status": 500}],
    "upload session is slow to open": [{"match": "POST /upload/.*resumable", "times": 2, "status": 503}],
    "upload chunks are lost": [{"match": "PUT /upload/", "times": 2, "drop": True}],
    "answers of upload chunks are lost": [{"match": "PUT /upload/", "times": 2, "drop": "after"}],
    "answers of small uploads are lost": [{"match": "POST /upload/.*multipart", "times": 3, "drop": "after"}],
    "answer of moving HEAD is lost": [{"match": "POST /upload/.*HEAD", "times": 1, "drop": "after"}],
}


@pytest.mark.parametrize("storm", STORMS)
def test_stages_trains_and_publishes_although(cloud, worker, tmp_path, prefix, storm):
    path, digest = data_file(tmp_path, 5_000_000)
    spec = encrypt(cloud, prefix, path)
    cloud.api.faults(STORMS[storm])
    w = worker(spec)
    w.start_trainer(COPY + "; echo 1 > /cloister/checkpoints/.a.tmp; mv /cloister/checkpoints/.a.tmp /cloister/checkpoints/step-7")
    code, message = w.finish(120)
    assert (code, message["result"]) == (0, "Succeeded"), message
    assert w.log("trainer").split()[0] == digest
    assert (message["checkpoint"]["name"], message["checkpoint"]["step"]) == ("step-7", 7)
    assert message["output"]["uri"].startswith(f"gs://{BUCKET}/{prefix}/models/{FOLDER}1/worker-0/")
    head = json.loads(cloud.api.object_bytes(BUCKET, f"{prefix}/ckpt/{FOLDER}HEAD"))
    assert head["manifestSHA256"] == message["checkpoint"]["manifestSHA256"]
    if STORMS[storm]:
        assert all(fault["hits"] for fault in cloud.api.fault_hits()), "the fault was met"


def test_the_log_says_why_nothing_goes_on(cloud, worker, tmp_path, prefix):
    path, _ = data_file(tmp_path, 1000)
    cloud.api.faults([{"match": "computeMetadata", "times": 5, "status": 503}, {"match": ":decrypt", "times": 5, "status": 503}])
    w = worker(encrypt(cloud, prefix, path))
    w.start_trainer(COPY)
    code, message = w.finish(120)
    assert (code, message["result"]) == (0, "Succeeded"), message
    told = [json.loads(line) for line in w.log("agent").splitlines() if "trying again" in line]
    assert ["token" in line["message"] for line in told] == [True, False], "once for each"
    assert "503" in told[0]["error"] and "data:decrypt answered 503" in told[1]["error"], told


class Relay(socketserver.ThreadingTCPServer):
    """Passes connections on to the cloud, but resets the first ones when they begin to speak TLS."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, port, resets):
        super().__init__(("127.0.0.1", 0), self.serve)
        self.port, self.left = port, resets
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def serve(self, client, _address, _server):
        first = client.recv(1)
        self.left -= 1
        if self.left >= 0:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            return
        with socket.create_connection(("127.0.0.1", self.port)) as cloud:
            cloud.sendall(first)
            while True:
                for one in select.select([client, cloud], [], [])[0]:
                    data = one.recv(65536)
                    if not data:
                        return
                    (cloud if one is client else client).sendall(data)


def test_connections_that_are_reset_in_the_handshake_are_made_again(cloud, worker, tmp_path, prefix):
    path, digest = data_file(tmp_path, 1000)
    spec = encrypt(cloud, prefix, path)
    relay = Relay(cloud.port, 2)
    url = f"https://127.0.0.1:{relay.server_address[1]}"
    w = worker(spec, endpoints={"metadata": f"http://{cloud.metadata}", "kms": url, "storage": url,
                                "caBundle": (cloud.state / "ca.pem").read_text()})
    w.start_trainer(COPY)
    code, message = w.finish()
    relay.shutdown()
    assert (code, w.log("trainer").split()[:1]) == (0, [digest]), message
    assert relay.left < 0


def test_a_revoked_token_is_replaced(cloud, worker, tmp_path, prefix):
    path, _ = data_file(tmp_path, 1000)
    w = worker(encrypt(cloud, prefix, path))
    w.start_trainer("while [ ! -e /cloister/run/go ]; do sleep 0.1; done; " + COPY)
    wait_for("staging", lambda: (w.directory / "run/ready").exists(), 30)
    cloud.api.revoke_tokens()
    (w.directory / "run/go").touch()
    code, message = w.finish()
    assert (code, message["result"]) == (0, "Succeeded"), message


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
    cloud.api.faults([{"match": "POST /upload/.*models", "times": 1, "delay_seconds": 5}])
    w.start_trainer(COPY)
    wait_for("publishing", lambda: '"publishing"' in w.log("agent"), 30)
    w.kill_agent()
    cloud.api.clear_faults()
    w.start_agent()
    code, message = w.finish()
    assert (code, message["result"]) == (0, "Succeeded"), message
    assert message["output"]["manifestSHA256"]


def checkpoint(name, content="x"):
    return f"echo {content} > /cloister/checkpoints/.{name}.tmp; mv /cloister/checkpoints/.{name}.tmp /cloister/checkpoints/{name}"


def committed(cloud, prefix, name):
    try:
        return json.loads(cloud.api.object_bytes(BUCKET, f"{prefix}/ckpt/{FOLDER}HEAD"))["name"] == name
    except Exception:  # noqa: BLE001 - not there yet
        return False


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


def test_a_pod_that_was_replaced_gets_no_keys_and_moves_nothing(cloud, worker, tmp_path, prefix):
    path, _ = data_file(tmp_path, 1000)
    spec = encrypt(cloud, prefix, path)
    newer = worker(spec, attempt=2, pod="newer")
    newer.start_trainer(checkpoint("step-9"))
    assert newer.finish()[0] == 0
    before = cloud.api.object_bytes(BUCKET, f"{prefix}/ckpt/{FOLDER}HEAD")
    decrypts = sum(":decrypt" in str(entry) for entry in cloud.api.audit())
    for stale in (worker(spec, attempt=1, pod="older"), worker(spec, attempt=2, pod="twin")):
        stale.start_trainer("echo started")
        code, message = stale.finish()
        assert (code, message["result"], message["class"], message["reason"]) == (125, "Failed", "Disruption", "Superseded")
        assert "started" not in stale.log("trainer")
    assert cloud.api.object_bytes(BUCKET, f"{prefix}/ckpt/{FOLDER}HEAD") == before
    assert sum(":decrypt" in str(entry) for entry in cloud.api.audit()) == decrypts, "no key was asked for"


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
    old.start_trainer(f"{checkpoint('step-1')}; {wait}{checkpoint('step-2')}; sleep 4; {checkpoint('step-3')}; sleep 60")
    wait_for("the first checkpoint", lambda: committed(cloud, prefix, "step-1"), 30)
    new = worker(spec, attempt=2, pod="new")
    new.start_trainer(f"{wait}{checkpoint('step-7')}")
    wait_for("staging", lambda: (new.directory / "run/ready").exists(), 30)
    (old.directory / "run/go").touch()
    wait_for("the old one's second checkpoint", lambda: committed(cloud, prefix, "step-2"), 30)
    (new.directory / "run/go").touch()
    code, message = new.finish()
    assert (code, message["result"], message["checkpoint"]["name"]) == (0, "Succeeded", "step-7")
    code, message = old.finish(30)
    assert (code, message["reason"]) == (125, "Superseded")
    assert committed(cloud, prefix, "step-7")


def test_an_outage_of_storage_does_not_end_training(cloud, worker, tmp_path, prefix):
    path, _ = data_file(tmp_path, 1000)
    w = worker(encrypt(cloud, prefix, path))
    w.start_trainer(f"{checkpoint('step-1')}; sleep 4; {checkpoint('step-2')}; while [ -e /cloister/checkpoints/step-2 ]; do sleep 0.2; done")
    cloud.api.faults([{"match": "/upload/", "times": 12, "status": 503}])
    code, message = w.finish(120)
    assert (code, message["result"], message["checkpoint"]["name"]) == (0, "Succeeded", "step-2")


def test_refuses_what_is_no_regular_file(cloud, worker, tmp_path, prefix):
    path, _ = data_file(tmp_path, 1000)
    w = worker(encrypt(cloud, prefix, path))
    w.start_trainer("ln -s /etc/passwd /cloister/output/link")
    code, message = w.finish()
    assert (code, message["class"], message["reason"]) == (125, "Application", "OutputUnreadable")
    assert "link" in message["message"]


def test_names_the_key_that_kms_refuses(cloud, worker, tmp_path, prefix):
    path, _ = data_file(tmp_path, 1000)
    spec = encrypt(cloud, prefix, path)
    spec["keys"][0]["kmsKeyName"] = KEY + "-absent"
    w = worker(spec)
    w.start_trainer("echo started")
    code, message = w.finish()
    assert code == 125 and message["class"] == "Key" and KEY + "-absent" in message["message"]
    assert "started" not in w.log("trainer")


def test_names_the_right_that_checkpoints_need(cloud, worker, tmp_path, prefix):
    """Their folder is read first, but the right to read it would not be enough."""
    path, _ = data_file(tmp_path, 1000)
    if "locked" not in cloud.api.buckets():
        cloud.api.create_bucket("locked")
    w = worker(encrypt(cloud, prefix, path), checkpoints={"uri": "gs://locked/ckpt/", "keyName": "data"})
    w.start_trainer("echo started")
    code, message = w.finish()
    assert (code, message["class"], message["reason"]) == (125, "Data", "OutputDenied")
    assert "gs://locked/ckpt/" in message["message"] and "roles/storage.objectUser" in message["message"]


def test_what_stock_tink_encrypts_is_read_and_what_is_published_stock_tink_reads(cloud, worker, tmp_path, prefix):
    path, _ = data_file(tmp_path, 1000)
    spec = encrypt(cloud, prefix, path)
    stock, plain = Stock(cloud, spec["keys"][0]), random.Random(1).randbytes(3_000_000)
    cloud.api.put_object(BUCKET, f"{prefix}/data/data.bin", stock.encrypt(plain, f"gs://{BUCKET}/{prefix}/data/data.bin"))
    w = worker(spec)
    w.start_trainer(COPY)
    code, message = w.finish()
    assert code == 0 and w.log("trainer").split()[0] == hashlib.sha256(plain).hexdigest()
    folder = message["output"]["uri"].removeprefix(f"gs://{BUCKET}/")
    manifest_id = folder.rstrip("/").rpartition("/")[2]

    def stock_read(name, associated_data):
        return stock.decrypt(cloud.api.object_bytes(BUCKET, folder + name), associated_data)
    assert stock_read("data/model", f"cloister/v1/{manifest_id}/model") == plain
    lines = stock_read("manifest", f"cloister/v1/{manifest_id}")
    assert hashlib.sha256(lines).hexdigest() == message["output"]["manifestSHA256"]
    header, entry, foot = (json.loads(line) for line in lines.splitlines())
    assert (header["cloister"], header["jobUID"], entry["path"], entry["size"], foot["count"]) == (
        "manifest/v1", JOB_UID, "model", len(plain), 1)


def test_staging_takes_little_memory_beside_what_is_staged(cloud, worker, tmp_path, prefix, capsys):
    """256 MiB in eight objects over eight connections; the figure is printed, and only gross waste fails."""
    folder = tmp_path / "big"
    folder.mkdir()
    for i in range(8):
        (folder / f"part-{i}").write_bytes(random.Random(i).randbytes(32 << 20))
    spec = encrypt(cloud, prefix, folder)
    w = worker(spec, inputLimitBytes=1 << 30)
    peak = 0
    while not (w.directory / "run/ready").exists():
        try:
            status = open(f"/proc/{w.pid('agent')}/status", encoding="ascii").read()
            peak = max(peak, int(re.search(r"RssAnon:\s+(\d+) kB", status)[1]))
        except (OSError, TypeError, IndexError):
            pass
        assert w.processes["agent"].poll() is None
        time.sleep(0.02)
    with capsys.disabled():
        print(f"\nagent staging 256 MiB over 8 connections: RssAnon {peak / 1024:.1f} MiB (allowance: 8 x 1 MiB + 8 MiB)")
    assert peak < 40 * 1024
    w.start_trainer("ls /cloister/in/inputs/data | wc -l")
    code, _ = w.finish()
    assert code == 0 and w.log("trainer").strip() == "8"

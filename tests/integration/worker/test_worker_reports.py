"""The agent's end of reports and progress: what it takes from the trainer, and what it tells an operator that may be anything."""
import json
import socket
import ssl
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from cloud.tls import server_context
from kit.cluster import wait_for
from kit.worker import COPY, data_file, encrypt

PATH = "/apis/trainer.kubeflow.org/v1alpha1/namespaces/ml/trainjobs/job/status"


@pytest.fixture
def start(reporting):
    return reporting


def url(worker):
    return f"http://127.0.0.1:{worker.plan['ports']['progress']}{PATH}"


def token(worker):
    text = wait_for("the token", lambda: (f := worker.directory / "run/kubeflow/token").exists() and f.read_text())
    wait_for("the loopback", lambda: listens(worker.plan["ports"]["progress"]))
    return text


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def post(worker, body, bearer=None, path=None):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token(worker) if bearer is None else bearer}", "Content-Type": "application/json"}
    request = urllib.request.Request(path or url(worker), data, headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_tells_its_stages_checkpoints_and_end_with_the_pods_token(cloud, tmp_path, prefix, start, operator):
    path, _ = data_file(tmp_path, 1 << 20)
    w = start(encrypt(cloud, prefix, path))
    w.start_trainer(f"echo one > /cloister/checkpoints/.s; mv /cloister/checkpoints/.s /cloister/checkpoints/step-7; sleep 3; {COPY}")
    operator.wait_for("the checkpoint", lambda b: b.get("checkpoint", {}).get("name") == "step-7")
    assert w.processes["trainer"].wait(60) == 0
    last = operator.wait_for("the end", lambda b: b["stage"] == "done")
    assert last["result"] == "Succeeded" and last["exitCode"] == 0 and last["output"]["uri"].startswith("gs://")
    assert {(p, a) for p, a, _, _ in operator.posts} == {("/v1/report", "Bearer token-of-the-pod")}
    assert {(b["podUID"], b["attempt"], b["index"]) for b in operator.bodies()} == {("uid-of-pod-1", 1, 0)}
    assert any(b["stage"] == "running" for b in operator.bodies())


def test_tells_of_a_failure_with_its_class(cloud, tmp_path, prefix, start, operator):
    path, _ = data_file(tmp_path, 1000)
    spec = encrypt(cloud, prefix, path)
    spec["inputs"][0]["uri"] = spec["inputs"][0]["uri"].replace("/data/", "/nothing/")
    start(spec)
    told = operator.wait_for("the failure", lambda b: b["result"] == "Failed")
    assert (told["class"], told["reason"]) == ("Data", "DataNotFound")


def test_passes_on_lines_of_progress_however_they_are_written(start, operator):
    w = start()
    file = w.directory / "run/progress"

    def says(percent):
        return operator.wait_for(f"{percent} %", lambda b: b.get("progress", {}).get("progressPercentage") == percent)
    with open(file, "a") as appending:
        appending.write("progress=1\nprogress=2 remaining=60 loss=0.5\n")
        appending.flush()
        assert says(2)["progress"] == {"progressPercentage": 2, "estimatedRemainingSeconds": 60,
                                       "metrics": [{"name": "loss", "value": "0.5"}]}
        appending.write("progress=3\nnonsense\nprogr")
        appending.flush()
        says(3)
    file.write_text('{"progressPercentage": 10}')  # written anew, and without an end of line
    says(10)
    (w.directory / "run/new").write_text("progress=20\n")
    (w.directory / "run/new").rename(file)
    says(20)
    assert 1 not in [b.get("progress", {}).get("progressPercentage") for b in operator.bodies()]


def test_the_last_word_of_a_program_is_in_the_agents_last_word(start):
    w = start(reports=None)
    many = " ".join(f"metric-{i}=0.125" for i in range(64))
    w.start_trainer(f"echo progress=90 > /cloister/run/progress; sleep 2; echo 'progress=100 remaining=0 {many}' >> /cloister/run/progress")
    code, message = w.finish()
    assert code == 0 and message["result"] == "Succeeded"
    assert message["progress"]["progressPercentage"] == 100 and message["progress"]["estimatedRemainingSeconds"] == 0
    assert message["progress"]["metrics"][0] == {"name": "metric-0", "value": "0.125"}


def test_a_program_may_append_progress_for_ever(start, operator):
    w = start()
    file = w.directory / "run/progress"
    line = "progress=5 " + "x" * 80 + "=1\n"
    with open(file, "a") as appending:
        for _ in range(4):
            appending.write(line * 2000)
            appending.flush()
            time.sleep(1.5)
        appending.write("progress=77\n")
    operator.wait_for("the last line", lambda b: b.get("progress", {}).get("progressPercentage") == 77)
    stat = wait_for("the volume to be given back", lambda: (s := file.stat()).st_blocks * 512 < 256 * 1024 and s)
    assert stat.st_size > 700_000


@pytest.mark.parametrize("kind", ["link", "fifo", "directory"])
def test_reads_nothing_but_a_regular_file(start, operator, kind):
    import os
    w = start()
    file = w.directory / "run/progress"
    (w.directory / "run/other").write_text("progress=99\n")
    {"link": lambda: file.symlink_to("other"), "fifo": lambda: os.mkfifo(file), "directory": file.mkdir}[kind]()
    time.sleep(2.5)
    post(w, {"trainerStatus": {"progressPercentage": 1}})
    told = operator.wait_for("progress", lambda b: "progress" in b)
    assert told["progress"] == {"progressPercentage": 1}, "and the agent is not stuck"


def test_speaks_the_wire_format_of_kubeflow_trainer(start, operator):
    """What transformers' KubeflowCallback sends: integers, values as text, a time of its own."""
    w = start()
    assert post(w, {"trainerStatus": {"lastUpdatedTime": "2026-01-01T00:00:00.123456+00:00", "progressPercentage": 45,
                                      "estimatedRemainingSeconds": 795, "metrics": [{"name": "loss", "value": "0.23"}]}})[0] == 200
    told = operator.wait_for("progress", lambda b: "progress" in b)
    assert told["progress"] == {"progressPercentage": 45, "estimatedRemainingSeconds": 795, "metrics": [{"name": "loss", "value": "0.23"}]}
    ca = w.directory / "run/kubeflow/ca.crt"
    assert ssl.create_default_context(cafile=ca).cert_store_stats()["x509_ca"] == 1, "clients that want a CA find one"


def test_the_loopback_takes_words_and_gives_none(start, operator):
    w = start()
    good = {"trainerStatus": {"progressPercentage": 1}}
    token(w)
    assert post(w, good, bearer="")[0] == 401
    assert post(w, good, bearer="guess")[0] == 401
    assert post(w, good, path=url(w).replace("/ml/", "/other/"))[0] == 404
    assert post(w, {"trainerStatus": {"progressPercentage": 101}}) [0] == 400
    assert post(w, b"\xff\x00")[0] == 400
    assert post(w, b" " * (64 * 1024 + 1))[0] == 413
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(url(w), timeout=10)
    assert refused.value.code == 405
    for path in ("/", "/metrics", "/v1/report", "/var/run/secrets/cloister/token"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"http://127.0.0.1:{w.plan['ports']['progress']}{path}", timeout=10)
        assert refused.value.code == 404 and b"token-of-the-pod" not in refused.value.read()
    assert post(w, good)[0] == 200
    assert "token-of-the-pod" not in w.log("agent")


def test_a_flood_of_progress_keeps_the_agent_from_nothing(cloud, tmp_path, prefix, start, operator):
    path, digest = data_file(tmp_path, 1000)
    w = start(encrypt(cloud, prefix, path))
    w.start_trainer(f"sleep 5; {COPY}")
    bearer, began = token(w), time.monotonic()

    def flood(number):
        sent = 0
        while time.monotonic() < began + 4 or sent < 13:
            assert post(w, {"trainerStatus": {"progressPercentage": number, "metrics": [{"name": f"m{i}", "value": str(sent)} for i in range(64)]}},
                        bearer)[0] == 200
            sent += 1
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(flood, range(8)))
    code, message = w.finish()
    assert code == 0 and message["result"] == "Succeeded" and digest in w.log("trainer")
    assert len([b for b in operator.bodies() if "progress" in b]) <= 3 + (time.monotonic() - began) / 5


def test_posts_progress_every_five_seconds_at_most(start, operator):
    w = start()
    operator.wait_for("the start", lambda b: b["stage"] == "running")
    began = time.monotonic()
    for percent in range(60):
        post(w, {"trainerStatus": {"progressPercentage": percent}})
        time.sleep(0.2)
    told = [p for p in operator.posts if p[3] > began and "progress" in p[2]]
    assert 2 <= len(told) <= 2 + (time.monotonic() - began) / 5
    operator.wait_for("the newest", lambda b: b.get("progress", {}).get("progressPercentage") == 59)


def test_comes_again_when_a_standby_asks_for_it(start, operator):
    operator.answer = (503, {"Retry-After": "1"})
    start()
    wait_for("two posts", lambda: len(operator.posts) >= 2, 15)
    operator.answer = (200, {})
    operator.wait_for("the stage", lambda b: b["stage"] == "running")


def test_trains_without_reports_when_the_operator_has_another_ca(cloud, tmp_path, prefix, start, operator):
    other = tmp_path / "other"
    other.mkdir()
    server_context(other, ["127.0.0.1"])
    path, digest = data_file(tmp_path, 1000)
    w = start(encrypt(cloud, prefix, path), reports={"url": operator.url, "ca": (other / "ca.pem").read_text()})
    w.start_trainer(f"echo progress=50 >> /cloister/run/progress; {COPY}")
    code, message = w.finish()
    assert code == 0 and message["result"] == "Succeeded"
    assert digest in w.log("trainer") and operator.posts == []
    assert w.log("agent").count("cannot report to the operator") == 1


def test_trains_without_reports_when_it_is_refused(cloud, tmp_path, prefix, start, operator):
    operator.answer = (403, {})
    path, _ = data_file(tmp_path, 1000)
    w = start(encrypt(cloud, prefix, path))
    w.start_trainer(COPY)
    assert w.finish()[0] == 0 and len(operator.posts) >= 1
    assert w.log("agent").count("rejects reports of this worker") == 1


def test_trains_when_nobody_wants_reports(cloud, tmp_path, prefix, start):
    path, _ = data_file(tmp_path, 1000)
    w = start(encrypt(cloud, prefix, path), reports=None)
    w.start_trainer(f"echo progress=50 >> /cloister/run/progress; {COPY}")
    assert w.finish()[0] == 0


def test_goes_on_after_the_agent_was_killed_with_the_same_token(start, operator):
    w = start()
    before = token(w)
    w.kill_agent()
    operator.posts.clear()
    w.start_agent()
    wait_for("the agent again", lambda: operator.posts)
    assert token(w) == before
    assert wait_for("the loopback", lambda: post(w, {"trainerStatus": {"progressPercentage": 3}})[0] == 200)


def test_measures_its_requests_by_endpoint(cloud, tmp_path, prefix, start):
    path, _ = data_file(tmp_path, 3 << 20)
    spec = encrypt(cloud, prefix, path)
    cloud.api.faults([{"match": "POST /v1/projects/.*:decrypt", "status": 503, "times": 2}])
    w = start(spec)
    token(w)
    w.start_trainer(f"{COPY}; sleep 4")
    m = wait_for("the inputs", lambda: (m := w.metrics()).get('cloister_agent_received_bytes_total{endpoint="storage"}', 0) > (3 << 20) and m)
    assert m['cloister_agent_requests_total{endpoint="metadata",code="200"}'] >= 1
    assert m['cloister_agent_requests_total{endpoint="kms",code="503"}'] == 2
    assert m['cloister_agent_requests_total{endpoint="kms",code="200"}'] == 1
    assert m['cloister_agent_retries_total{endpoint="kms"}'] == 2
    assert m['cloister_agent_retries_total{endpoint="metadata"}'] == 0
    assert m['cloister_agent_request_duration_seconds_count{endpoint="kms"}'] == 3
    assert m['cloister_volume_used_bytes{volume="inputs"}'] > 0
    assert 0 < m["process_resident_anonymous_memory_bytes"] < 64 << 20 and m["process_cpu_seconds_total"] > 0
    assert w.processes["trainer"].wait(60) == 0
    assert wait_for("the output", lambda: (m := w.metrics()).get('cloister_agent_sent_bytes_total{endpoint="storage"}', 0) > (3 << 20) and m)

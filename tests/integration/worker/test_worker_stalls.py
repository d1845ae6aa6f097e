"""Servers that accept and then hardly go on."""
import json
import re
import subprocess
import time

from kit.cloud import HSM_KEY, KEY, NODE
from kit.cluster import free_port
from kit.worker import COPY, checkpoint, data_file, encrypt

SILENT = {"delay_seconds": 300, "drop": True}
LISTING, DOWNLOAD = r"GET /storage/v1/b/[^/]+/o\?.*prefix=FOLDER/", "GET /download/.*FOLDER/data/"
SUM = "sha256sum < /cloister/in/inputs/data/data.bin"
SAVE = f"{SUM}; {checkpoint('step-1')}"

# What happens once to a worker, and what its trainer does. FOLDER is the worker's own; upload sessions do not name theirs, so
# only one worker has any.
STALLS = {
    "kms says nothing": ({"match": f"{HSM_KEY}:decrypt", **SILENT}, SUM),
    "a listing says nothing": ({"match": LISTING, **SILENT}, SUM),
    "a listing trickles": ({"match": LISTING, "trickle": 10}, SUM),
    "a download says nothing": ({"match": DOWNLOAD, **SILENT}, SUM),
    "a download trickles": ({"match": DOWNLOAD, "trickle": 0}, SUM),
    "a download trickles after a while": ({"match": DOWNLOAD, "trickle": 3_000_000}, SUM),
    "the head of a download trickles": ({"match": DOWNLOAD, "trickle": "head"}, SUM),
    "a chunk of an upload is not read": ({"match": "PUT /upload/", **SILENT}, COPY),
    "a checkpoint is not read": ({"match": "POST /upload/.*multipart.*FOLDER/ckpt.*data", **SILENT}, SAVE),
}


def retries(worker):
    """What the agent says of requests that it makes again."""
    return [json.loads(line) for line in worker.log("agent").splitlines() if "retrying a request" in line]


def complaints(worker, digest, endpoint, deadline):
    """What is wrong with a worker that has met one stall."""
    try:
        code = worker.processes["trainer"].wait(max(0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        yield "goes on for ever"
        return
    metrics, (_, message), told = worker.metrics(), worker.finish(), retries(worker)
    if (code, message["result"]) != (0, "Succeeded") or digest not in worker.log("trainer"):
        yield f"ended with {code}: {message}"
    broken = metrics.get(f'cloister_agent_requests_total{{endpoint="{endpoint}",code="<error>"}}', 0)
    if broken != 1 or metrics[f'cloister_agent_retries_total{{endpoint="{endpoint}"}}'] < 1:
        yield f"counts {broken} broken requests: {metrics}"
    if len(told) != 1 or not re.search("https://127.0.0.1.*(has stalled|timed out)", told[0]["error"]) or "network" not in told[0]["remedy"]:
        yield f"says {told}"


def test_what_hardly_goes_on_is_given_up_told_and_asked_again(cloud, worker, tmp_path, prefix):
    """Each costs half a minute, so the workers of all cases wait at the same time."""
    path, digest = data_file(tmp_path, 5_000_000)
    cloud.api.grant_key(HSM_KEY, f"serviceAccount:{NODE}", "roles/cloudkms.cryptoKeyDecrypter")
    folders = {name: f"{prefix}/{number}" for number, name in enumerate(STALLS)}
    specs = {name: encrypt(cloud, folders[name], path, key=HSM_KEY if "kms" in name else KEY) for name in STALLS}
    cloud.api.faults([{**fault, "match": fault["match"].replace("FOLDER", folders[name]), "times": 1}
                      for name, (fault, _) in STALLS.items()])
    workers, deadline = {}, time.monotonic() + 90
    for name, (_, script) in STALLS.items():
        workers[name] = worker(specs[name], folder=folders[name], pod=folders[name], ports={"metrics": free_port()})
        workers[name].start_trainer(script)
    wrong = {name: list(complaints(w, digest, "kms" if "kms" in name else "storage", deadline)) for name, w in workers.items()}
    assert {name: words for name, words in wrong.items() if words} == {}
    assert all(fault["hits"] for fault in cloud.api.fault_hits()), "each was met"


def test_a_download_that_always_trickles_ends_the_attempt(cloud, worker, tmp_path, prefix):
    """A few bytes in each try are no progress that would be worth another minute."""
    path, _ = data_file(tmp_path, 5_000_000)
    spec = encrypt(cloud, prefix, path)
    cloud.api.faults([{"match": "GET /download/", "trickle": 0}])
    w = worker(spec)
    w.start_trainer(SUM)
    code, message = w.finish(120)
    assert (code, message["class"], message["reason"]) == (125, "Network", "TimedOut"), message
    assert re.search("gs://.*/data.bin: GET https://127.0.0.1.*has stalled.*To go on, check that the server is up", message["message"])


def test_a_metadata_server_that_hardly_answers_is_asked_again_soon(cloud, worker):
    cloud.api.faults([{"match": "computeMetadata", "times": 2, "trickle": "head"}])
    began = time.monotonic()
    w = worker()
    w.start_trainer("echo ran")
    code, message = w.finish()
    assert (code, w.log("trainer")) == (0, "ran\n"), message
    assert time.monotonic() - began < 25


def test_a_file_that_is_refused_is_told_although_another_hangs(cloud, worker, tmp_path, prefix):
    folder = tmp_path / "files"
    folder.mkdir()
    for name in ("bad", "slow"):
        (folder / name).write_text(name)
    spec = encrypt(cloud, prefix, folder)
    cloud.api.faults([{"match": "GET /download/.*/data/slow", **SILENT},
                      {"match": "GET /download/.*/data/bad", "delay_seconds": 1, "status": 403}])
    began = time.monotonic()
    w = worker(spec)
    w.start_trainer("echo started")
    code, message = w.finish()
    assert (code, message["reason"]) == (125, "DataAccessDenied"), message
    assert time.monotonic() - began < 15

"""The agent against the test cloud, with everything that goes wrong between them and Google."""
import json
import select
import socket
import socketserver
import struct
import threading

import pytest

from kit.cloud import BUCKET
from kit.cluster import wait_for
from kit.worker import COPY, FOLDER, checkpoint, committed, data_file, encrypt

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
    "storage is busy at length": [{"match": "/upload/|GET /download/", "times": 4, "status": 503, "body": "<p>busy</p>" * 20_000}],
    "answers of uploads are cut": [{"match": "POST /upload/.*multipart", "times": 3, "truncate_bytes": 20},
                                   {"match": "PUT /upload/", "after": 1, "times": 1, "truncate_bytes": 20}],
    "uploads are answered and not done": [{"match": "POST /upload/.*multipart", "times": 2, "status": 200},
                                          {"match": "PUT /upload/", "times": 1, "status": 204}],
    "an upload session takes nothing for a while": [{"match": "PUT /upload/", "times": 4, "status": 308}],
    "storage redirects for a while": [{"match": "GET /storage", "times": 3, "status": 302, "headers": {"Location": "/elsewhere"}}],
    "storage refuses tokens for a while": [{"match": "GET /storage", "times": 6, "status": 401}],
    "answers of kms are corrupted": [{"match": ":decrypt", "times": 3, "corrupt_byte": 30}],
    "answer of moving HEAD is cut": [{"match": "POST /upload/.*HEAD", "times": 1, "truncate_bytes": 9}],
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
    told = [json.loads(line) for line in w.log("agent").splitlines() if "retrying a request" in line]
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


def test_an_outage_of_storage_does_not_end_training(cloud, worker, tmp_path, prefix):
    path, _ = data_file(tmp_path, 1000)
    w = worker(encrypt(cloud, prefix, path))
    w.start_trainer(f"{checkpoint('step-1')}; while [ ! -e /cloister/run/go ]; do sleep 0.1; done; {checkpoint('step-2')};"
                    "while [ ! -e /cloister/run/over ]; do sleep 0.2; done")
    wait_for("the first checkpoint", lambda: committed(cloud, prefix, "step-1"), 30)
    cloud.api.faults([{"match": "/upload/", "times": 12, "status": 503}])
    (w.directory / "run/go").touch()
    wait_for("the second checkpoint", lambda: committed(cloud, prefix, "step-2"), 120)
    (w.directory / "run/over").touch()
    code, message = w.finish(120)
    assert (code, message["result"], message["checkpoint"]["name"]) == (0, "Succeeded", "step-2")
    assert [fault["hits"] for fault in cloud.api.fault_hits()] == [12]

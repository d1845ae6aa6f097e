"""The agent before a bucket that lies: whoever writes there, and the server itself, are trusted with ciphertext only."""
import base64
import hashlib
import http.server
import json
import random
import ssl
import threading
import urllib.parse
import urllib.request

import pytest

from kit.cloud import BUCKET, KEY, NODE
from kit.cluster import wait_for
from kit.stock import encrypted_with
from kit.worker import COPY, data_file, encrypt, plugin

LISTING = r"GET /storage/v1/b/[^/]+/o\?"


def call(cloud, path, body=None):
    """A call of Google's APIs as the node's account."""
    metadata = urllib.request.Request(f"http://{cloud.metadata}/computeMetadata/v1/instance/service-accounts/default/token",
                                      headers={"Metadata-Flavor": "Google"})
    token = json.load(urllib.request.urlopen(metadata))["access_token"]
    request = urllib.request.Request(cloud.url + path, body and json.dumps(body).encode(), {"Authorization": f"Bearer {token}"})
    return json.load(urllib.request.urlopen(request, context=ssl.create_default_context(cafile=cloud.state / "ca.pem")))


def resource(cloud, name):
    """What storage says of the object."""
    return call(cloud, f"/storage/v1/b/{BUCKET}/o/{urllib.parse.quote(name, safe='')}")


def encrypt_beside(cloud, tmp_path, prefix, folder, spec, path):
    """The file under the same key in another folder, whose name is as long as that of the first."""
    import yaml
    keys = tmp_path / "keys.yaml"
    keys.write_text(yaml.safe_dump({"keys": spec["keys"]}))
    plugin(cloud, "encrypt", path, f"gs://{BUCKET}/{prefix}/{folder}/", "--keyset", keys)


@pytest.mark.parametrize("lie", ["listing", "metadata"])
def test_an_object_of_another_folder_is_not_taken_for_the_one_asked_for(cloud, worker, tmp_path, prefix, lie):
    """It authenticates under its own name; a server that gives that name as the answer has rolled the data back."""
    new, _ = data_file(tmp_path, 1000)
    spec = encrypt(cloud, prefix, new)
    new.write_bytes(b"the old version")
    encrypt_beside(cloud, tmp_path, prefix, "dat0", spec, new)
    old = resource(cloud, f"{prefix}/dat0/data.bin")
    if lie == "metadata":
        spec["inputs"][0]["uri"] += "data.bin"
        fault = {"match": rf"GET /storage/v1/b/[^/]+/o/{prefix}/data/data.bin", "status": 200, "body": json.dumps(old)}
    else:
        fault = {"match": LISTING, "status": 200, "body": json.dumps({"items": [old]})}
    cloud.api.faults([fault])
    w = worker(spec)
    w.start_trainer("cat /cloister/in/inputs/data/data.bin")
    code, message = w.finish(180)  # A reply that does not fit is asked for again for a minute.
    assert (code, message["result"], message["reason"]) == (125, "Failed", "BadReply"), message
    assert "dat0/data.bin" in message["message"] and "the old version" not in w.log("trainer")


def test_a_listed_name_that_is_shorter_than_the_folder_is_refused(cloud, worker, tmp_path, prefix):
    path, _ = data_file(tmp_path, 1000)
    spec = encrypt(cloud, prefix, path)
    cloud.api.faults([{"match": LISTING, "status": 200,
                       "body": json.dumps({"items": [{"name": "x", "size": "1000", "generation": "1"}]})}])
    w = worker(spec)
    w.start_trainer("echo started")
    code, message = w.finish(180)
    assert (code, message["reason"]) == (125, "BadReply") and "the listing contains x" in message["message"]


def test_a_listing_without_end_ends(cloud, worker, tmp_path, prefix):
    path, _ = data_file(tmp_path, 1000)
    spec = encrypt(cloud, prefix, path)
    cloud.api.faults([{"match": LISTING, "status": 200, "body": json.dumps({"nextPageToken": "again"})}])
    w = worker(spec)
    w.start_trainer("echo started")
    code, message = w.finish(180)
    assert (code, message["reason"]) == (125, "BadReply") and "does not end" in message["message"]


def test_an_object_that_is_listed_twice_is_refused(cloud, worker, tmp_path, prefix):
    """Two versions, read into one file at once, would give a third that nobody has made."""
    path, _ = data_file(tmp_path, 1000)
    spec = encrypt(cloud, prefix, path)
    twice = [resource(cloud, f"{prefix}/data/data.bin")] * 2
    cloud.api.faults([{"match": LISTING, "status": 200, "body": json.dumps({"items": twice})}])
    w = worker(spec)
    w.start_trainer("echo started")
    code, message = w.finish(180)
    assert (code, message["reason"]) == (125, "BadReply") and "data.bin after" in message["message"], message


def test_an_object_that_was_stored_compressed_ends_the_job_and_says_so(cloud, worker, tmp_path, prefix):
    path, _ = data_file(tmp_path, 1000)
    spec = encrypt(cloud, prefix, path)
    item = {**resource(cloud, f"{prefix}/data/data.bin"), "contentEncoding": "gzip"}
    cloud.api.faults([{"match": LISTING, "status": 200, "body": json.dumps({"items": [item]})}])
    w = worker(spec)
    w.start_trainer("echo started")
    code, message = w.finish()
    assert (code, message["class"], message["reason"]) == (125, "Data", "DataEncoded"), message
    assert "Content-Encoding" in message["message"] and "--gzip-local" in message["message"]


def test_an_upload_session_that_takes_nothing_ends_the_attempt(cloud, worker, tmp_path, prefix):
    path, _ = data_file(tmp_path, 3_000_000)
    spec = encrypt(cloud, prefix, path)
    cloud.api.faults([{"match": "PUT /upload/", "status": 308}])
    w = worker(spec)
    w.start_trainer(COPY)
    code, message = w.finish(180)
    assert (code, message["class"], message["reason"]) == (125, "Network", "Unavailable"), message
    assert "does not take more than 0 bytes" in message["message"]
    assert 3 < cloud.api.fault_hits()[0]["hits"] < 60 and "retrying a request" in w.log("agent")


def test_nothing_is_left_of_what_an_agent_staged_that_was_killed_meanwhile(cloud, worker, tmp_path, prefix):
    folder = tmp_path / "files"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / name).write_text(name)
    spec = encrypt(cloud, prefix, folder)
    cloud.api.faults([{"match": "GET /download/.*/data/b", "times": 1, "delay_seconds": 20}])
    w = worker(spec)
    wait_for("the first file", lambda: (w.directory / "in/inputs/data/a").exists(), 30)
    w.kill_agent()
    cloud.api.clear_faults()
    cloud.api.delete_object(BUCKET, f"{prefix}/data/a")
    w.start_agent()
    w.start_trainer("ls /cloister/in/inputs/data")
    code, message = w.finish()
    assert (code, w.log("trainer").split()) == (0, ["b"]), message


def wrapped(cloud, plaintext):
    cloud.api.grant_key(KEY, f"serviceAccount:{NODE}", "roles/cloudkms.cryptoKeyEncrypter")
    return call(cloud, f"/v1/{KEY}:encrypt", {"plaintext": base64.b64encode(plaintext).decode()})["ciphertext"]


def test_what_is_too_long_for_a_keyset_is_refused(cloud, worker, tmp_path, prefix):
    """Locked memory is scarce: an agent that runs out of it would be restarted for ever without a word."""
    path, _ = data_file(tmp_path, 1000)
    spec = encrypt(cloud, prefix, path)
    spec["keys"][0]["wrappedKeyset"] = wrapped(cloud, bytes(40_000))
    w = worker(spec)
    w.start_trainer("echo started")
    code, message = w.finish()
    assert (code, message["class"], message["reason"]) == (125, "Key", "KeysetInvalid"), message


def merged(cloud, spec, order):
    """A keyset of two templates: the job's own key as the primary, and an older one of 4 KiB segments."""
    import tink
    from tink import secret_key_access, streaming_aead
    from tink.proto import tink_pb2
    older = tink.new_keyset_handle(streaming_aead.streaming_aead_key_templates.AES256_GCM_HKDF_4KB)
    ours = tink_pb2.Keyset.FromString(cloud.api.kms_decrypt(KEY, base64.b64decode(spec["keys"][0]["wrappedKeyset"])))
    theirs = tink_pb2.Keyset.FromString(tink.proto_keyset_format.serialize(older, secret_key_access.TOKEN))
    both = {"ours": ours.key[0], "theirs": theirs.key[0]}
    keyset = tink_pb2.Keyset(primary_key_id=ours.primary_key_id, key=[both[which] for which in order])
    return keyset.SerializeToString(), older.primitive(streaming_aead.StreamingAead)


@pytest.mark.parametrize("order", [("ours", "theirs"), ("theirs", "ours")], ids="-".join)
def test_data_under_an_older_key_of_another_template_is_read_to_the_byte(cloud, worker, tmp_path, prefix, order):
    path, _ = data_file(tmp_path, 1000)
    spec = encrypt(cloud, prefix, path)
    serialized, primitive = merged(cloud, spec, order)
    spec["keys"][0]["wrappedKeyset"] = wrapped(cloud, serialized)
    plain = random.Random(1).randbytes(3_000_000)
    cipher = encrypted_with(primitive, plain, f"gs://{BUCKET}/{prefix}/data/data.bin")
    cloud.api.put_object(BUCKET, f"{prefix}/data/data.bin", cipher)
    w = worker(spec)
    w.start_trainer(COPY)
    code, message = w.finish()
    assert code == 0, message
    assert w.log("trainer").split()[0] == hashlib.sha256(plain).hexdigest()


def test_a_refusal_in_foreign_letters_is_told_as_far_as_there_is_room(cloud, worker, tmp_path, prefix):
    """The words are cut after some number of bytes, which may be inside a character."""
    path, _ = data_file(tmp_path, 1000)
    spec = encrypt(cloud, prefix, path)
    for shift in range(3):
        body = {"error": {"code": 403, "message": "x" * shift + "\u20ac" * 1000, "status": "PERMISSION_DENIED"}}
        cloud.api.faults([{"match": ":decrypt", "status": 403, "body": json.dumps(body)}])
        w = worker(spec, pod=f"pod-{shift}")
        w.start_trainer("echo started")
        code, message = w.finish()
        assert (code, message["reason"]) == (125, "KeyAccessDenied") and "\u20ac" * 99 in message["message"]


def test_a_hint_full_of_controls_leaves_room_for_the_reason(cloud, worker, tmp_path, prefix):
    """Whoever writes to the bucket writes the metadata; JSON makes six bytes of each control character."""
    path, _ = data_file(tmp_path, 1000)
    spec = encrypt(cloud, prefix, path)
    name = f"{prefix}/data/data.bin"
    data = bytearray(cloud.api.object_bytes(BUCKET, name))
    data[-1] ^= 1
    cloud.api.put_object(BUCKET, name, bytes(data))
    item = {**resource(cloud, name), "metadata": {"cloister-name": "\x1b" * 850}}
    cloud.api.faults([{"match": LISTING, "status": 200, "body": json.dumps({"items": [item]})}])
    w = worker(spec)
    w.start_trainer("echo started")
    code, message = w.finish()
    assert (code, message["result"], message["reason"]) == (125, "Failed", "DataSwapped")
    assert "\x1b" not in message["message"]


NAMES = {"no UTF-8": ("model-$(printf '\\377')", "not UTF-8"), "a line end": ("'a\nb'", "line break"),
         "too long": ("/".join(["d" * 200] * 6), "too long")}


@pytest.mark.parametrize("name", NAMES)
def test_an_output_that_no_object_can_be_named_after_is_the_trainers_failure(cloud, worker, tmp_path, prefix, name):
    path, _ = data_file(tmp_path, 1000)
    word, told = NAMES[name]
    w = worker(encrypt(cloud, prefix, path))
    w.start_trainer(f"cd /cloister/output; mkdir -p \"$(dirname {word})\"; echo 1 > {word}; ls")
    code, message = w.finish()
    assert (code, message["class"], message["reason"]) == (125, "Application", "OutputUnreadable"), message
    assert told in message["message"]


@pytest.mark.parametrize("answer", [404, 410])
def test_an_upload_that_storage_has_lost_begins_anew_under_another_header(cloud, worker, tmp_path, prefix, answer):
    path, digest = data_file(tmp_path, 9_000_000)
    spec = encrypt(cloud, prefix, path)
    cloud.api.faults([{"match": "PUT /upload/", "after": 1, "times": 1, "status": answer}])
    w = worker(spec)
    w.start_trainer(COPY)
    code, message = w.finish()
    assert (code, message["result"]) == (0, "Succeeded"), message
    assert [fault["hits"] for fault in cloud.api.fault_hits()] == [1]
    folder = message["output"]["uri"].removeprefix(f"gs://{BUCKET}/")
    second = worker({"keys": spec["keys"], "inputs": [{
        "name": "data", "uri": f"{message['output']['uri']}data/model", "keyName": "data",
        "associatedData": f"Fixed:cloister/v1/{folder.rstrip('/').rpartition('/')[2]}/model"}]}, attempt=2, pod="second")
    second.start_trainer("sha256sum < /cloister/in/inputs/data/model")
    assert second.finish()[0] == 0 and second.log("trainer").split()[0] == digest


class Elsewhere(http.server.BaseHTTPRequestHandler):
    """Another server with a certificate that the agent trusts."""

    def do_PUT(self):
        self.server.seen.append(dict(self.headers))
        self.send_response(403)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_an_upload_session_at_another_host_gets_no_token(cloud, worker, tmp_path, prefix, scheme):
    path, _ = data_file(tmp_path, 3_000_000)
    spec = encrypt(cloud, prefix, path)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    server.seen = []
    if scheme == "https":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cloud.state / "server.pem", cloud.state / "server-key.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    session = f"{scheme}://127.0.0.1:{server.server_port}/session"
    cloud.api.faults([{"match": "POST /upload/.*resumable", "status": 200, "headers": {"Location": session}}])
    w = worker(spec)
    w.start_trainer(COPY)
    code, message = w.finish()
    server.shutdown()
    assert (code, message["reason"]) == (125, "OutputDenied" if scheme == "https" else "BadReply"), message
    assert bool(server.seen) == (scheme == "https") and not any("Authorization" in headers for headers in server.seen)


def memory_of(pid):
    """What the process may write to, region by region."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb") as memory:
        for line in maps:
            span, rights = line.split()[:2]
            if rights.startswith("rw") and "[vvar]" not in line:
                first, end = (int(x, 16) for x in span.split("-"))
                if end - first < 1 << 30:  # more is a sanitizer's own
                    memory.seek(first)
                    yield memory.read(end - first)


def test_the_open_keyset_is_in_memory_once(cloud, worker, tmp_path, prefix):
    """Neither what KMS answered nor a second copy of the key is left in the agent, wherever they passed through."""
    path, _ = data_file(tmp_path, 1000)
    spec = encrypt(cloud, prefix, path)
    keyset = cloud.api.kms_decrypt(KEY, base64.b64decode(spec["keys"][0]["wrappedKeyset"]))
    w = worker(spec)
    wait_for("staging", lambda: (w.directory / "run/ready").exists(), 30)
    regions = list(memory_of(w.pid("agent")))
    material = keyset[keyset.index(b"\x1a\x20") + 2:][:32]  # field 3 of the key, 32 bytes
    assert sum(r.count(material) for r in regions) == 1
    assert sum(r.count(base64.b64encode(keyset)[60:120]) for r in regions) == 0

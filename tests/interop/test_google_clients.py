"""Google's own clients work against the test cloud, so that what works against the cloud has a chance to work at Google."""
import base64
import http.client
import json
import os
import ssl
import time

import google_crc32c
import pytest
from kit.cloud import BUCKET, HSM_KEY, KEY, NODE, OWNER, RING, TRAINER

pytestmark = pytest.mark.timeout(120)
MIB = 1 << 20


def crc(data):
    return google_crc32c.value(data)


@pytest.fixture
def bucket(clients):
    return clients.storage().bucket(BUCKET)


# ---- storage ----
def test_uploads_in_one_request_and_downloads(bucket):
    data = os.urandom(100_000) + b"\r\n--=\r\n" * 10
    blob = bucket.blob("small/one %41+ä?#.bin")
    blob.metadata = {"cloister-key-id": "123", "owner": "dora"}
    blob.upload_from_string(data, content_type="application/x-test", checksum="crc32c")
    found = bucket.get_blob("small/one %41+ä?#.bin")
    assert found.download_as_bytes(checksum="md5") == data
    assert found.metadata == {"cloister-key-id": "123", "owner": "dora"}
    assert (found.size, found.content_type, found.metageneration) == (len(data), "application/x-test", 1)
    assert base64.b64decode(found.crc32c) == crc(data).to_bytes(4, "big")


@pytest.mark.parametrize("size", [0, 1, 256 << 10, (1 << 20) + 1, 3 * MIB])
def test_uploads_resumably(bucket, size, tmp_path):
    data = os.urandom(size)
    (tmp_path / "data").write_bytes(data)
    blob = bucket.blob(f"resumable/{size}", chunk_size=256 << 10)
    with open(tmp_path / "data", "rb") as file:
        blob.upload_from_file(file, checksum="crc32c")
    assert bucket.blob(f"resumable/{size}").download_as_bytes() == data


def test_reads_ranges(bucket):
    data = os.urandom(100_000)
    blob = bucket.blob("ranged")
    blob.upload_from_string(data)
    assert blob.download_as_bytes(start=10, end=19) == data[10:20]
    assert blob.download_as_bytes(start=99_990) == data[99_990:]
    assert blob.download_as_bytes(start=-5) == data[-5:]
    with blob.open("rb", chunk_size=256 << 10) as file:
        file.seek(50_000)
        assert file.read(7) == data[50_000:50_007]
    from google.api_core.exceptions import RequestRangeNotSatisfiable
    with pytest.raises(RequestRangeNotSatisfiable):
        blob.download_as_bytes(start=100_000)


def test_lists_by_prefix_delimiter_and_pages(clients, bucket):
    names = [f"list/{a}/{n}" for a in "abc" for n in range(5)] + ["list/top", "list/zed"]
    for name in names:
        bucket.blob(name).upload_from_string(name)
    client = clients.storage()
    assert [b.name for b in client.list_blobs(BUCKET, prefix="list/")] == sorted(names)
    assert [b.name for b in client.list_blobs(BUCKET, prefix="list/", page_size=4)] == sorted(names)
    for page_size in (1, 2, 100):
        found = client.list_blobs(BUCKET, prefix="list/", delimiter="/", page_size=page_size)
        assert [b.name for b in found] == ["list/top", "list/zed"]
        assert found.prefixes == {"list/a/", "list/b/", "list/c/"}
    assert not list(client.list_blobs(BUCKET, prefix="list/nothing"))


def test_holds_preconditions(bucket):
    from google.api_core.exceptions import NotFound, PreconditionFailed
    blob = bucket.blob("conditional")
    blob.upload_from_string(b"one", if_generation_match=0)
    first = blob.generation
    with pytest.raises(PreconditionFailed):
        blob.upload_from_string(b"two", if_generation_match=0)
    blob.upload_from_string(b"two", if_generation_match=first)
    assert blob.generation > first
    with pytest.raises(NotFound):
        bucket.blob("conditional", generation=first).download_as_bytes()
    with pytest.raises(PreconditionFailed):
        bucket.delete_blob("conditional", if_generation_match=first)
    assert bucket.blob("conditional").download_as_bytes() == b"two"
    bucket.delete_blob("conditional")
    assert bucket.get_blob("conditional") is None


def test_changes_metadata(bucket):
    blob = bucket.blob("described")
    blob.upload_from_string(b"x")
    blob.metadata = {"a": "1", "b": "2"}
    blob.patch(if_metageneration_match=1)
    found = bucket.get_blob("described")
    assert (found.metadata, found.metageneration, found.generation) == ({"a": "1", "b": "2"}, 2, blob.generation)


# ---- the resumable protocol, as no client shows it ----
class Raw:
    """Plain requests with a token."""

    def __init__(self, cloud, token):
        self.cloud, self.token = cloud, token

    def __call__(self, method, path, body=None, **headers):
        connection = http.client.HTTPSConnection("127.0.0.1", self.cloud.port, timeout=30,
                                                 context=ssl.create_default_context(cafile=self.cloud.state / "ca.pem"))
        names = {k.replace("_", "-"): v for k, v in headers.items()}
        connection.request(method, path.removeprefix(self.cloud.url), body, {"Authorization": f"Bearer {self.token}", **names})
        response = connection.getresponse()
        return response.status, response.headers, response.read()


@pytest.fixture
def raw(cloud, clients):
    from google.auth.transport.requests import Request
    credentials = clients.credentials(OWNER)
    credentials.refresh(Request())
    return Raw(cloud, credentials.token)


def begin(raw, name):
    status, headers, _ = raw("POST", f"/upload/storage/v1/b/{BUCKET}/o?uploadType=resumable&name={name}", b"")
    assert status == 200
    return headers["Location"]


def test_resumes_where_the_last_whole_block_ended(raw, cloud, bucket):
    block, data = 256 << 10, os.urandom((256 << 10) * 2 + 5)
    session = begin(raw, "resumed")
    assert raw("PUT", session, b"", Content_Range="bytes */*")[1]["Range"] is None
    status, headers, _ = raw("PUT", session, data[:block + 9], Content_Range=f"bytes 0-{block + 8}/*")
    assert (status, headers["Range"]) == (308, f"bytes=0-{block - 1}")
    cloud.kill()  # Sessions outlive a restart.
    cloud.start()
    status, headers, _ = raw("PUT", session, b"", Content_Range=f"bytes */{len(data)}")
    assert (status, headers["Range"]) == (308, f"bytes=0-{block - 1}")
    status, _, body = raw("PUT", session, data[100:], Content_Range=f"bytes 100-{len(data) - 1}/{len(data)}")
    assert (status, json.loads(body)["size"]) == (200, str(len(data)))
    assert raw("PUT", session, b"", Content_Range="bytes */*")[2] == body
    assert bucket.blob("resumed").download_as_bytes() == data


def test_lost_and_cancelled_sessions_are_gone(raw, cloud):
    session = begin(raw, "lost")
    assert raw("DELETE", session)[0] == 499
    assert raw("PUT", session, b"x")[0] == 410
    session = begin(raw, "lost")
    cloud.api.lose_sessions()
    assert raw("PUT", session, b"x")[0] == 410
    assert raw("PUT", session + "x", b"x")[0] == 404


def test_refuses_content_with_a_wrong_checksum(raw, bucket):
    upload, wrong = f"/upload/storage/v1/b/{BUCKET}/o", "crc32c=AAAAAA=="
    multipart = b'--x\r\n\r\n{"name": "wrong", "md5Hash": "AAAA"}\r\n--x\r\n\r\ncontent\r\n--x--'
    answers = [
        raw("POST", upload + "?uploadType=media&name=wrong", b"content", X_Goog_Hash=wrong),
        raw("POST", upload + "?uploadType=multipart", multipart, Content_Type="multipart/related; boundary=x"),
        raw("PUT", begin(raw, "wrong"), b"content", X_Goog_Hash=wrong),
    ]
    for status, _, body in answers:
        assert status == 400 and "doesn't match calculated" in json.loads(body)["error"]["message"]
    assert bucket.get_blob("wrong") is None


def test_a_resumable_upload_that_lost_the_race_fails(raw, bucket):
    _, headers, _ = raw("POST", f"/upload/storage/v1/b/{BUCKET}/o?uploadType=resumable&name=race&ifGenerationMatch=0", b"")
    bucket.blob("race").upload_from_string(b"first")
    assert raw("PUT", headers["Location"], b"second")[0] == 412
    assert bucket.blob("race").download_as_bytes() == b"first"


# ---- KMS ----
@pytest.mark.parametrize("key, level", [(KEY, "SOFTWARE"), (HSM_KEY, "HSM")])
def test_encrypts_and_decrypts(clients, key, level):
    client, plaintext, associated = clients.kms(), os.urandom(64), b"cloister"
    sealed = client.encrypt(request={
        "name": key, "plaintext": plaintext, "plaintext_crc32c": crc(plaintext),
        "additional_authenticated_data": associated, "additional_authenticated_data_crc32c": crc(associated)})
    assert sealed.name == f"{key}/cryptoKeyVersions/1" and sealed.protection_level.name == level
    assert sealed.verified_plaintext_crc32c and sealed.verified_additional_authenticated_data_crc32c
    assert sealed.ciphertext_crc32c == crc(sealed.ciphertext) and plaintext not in sealed.ciphertext
    opened = client.decrypt(request={
        "name": key, "ciphertext": sealed.ciphertext, "ciphertext_crc32c": crc(sealed.ciphertext),
        "additional_authenticated_data": associated, "additional_authenticated_data_crc32c": crc(associated)})
    assert (opened.plaintext, opened.plaintext_crc32c) == (plaintext, crc(plaintext))
    assert opened.used_primary and opened.protection_level.name == level


def test_tells_what_is_wrong_with_a_ciphertext(clients):
    from google.api_core.exceptions import BadRequest
    client = clients.kms()
    sealed = client.encrypt(request={"name": KEY, "plaintext": b"secret"}).ciphertext
    assert not client.encrypt(request={"name": KEY, "plaintext": b"secret"}).verified_plaintext_crc32c
    flipped = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for name, ciphertext, more in ((HSM_KEY, sealed, {}), (KEY, flipped, {}), (KEY, b"short", {}),
                                   (KEY, sealed, {"additional_authenticated_data": b"other"})):
        with pytest.raises(BadRequest, match="the ciphertext is invalid") as refused:
            client.decrypt(request={"name": name, "ciphertext": ciphertext, **more})
        assert refused.value.response.json()["error"]["status"] == "INVALID_ARGUMENT"
    with pytest.raises(BadRequest, match="checksum"):
        client.decrypt(request={"name": KEY, "ciphertext": sealed, "ciphertext_crc32c": 1})
    with pytest.raises(BadRequest, match="8KiB"):
        client.encrypt(request={"name": HSM_KEY, "plaintext": b"x" * 8193})


def test_keys_rotate_and_are_disabled(cloud, clients):
    from google.api_core.exceptions import BadRequest
    key, client = f"{RING}/cryptoKeys/rotated", clients.kms()
    cloud.api.create_key(key)
    cloud.api.grant_key(key, f"serviceAccount:{OWNER}", "roles/cloudkms.cryptoKeyEncrypterDecrypter")
    sealed = client.encrypt(request={"name": key, "plaintext": b"old"}).ciphertext
    assert cloud.api.kms_decrypt(key, sealed) == b"old"
    assert cloud.api.rotate_key(key) == 2
    assert client.encrypt(request={"name": key, "plaintext": b"new"}).name.endswith("/cryptoKeyVersions/2")
    opened = client.decrypt(request={"name": key, "ciphertext": sealed})
    assert opened.plaintext == b"old" and not opened.used_primary
    cloud.api.set_key_state(key, "DISABLED")
    with pytest.raises(BadRequest, match="is not enabled, current state is: DISABLED") as refused:
        client.decrypt(request={"name": key, "ciphertext": sealed})
    assert refused.value.response.json()["error"]["status"] == "FAILED_PRECONDITION"


# ---- credentials ----
def user_credentials(cloud):
    from google.oauth2.credentials import Credentials
    info = json.loads((cloud.state / "user.json").read_text())
    return Credentials(None, refresh_token=info["refresh_token"], client_id=info["client_id"],
                       client_secret=info["client_secret"], token_uri=f"{cloud.url}/token")


def test_a_user_sees_the_keys(cloud, clients):
    client = clients.kms(given=user_credentials(cloud))
    assert client.get_crypto_key(name=HSM_KEY).primary.protection_level.name == "HSM"
    assert client.get_key_ring(name=RING).name == RING
    assert {KEY, HSM_KEY} <= {key.name for key in client.list_crypto_keys(parent=RING)}
    assert [ring.name for ring in client.list_key_rings(parent=RING.rpartition("/keyRings")[0])] == [RING]


def test_metadata_credentials(cloud, clients, bucket):
    from google.auth import compute_engine
    from google.auth.compute_engine import _metadata
    from google.auth.transport.requests import Request
    bucket.blob("for-the-node").upload_from_string(b"hello")
    assert _metadata.ping(Request()) and _metadata.get_project_id(Request()) == "test"
    credentials = compute_engine.Credentials()
    assert clients.storage(given=credentials).bucket(BUCKET).blob("for-the-node").download_as_bytes() == b"hello"
    assert _metadata.get_service_account_info(Request())["email"] == NODE
    token = compute_engine.IDTokenCredentials(Request(), "https://verifier", use_metadata_identity_endpoint=True)
    token.refresh(Request())
    assert token.token.count(".") == 2


def metadata_get(cloud, path, **headers):
    connection = http.client.HTTPConnection(cloud.metadata, timeout=10)
    connection.request("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    response = connection.getresponse()
    return response.status, response.headers["Metadata-Flavor"], response.read()


def test_metadata_wants_its_header(cloud):
    path = "/computeMetadata/v1/instance/service-accounts/default/"
    assert metadata_get(cloud, path + "token")[0] == 403
    assert metadata_get(cloud, path + "token", Metadata_Flavor="Google", X_Forwarded_For="1.2.3.4")[0] == 403
    assert metadata_get(cloud, path + "identity", Metadata_Flavor="Google")[0] == 400
    assert metadata_get(cloud, "/computeMetadata/v1/nothing", Metadata_Flavor="Google")[0] == 404
    assert metadata_get(cloud, path + "email", Metadata_Flavor="Google")[:2] == (200, "Google")


def test_a_wrong_key_gets_no_token(clients):
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives import serialization
    from google.auth import crypt
    from google.auth.exceptions import RefreshError
    from google.auth.transport.requests import Request
    pem = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    credentials = clients.credentials(OWNER)
    credentials._signer = crypt.RSASigner.from_string(pem, key_id=credentials._signer.key_id)
    with pytest.raises(RefreshError, match="Invalid JWT Signature"):
        credentials.refresh(Request())


# ---- IAM ----
def test_an_account_opens_only_what_iam_gives_it(cloud, clients, bucket):
    from google.api_core.exceptions import Forbidden
    bucket.blob("guarded").upload_from_string(b"x")
    owner, trainer, theirs = clients.kms(), clients.kms(TRAINER), clients.storage(TRAINER).bucket(BUCKET)
    sealed = {key: owner.encrypt(request={"name": key, "plaintext": b"secret"}).ciphertext for key in (KEY, HSM_KEY)}
    assert trainer.decrypt(request={"name": KEY, "ciphertext": sealed[KEY]}).plaintext == b"secret"
    with pytest.raises(Forbidden, match="useToDecrypt"):
        trainer.decrypt(request={"name": HSM_KEY, "ciphertext": sealed[HSM_KEY]})
    with pytest.raises(Forbidden, match="useToEncrypt"):
        trainer.encrypt(request={"name": KEY, "plaintext": b"x"})
    assert theirs.blob("guarded").download_as_bytes() == b"x"
    for forbidden in (lambda: theirs.blob("new").upload_from_string(b"x"), theirs.blob("guarded").delete,
                      lambda: clients.storage(given=user_credentials(cloud)).bucket(BUCKET).blob("guarded").download_as_bytes()):
        with pytest.raises(Forbidden):
            forbidden()
    cloud.api.revoke_bucket(BUCKET, f"serviceAccount:{TRAINER}", "roles/storage.objectViewer")
    try:
        with pytest.raises(Forbidden):
            theirs.blob("guarded").download_as_bytes()
    finally:
        cloud.api.grant_bucket(BUCKET, f"serviceAccount:{TRAINER}", "roles/storage.objectViewer")


def test_tokens_are_checked_and_expire(cloud, raw):
    path = f"/storage/v1/b/{BUCKET}/o"
    assert raw("GET", path)[0] == 200
    stranger = Raw(cloud, "ya29.guessed")
    status, _, body = stranger("GET", path)
    assert (status, json.loads(body)["error"]["errors"][0]["reason"]) == (401, "authError")
    status, _, body = stranger("POST", f"/v1/{KEY}:decrypt", b"{}")
    assert (status, json.loads(body)["error"]["status"]) == (401, "UNAUTHENTICATED")
    assert stranger("POST", "/_cloud/buckets", b"{}")[0] == 401
    cloud.api.token_lifetime(0.2)
    token = json.loads(metadata_get(cloud, "/computeMetadata/v1/instance/service-accounts/default/token",
                                    Metadata_Flavor="Google")[2])["access_token"]
    time.sleep(0.3)
    assert Raw(cloud, token)("GET", path)[0] == 401


def test_everything_is_audited_and_no_content(cloud, clients, bucket):
    canary = base64.b64encode(os.urandom(24))
    bucket.blob("audited").upload_from_string(canary)
    clients.kms().encrypt(request={"name": KEY, "plaintext": canary})
    wanted = {(f"b/{BUCKET}/o/audited", "POST", 200), (KEY, "POST", 200)}
    found = {(e["resource"], e["method"], e["status"]) for e in cloud.api.audit()
             if e["principal"] == f"serviceAccount:{OWNER}"}
    assert wanted <= found
    assert canary not in (cloud.state / "audit.jsonl").read_bytes()


# ---- faults ----
def test_faults_fail_break_and_corrupt(cloud, bucket, raw):
    data = os.urandom(MIB)
    bucket.blob("faulty").upload_from_string(data)
    path = f"/storage/v1/b/{BUCKET}/o/faulty?alt=media"
    cloud.api.faults([{"match": "GET .*faulty", "after": 1, "times": 2, "status": 503}])
    assert [raw("GET", path)[0] for _ in range(4)] == [200, 503, 503, 200]
    assert cloud.api.fault_hits()[0]["hits"] == 2
    cloud.api.faults([{"match": "faulty", "times": 1, "status": 503}])
    assert bucket.blob("faulty").download_as_bytes() == data  # Google's client tries again.
    cloud.api.faults([{"match": "faulty", "corrupt_byte": 500_000}])
    got = raw("GET", path)[2]
    assert [i for i in range(MIB) if got[i] != data[i]] == [500_000]
    cloud.api.faults([{"match": "faulty", "truncate_bytes": 70_000}])
    with pytest.raises(http.client.IncompleteRead) as short:
        raw("GET", path)
    assert short.value.partial == data[:70_000]
    cloud.api.faults([{"match": "faulty", "drop": True}])
    with pytest.raises((ConnectionError, ssl.SSLError)):
        raw("GET", path)
    cloud.api.faults([{"match": "faulty", "drop": "after"}])
    with pytest.raises((ConnectionError, ssl.SSLError)):
        raw("DELETE", f"/storage/v1/b/{BUCKET}/o/faulty")
    cloud.api.clear_faults()
    assert bucket.get_blob("faulty") is None


def test_faults_of_the_metadata_server(cloud):
    path = "/computeMetadata/v1/instance/service-accounts/default/email"
    cloud.api.faults([{"match": "service-accounts", "times": 1, "status": 404, "delay_seconds": 0.2}])
    began = time.monotonic()
    assert metadata_get(cloud, path, Metadata_Flavor="Google")[0] == 404
    assert time.monotonic() - began >= 0.2
    assert metadata_get(cloud, path, Metadata_Flavor="Google")[0] == 200


# ---- size and restart ----
def memory_kib(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
        return int(next(line for line in status if line.startswith("RssAnon")).split()[1])


def test_large_objects_stream_and_survive_a_kill(cloud, raw):
    size = 200 * MIB
    piece = os.urandom(MIB)
    before = memory_kib(cloud.process)
    path = f"/upload/storage/v1/b/{BUCKET}/o?uploadType=media&name=large"
    assert raw("POST", path, (piece for _ in range(200)), Content_Length=str(size))[0] == 200
    assert memory_kib(cloud.process) < before + 30 * 1024
    cloud.kill()
    cloud.start()
    status, headers, body = raw("GET", f"/download/storage/v1/b/{BUCKET}/o/large?alt=media")
    checksum = base64.b64encode(crc(body).to_bytes(4, "big")).decode()
    assert (status, len(body)) == (200, size) and f"crc32c={checksum}" in headers["X-Goog-Hash"]
    assert memory_kib(cloud.process) < before + 30 * 1024

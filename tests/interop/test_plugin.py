"""kubectl-cloister against the test cloud: what it writes stock Tink reads, what stock Tink writes it fetches, and what
it says when somebody says no."""
import base64
import hashlib
import http.server
import io
import json
import os
import signal
import ssl
import subprocess
import threading
import uuid
from pathlib import Path

import pytest
import tink
import yaml
from cloud.tls import server_context
from conftest import BUCKET, HSM_KEY, KEY, NODE, OWNER, RING, TRAINER
from kit.cluster import ROOT, wait_for
from tink import secret_key_access, streaming_aead

pytestmark = pytest.mark.timeout(120)
PLUGIN = ROOT / os.environ.get("BUILD", "build") / "bin/kubectl-cloister"
USER, JOB_UID = "dora@clinic.example", "5c1e0a44-9f0e-4a53-8a52-6a6f7d1f2b10"
streaming_aead.register()


class Plugin:
    """The plugin with nothing of this machine's in its environment, as one account."""

    def __init__(self, cloud, home):
        self.cloud, self.home = cloud, home
        self.env = {"PATH": os.environ["PATH"], "HOME": str(home),
                    "GOOGLE_APPLICATION_CREDENTIALS": str(cloud.state / f"{OWNER}.json"),
                    # As gcloud wants them: with a slash, and that of storage with the path of the API.
                    "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE": f"{cloud.url}/storage/v1/",
                    "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS": f"{cloud.url}/",
                    "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE": str(cloud.state / "ca.pem"),
                    # An undumpable process cannot be searched for leaks.
                    "ASAN_OPTIONS": "detect_leaks=0"}

    def run(self, *arguments, **env):
        full = {k: v for k, v in {**self.env, **env}.items() if v is not None}
        return subprocess.run([PLUGIN, *map(str, arguments)], env=full, cwd=self.home, text=True, capture_output=True,
                              timeout=60, check=False)

    def yaml(self, *arguments, **env):
        """What it printed to paste."""
        done = self.run(*arguments, **env)
        assert done.returncode == 0, done.stderr
        return yaml.safe_load(done.stdout)

    def refused(self, *arguments, **env):
        """Its last words; it printed nothing to paste."""
        done = self.run(*arguments, **env)
        assert (done.returncode, done.stdout) == (1, ""), done.stderr
        last = done.stderr.splitlines()[-1]
        assert last.startswith("error: ") and ". To go on, " in last and ".." not in last, done.stderr
        return done.stderr


@pytest.fixture
def plugin(cloud, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    return Plugin(cloud, home)


@pytest.fixture
def folder():
    """A folder of the bucket for this test alone."""
    return f"plugin/{uuid.uuid4().hex[:12]}"


# ---- stock Tink ----
class Kept(io.BytesIO):
    """Tink closes what it writes to."""

    def close(self):
        self.kept = self.getvalue()
        super().close()


class Stock:
    """A job's key in the hands of stock Tink; the cloud's administrator unwraps it."""

    def __init__(self, cloud, key):
        serialized = cloud.api.kms_decrypt(key["kmsKeyName"], base64.b64decode(key["wrappedKeyset"]))
        self.handle = tink.proto_keyset_format.parse(serialized, secret_key_access.TOKEN)
        self.primitive = self.handle.primitive(streaming_aead.StreamingAead)
        self.info = self.handle.keyset_info()

    def encrypt(self, plain, associated_data):
        out = Kept()
        with self.primitive.new_encrypting_stream(out, associated_data.encode()) as stream:
            stream.write(plain)
        return out.kept

    def decrypt(self, cipher, associated_data):
        with self.primitive.new_decrypting_stream(io.BytesIO(cipher), associated_data.encode()) as stream:
            return stream.read()


# ---- keyset ----
def test_keyset_is_one_that_stock_tink_knows(plugin, cloud):
    printed = plugin.yaml("keyset", "--kms-key", KEY, "--name", "results")
    [key] = printed["keys"]
    assert set(printed) == {"keys"} and set(key) == {"name", "kmsKeyName", "wrappedKeyset"}
    assert (key["name"], key["kmsKeyName"]) == ("results", KEY)
    stock = Stock(cloud, key)
    [info] = stock.info.key_info
    assert info.type_url.endswith("AesGcmHkdfStreamingKey") and stock.info.primary_key_id == info.key_id
    assert stock.decrypt(stock.encrypt(b"hello", "ad"), "ad") == b"hello"


def test_each_keyset_is_new_and_its_key_is_printed_nowhere(plugin, cloud):
    first, second = (plugin.run("keyset", "--kms-key", HSM_KEY) for _ in range(2))
    keysets = []
    for done in (first, second):
        [key] = yaml.safe_load(done.stdout)["keys"]
        keysets.append(cloud.api.kms_decrypt(HSM_KEY, base64.b64decode(key["wrappedKeyset"])))
        material = keysets[-1][keysets[-1].index(b"\x1a\x20") + 2:][:32]
        said = done.stdout + done.stderr
        assert material.hex() not in said and base64.b64encode(material).decode()[:40] not in said
        assert base64.b64encode(keysets[-1]).decode() not in said
    assert keysets[0] != keysets[1]


@pytest.mark.parametrize("name", ["123", "true", "no", "on", "1e3"])
def test_names_that_yaml_reads_otherwise_stay_names(plugin, name):
    assert plugin.yaml("keyset", "--kms-key", KEY, "--name", name)["keys"][0]["name"] == name


# ---- encrypt ----
@pytest.mark.parametrize("size", [0, 1, (1 << 20) + 5, (9 << 20) + 1])
def test_what_it_encrypts_stock_tink_decrypts(plugin, cloud, folder, tmp_path, size):
    plain = os.urandom(size)
    (tmp_path / "data.bin").write_bytes(plain)
    printed = plugin.yaml("encrypt", tmp_path / "data.bin", f"gs://{BUCKET}/{folder}/", "--kms-key", KEY, "--name", "train")
    assert printed["inputs"] == [{"name": "train", "uri": f"gs://{BUCKET}/{folder}/", "keyName": "train"}]
    stock, name = Stock(cloud, printed["keys"][0]), f"{folder}/data.bin"
    cipher = cloud.api.object_bytes(BUCKET, name)
    assert stock.decrypt(cipher, f"gs://{BUCKET}/{name}") == plain
    with pytest.raises(tink.TinkError):
        stock.decrypt(cipher, f"gs://{BUCKET}/{folder}/other.bin")
    assert cloud.api.object_metadata(BUCKET, name) == {
        "cloister-key-id": str(stock.info.primary_key_id), "cloister-name": f"gs://{BUCKET}/{name}",
        "cloister-size": str(len(cipher))}


@pytest.mark.parametrize("mode, associated_data", [
    ("Relative", "a/b.txt"), ("Fixed:patients: \"all\" # 7", "patients: \"all\" # 7"), ("Fixed:", "")])
def test_associated_data_is_what_the_job_is_told(plugin, cloud, folder, tmp_path, mode, associated_data):
    (tmp_path / "set/a").mkdir(parents=True)
    (tmp_path / "set/a/b.txt").write_text("hello")
    printed = plugin.yaml("encrypt", tmp_path / "set", f"gs://{BUCKET}/{folder}/", "--kms-key", KEY,
                          "--associated-data", mode)
    assert printed["inputs"][0]["associatedData"] == mode
    stock = Stock(cloud, printed["keys"][0])
    assert stock.decrypt(cloud.api.object_bytes(BUCKET, f"{folder}/a/b.txt"), associated_data) == b"hello"


def test_directories_go_with_their_relative_paths(plugin, cloud, folder, tmp_path):
    for path in ("set/one", "set/sub/two", "set/sub/deep/drei ä #%41", "alone"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    done = plugin.run("encrypt", f"{tmp_path}/set/", tmp_path / "alone", f"gs://{BUCKET}/{folder}/", "--kms-key", KEY)
    assert done.returncode == 0 and "[4/4] encrypted" in done.stderr
    assert cloud.api.objects(BUCKET, f"{folder}/") == sorted(
        f"{folder}/{name}" for name in ("alone", "one", "sub/two", "sub/deep/drei ä #%41"))
    name = f"{folder}/sub/deep/drei ä #%41"
    stock = Stock(cloud, yaml.safe_load(done.stdout)["keys"][0])
    assert stock.decrypt(cloud.api.object_bytes(BUCKET, name), f"gs://{BUCKET}/{name}") == b"set/sub/deep/drei \xc3\xa4 #%41"


def test_data_sets_share_a_key(plugin, cloud, folder, tmp_path):
    (tmp_path / "x").write_text("x")
    first = plugin.run("keyset", "--kms-key", KEY, "--name", "shared")
    (tmp_path / "keys.yaml").write_text(first.stdout)
    arguments = ["encrypt", tmp_path / "x", f"gs://{BUCKET}/{folder}/", "--keyset", tmp_path / "keys.yaml"]
    printed = plugin.yaml(*arguments, "--name", "test")
    assert printed["keys"] == yaml.safe_load(first.stdout)["keys"]
    assert printed["inputs"] == [{"name": "test", "uri": f"gs://{BUCKET}/{folder}/", "keyName": "shared"}]
    other = plugin.yaml("keyset", "--kms-key", KEY, "--name", "other")["keys"]
    (tmp_path / "keys.yaml").write_text(yaml.safe_dump({"spec": {"keys": printed["keys"] + other}}))
    assert "choose one with --key-name" in plugin.refused(*arguments)
    assert plugin.yaml(*arguments, "--overwrite", "--key-name", "other")["keys"] == other
    assert "no key named absent" in plugin.refused(*arguments, "--key-name", "absent")


def test_existing_objects_are_replaced_only_when_asked(plugin, cloud, folder, tmp_path):
    for name in "abc":
        (tmp_path / name).write_text(name)
    cloud.api.put_object(BUCKET, f"{folder}/b", b"precious")
    arguments = ["encrypt", *(tmp_path / n for n in "abc"), f"gs://{BUCKET}/{folder}/", "--kms-key", KEY]
    words = plugin.refused(*arguments)
    assert f"gs://{BUCKET}/{folder}/b exists already" in words
    assert f"1 of 3 objects were already written; no job refers to them, and their key is given up:\n  gs://{BUCKET}/{folder}/a\n" in words
    assert cloud.api.object_bytes(BUCKET, f"{folder}/b") == b"precious"
    assert cloud.api.objects(BUCKET, f"{folder}/") == [f"{folder}/a", f"{folder}/b"]
    stock = Stock(cloud, plugin.yaml(*arguments, "--overwrite")["keys"][0])
    assert stock.decrypt(cloud.api.object_bytes(BUCKET, f"{folder}/b"), f"gs://{BUCKET}/{folder}/b") == b"b"


def link(directory):
    (directory / "set/link").symlink_to("/etc/passwd")
    return "set/link is a symbolic link"


def linked_directory(directory):
    (directory / "set/link").symlink_to("/etc")
    return "set/link is a symbolic link"


def pipe(directory):
    os.mkfifo(directory / "set/pipe")
    return "set/pipe is neither a file nor a directory"


def line_end(directory):
    (directory / "set/two\nlines").touch()
    return "cannot be the path of an input"


def no_utf8(directory):
    Path(os.fsdecode(os.fsencode(directory) + b"/set/\xff")).touch()
    return "is not UTF-8"


@pytest.mark.parametrize("make", [link, linked_directory, pipe, line_end, no_utf8], ids=lambda m: m.__name__)
def test_what_cannot_be_encrypted_is_told_before_anything_is_written(plugin, cloud, folder, tmp_path, make):
    (tmp_path / "set").mkdir()
    (tmp_path / "set/a").write_text("a")
    expected = make(tmp_path)
    assert expected in plugin.refused("encrypt", tmp_path / "set", f"gs://{BUCKET}/{folder}/", "--kms-key", KEY)
    assert cloud.api.objects(BUCKET, f"{folder}/") == []


def test_two_files_of_one_path_are_refused_even_to_overwrite(plugin, cloud, folder, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "data").write_text(name)
    words = plugin.refused("encrypt", tmp_path / "one/data", tmp_path / "two", f"gs://{BUCKET}/{folder}/", "--kms-key", KEY,
                           "--overwrite")
    assert "both have a file data" in words and cloud.api.objects(BUCKET, f"{folder}/") == []


# ---- credentials and permissions ----
def wrap(plugin, **env):
    return plugin.run("keyset", "--kms-key", KEY, **env)


def test_user_credentials(plugin, cloud):
    env = {"GOOGLE_APPLICATION_CREDENTIALS": str(cloud.state / "user.json"), "CLOUDSDK_AUTH_TOKEN_HOST": f"{cloud.url}/token"}
    words = plugin.refused("keyset", "--kms-key", KEY, **env)
    assert KEY in words and "roles/cloudkms.cryptoKeyEncrypter" in words
    cloud.api.grant_key(KEY, f"user:{USER}", "roles/cloudkms.cryptoKeyEncrypter")
    try:
        assert wrap(plugin, **env).returncode == 0
        # What gcloud auth application-default login wrote, found without being named; then in gcloud's folder elsewhere.
        found = plugin.home / ".config/gcloud/application_default_credentials.json"
        found.parent.mkdir(parents=True)
        found.write_bytes((cloud.state / "user.json").read_bytes())
        assert wrap(plugin, **{**env, "GOOGLE_APPLICATION_CREDENTIALS": None}).returncode == 0
        moved = found.parent.rename(plugin.home / "gcloud")
        env["GOOGLE_APPLICATION_CREDENTIALS"] = None
        assert wrap(plugin, **env, CLOUDSDK_CONFIG=str(moved)).returncode == 0
    finally:
        cloud.api.revoke_key(KEY, f"user:{USER}", "roles/cloudkms.cryptoKeyEncrypter")


def test_user_credentials_name_the_project_that_is_charged(plugin, cloud, tmp_path):
    """Without x-goog-user-project Google refuses a person's calls of Cloud KMS."""
    credentials = {**json.loads((cloud.state / "user.json").read_text()), "quota_project_id": "clinic-billing"}
    (tmp_path / "user.json").write_text(json.dumps(credentials))
    cloud.api.grant_key(KEY, f"user:{USER}", "roles/cloudkms.cryptoKeyEncrypter")
    try:
        wrap(plugin, GOOGLE_APPLICATION_CREDENTIALS=str(tmp_path / "user.json"), CLOUDSDK_AUTH_TOKEN_HOST=f"{cloud.url}/token")
    finally:
        cloud.api.revoke_key(KEY, f"user:{USER}", "roles/cloudkms.cryptoKeyEncrypter")
    calls = [entry for entry in cloud.api.audit() if KEY in str(entry["resource"])]
    assert calls[-1]["quotaProject"] == "clinic-billing"


def test_metadata_credentials(plugin, cloud):
    env = {"GOOGLE_APPLICATION_CREDENTIALS": None, "GCE_METADATA_HOST": cloud.metadata}
    assert "cryptoKeyEncrypter" in plugin.refused("keyset", "--kms-key", KEY, **env)
    cloud.api.grant_key(KEY, f"serviceAccount:{NODE}", "roles/cloudkms.cryptoKeyEncrypter")
    try:
        assert wrap(plugin, **env).returncode == 0
    finally:
        cloud.api.revoke_key(KEY, f"serviceAccount:{NODE}", "roles/cloudkms.cryptoKeyEncrypter")


def test_no_credentials_at_all(plugin):
    words = plugin.refused("keyset", "--kms-key", KEY, GOOGLE_APPLICATION_CREDENTIALS=None, GCE_METADATA_HOST="127.0.0.1:9")
    assert "gcloud auth application-default login" in words


@pytest.mark.parametrize("change", [{"private_key_id": "0" * 40}, {"client_email": "nobody@x.iam.gserviceaccount.com"}])
def test_wrong_credentials(plugin, cloud, tmp_path, change):
    known = json.loads((cloud.state / f"{OWNER}.json").read_text())
    (tmp_path / "wrong.json").write_text(json.dumps({**known, **change}))
    words = plugin.refused("keyset", "--kms-key", KEY, GOOGLE_APPLICATION_CREDENTIALS=str(tmp_path / "wrong.json"))
    assert "Google credentials: " in words and known["private_key"].split("\n")[1] not in words


def test_credentials_that_cannot_be_read(plugin, tmp_path):
    (tmp_path / "odd.json").write_text('{"type": "external_account"}')
    for path, expected in ((tmp_path / "absent.json", "absent.json"), (tmp_path / "odd.json", "external_account")):
        assert expected in plugin.refused("keyset", "--kms-key", KEY, GOOGLE_APPLICATION_CREDENTIALS=str(path))


def test_no_permission_for_key_or_bucket(plugin, cloud, folder, tmp_path):
    (tmp_path / "x").write_text("x")
    trainer = {"GOOGLE_APPLICATION_CREDENTIALS": str(cloud.state / f"{TRAINER}.json")}
    assert "cryptoKeyEncrypter" in plugin.refused("keyset", "--kms-key", KEY, **trainer)
    # Like Google, the cloud does not tell those without a permission whether there is such a key.
    assert "cryptoKeyEncrypter" in plugin.refused("keyset", "--kms-key", f"{RING}/cryptoKeys/absent")
    (tmp_path / "keys.yaml").write_text(plugin.run("keyset", "--kms-key", KEY).stdout)
    words = plugin.refused("encrypt", tmp_path / "x", f"gs://{BUCKET}/{folder}/", "--keyset", tmp_path / "keys.yaml", **trainer)
    assert f"gs://{BUCKET}/{folder}/x" in words and "roles/storage.objectUser" in words


def test_a_disabled_key(plugin, cloud):
    key = f"{RING}/cryptoKeys/disabled"
    cloud.api.create_key(key)
    cloud.api.grant_key(key, f"serviceAccount:{OWNER}", "roles/cloudkms.cryptoKeyEncrypterDecrypter")
    cloud.api.set_key_state(key, "DISABLED")
    words = plugin.refused("keyset", "--kms-key", key)
    assert key in words and "enable the key version" in words


def test_a_missing_bucket(plugin, tmp_path):
    (tmp_path / "x").write_text("x")
    words = plugin.refused("encrypt", tmp_path / "x", "gs://no-such-bucket/a/", "--kms-key", KEY)
    assert "gs://no-such-bucket/a/x" in words and "check that the bucket exists" in words


# ---- use ----
@pytest.mark.parametrize("arguments, expected", [
    ([], "COMMAND --help"), (["frobnicate"], "unknown command"), (["keyset"], "--kms-key"),
    (["keyset", "--kms-key", "mykey"], "projects/P/locations/L"), (["keyset", "--kms-key", f"{KEY}/cryptoKeyVersions/1"], "version"),
    (["keyset", "--kms-key", f"{KEY}?x#y"], "no key name"), (["keyset", "--kms-key", KEY, "--name", "A B"], "cannot be a name"),
    (["encrypt", "x"], "say what to encrypt"), (["encrypt", "x", f"gs://{BUCKET}/a", "--kms-key", KEY], "slash"),
    (["encrypt", "x", "/tmp/", "--kms-key", KEY], "gs://"), (["encrypt", "x", f"gs://{BUCKET}/a/"], "--keyset FILE"),
    (["encrypt", "x", f"gs://{BUCKET}/a/", "--kms-key", KEY, "--associated-data", "Path"], "Fixed:<text>"),
    (["encrypt", "x", f"gs://{BUCKET}/a/", "--frob"], "unknown option"),
    (["fetch"], "say which job"), (["fetch", "../secrets"], "cannot be a name"), (["fetch", "job", "-n", "a/b"], "cannot be a name"),
])
def test_misuse_is_exit_code_2(plugin, arguments, expected):
    done = plugin.run(*arguments)
    assert (done.returncode, done.stdout) == (2, "") and expected in done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["keyset", "--help"], ["encrypt", "-h"], ["fetch", "--help"], ["version"]])
def test_help_and_version_need_nothing(plugin, arguments):
    done = subprocess.run([PLUGIN, *arguments], env={"ASAN_OPTIONS": "detect_leaks=0"}, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "cloister" in done.stdout and not done.stderr


def test_output_that_cannot_be_written_is_an_error(plugin):
    with open("/dev/full", "w") as full:
        done = subprocess.run([PLUGIN, "keyset", "--kms-key", KEY], env=plugin.env, stdout=full, stderr=subprocess.PIPE, text=True,
                              check=False)
    assert done.returncode == 1 and "standard output" in done.stderr


# ---- fetch ----
class ApiServer:
    """An API server that knows one job and lets one token in."""

    def __init__(self, directory):
        self.jobs, self.token, self.asked = {}, "token-of-the-plugin", []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(self.path)
                if self.headers["Authorization"] != f"Bearer {outer.token}":
                    return self.answer(401, {"kind": "Status", "code": 401, "message": "Unauthorized"})
                if self.path not in outer.jobs:
                    return self.answer(404, {"kind": "Status", "code": 404, "reason": "NotFound",
                                             "message": "trainingjobs.cloister.dev \"x\" not found"})
                return self.answer(200, outer.jobs[self.path])

            def answer(self, status, body):
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = server_context(directory, ["127.0.0.1"])
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url, self.ca = f"https://127.0.0.1:{self.server.server_port}", directory / "ca.pem"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def api_server(tmp_path):
    (tmp_path / "api").mkdir()
    server = ApiServer(tmp_path / "api")
    yield server
    server.close()


@pytest.fixture
def kubeconfig(api_server, tmp_path):
    """With a credential plugin beside it, as GKE's."""
    credential = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": api_server.token}}
    helper = tmp_path / "helper"
    helper.write_text(f"#!/bin/sh\n[ -n \"$KUBERNETES_EXEC_INFO\" ] && [ \"$1\" = get-token ] && echo '{json.dumps(credential)}'\n")
    helper.chmod(0o755)
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump({
        "apiVersion": "v1", "kind": "Config", "current-context": "none",
        "clusters": [{"name": "k", "cluster": {"server": api_server.url, "certificate-authority": "api/ca.pem"}}],
        "contexts": [{"name": "clinic", "context": {"cluster": "k", "user": "u", "namespace": "ml"}}],
        "users": [{"name": "u", "user": {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "./helper",
                                                   "args": ["get-token"], "interactiveMode": "Never"}}}]}))
    return path


class Published:
    """A job's output as documented, made by stock Tink and hashlib."""

    def __init__(self, cloud, key, folder, files, **changes):
        self.cloud, self.stock, self.id = cloud, Stock(cloud, key), uuid.uuid4().hex
        self.folder = f"{folder}/worker-0/{self.id}"
        head = {"cloister": "manifest/v1", "id": self.id, "kind": "output", "namespace": "ml", "job": "digits", "jobUID": JOB_UID,
                "attempt": 1, "index": 0, "name": "", "step": -1, "time": "2026-01-01T00:00:00Z", "parent": None, **changes}
        entries = [self.put_file(path, plain) for path, plain in sorted(files.items())]
        self.sha256 = self.put_manifest(head, entries)
        self.job = {
            "metadata": {"name": "digits", "namespace": "ml", "uid": JOB_UID},
            "spec": {"keys": [key], "output": {"uri": f"gs://{BUCKET}/{folder}/", "keyName": key["name"]},
                     "confidential": {"requireHSM": False}},
            "status": {"phase": "Succeeded", "output": {"uri": f"gs://{BUCKET}/{self.folder}/", "manifestSHA256": self.sha256}}}

    def put_file(self, path, plain):
        cipher = self.stock.encrypt(plain, f"cloister/v1/{self.id}/{path}")
        self.cloud.api.put_object(BUCKET, f"{self.folder}/data/{path}", cipher)
        return {"path": path, "size": len(plain), "cipherSize": len(cipher), "header": base64.b64encode(cipher[:40]).decode(),
                "keyId": self.stock.info.primary_key_id}

    def put_manifest(self, head, entries):
        body = "".join(json.dumps(line) + "\n" for line in (head, *entries)).encode()
        body += json.dumps({"count": len(entries), "sha256": hashlib.sha256(body).hexdigest()}).encode() + b"\n"
        self.cloud.api.put_object(BUCKET, f"{self.folder}/manifest", self.stock.encrypt(body, f"cloister/v1/{self.id}"))
        return hashlib.sha256(body).hexdigest()

    def flip(self, name):
        data = bytearray(self.cloud.api.object_bytes(BUCKET, f"{self.folder}/{name}"))
        data[len(data) // 2] ^= 1
        self.cloud.api.put_object(BUCKET, f"{self.folder}/{name}", bytes(data))


FILES = {"digits.model": os.urandom(2_500_000), "eval/metrics.json": b'{"accuracy": 0.97}', "eval/empty": b""}


@pytest.fixture
def fetching(plugin, cloud, api_server, kubeconfig, folder):
    """Publishes and says how to fetch it."""
    class Fetching:
        def publish(self, files=None, **changes):
            key = plugin.yaml("keyset", "--kms-key", KEY, "--name", "results")["keys"][0]
            published = Published(cloud, key, folder, FILES if files is None else files, **changes)
            api_server.jobs["/apis/cloister.dev/v1alpha1/namespaces/ml/trainingjobs/digits"] = published.job
            return published
        arguments = ["fetch", "digits", "--kubeconfig", kubeconfig, "--context", "clinic"]

        def refused(self, *arguments, **env):
            before = sorted(plugin.home.iterdir())
            words = plugin.refused(*self.arguments, *arguments, **env)
            assert sorted(plugin.home.iterdir()) == before, "nothing is left"
            return words
    return Fetching()


def test_fetches_what_stock_tink_published(fetching, plugin):
    fetching.publish()
    done = plugin.run(*fetching.arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("fetched 3 files of gs://") and done.stdout.endswith(" into digits\n")
    target = plugin.home / "digits"
    assert {str(p.relative_to(target)): p.read_bytes() for p in target.rglob("*") if p.is_file()} == FILES
    assert {oct(p.stat().st_mode & 0o777) for p in target.rglob("*") if p.is_file()} == {"0o600"}
    assert [p.name for p in plugin.home.iterdir()] == ["digits"]


def test_namespace_target_and_kubeconfig_are_the_users(fetching, plugin, api_server, kubeconfig):
    job = fetching.publish({"m": b"x"}).job
    api_server.jobs = {"/apis/cloister.dev/v1alpha1/namespaces/other/trainingjobs/digits": job}
    (plugin.home / "out").mkdir()
    done = plugin.run("fetch", "digits", "--context=clinic", "-n", "other", "-o", "out/", KUBECONFIG=f"/absent:{kubeconfig}")
    assert done.returncode == 0, done.stderr
    assert (plugin.home / "out/m").read_bytes() == b"x"


def test_a_job_without_output_is_told(fetching, api_server):
    published = fetching.publish({"m": b"x"})
    published.job["status"] = {"phase": "Running"}
    assert "has published nothing; it is Running" in fetching.refused()
    del published.job["spec"]["output"]
    assert "its spec says none" in fetching.refused()
    api_server.jobs.clear()
    assert "TrainingJob digits in namespace ml" in (words := fetching.refused()) and "not found" in words


def test_a_refused_user_is_told(fetching, api_server):
    fetching.publish({"m": b"x"})
    api_server.token = "another"
    assert "Unauthorized" in fetching.refused()


def test_a_kubeconfig_that_does_not_help_is_told(fetching, plugin, kubeconfig, tmp_path):
    assert 'no context "none"' in plugin.refused("fetch", "digits", "--kubeconfig", kubeconfig)
    assert "absent" in plugin.refused("fetch", "digits", "--kubeconfig", tmp_path / "absent")
    (tmp_path / "helper").write_text("#!/bin/sh\nexit 3\n")
    assert "credential plugin" in fetching.refused()


@pytest.mark.parametrize("made", ["file", "full", "link", "here"])
def test_a_directory_with_something_in_it_is_never_touched(fetching, plugin, made):
    fetching.publish({"m": b"x"})
    target = plugin.home / "digits"
    if made == "file":
        target.write_text("mine")
    elif made == "link":
        target.symlink_to("/tmp")
    else:
        target.mkdir()
        (target / "mine").touch()
    words = fetching.refused("-o", "." if made == "here" else "digits")
    assert "exists and is not an empty directory" in words or "name a new directory" in words


def other_digest(published):
    published.job["status"]["output"]["manifestSHA256"] = hashlib.sha256(b"other").hexdigest()
    return "is not the manifest that was committed"


def no_digest(published):
    del published.job["status"]["output"]["manifestSHA256"]
    return "is not the manifest that was committed"


def flipped_manifest(published):
    published.flip("manifest")
    return "manifest was changed after it was encrypted"


def flipped_file(published):
    published.flip("data/digits.model")
    return "data/digits.model was changed after it was encrypted"


def cut_file(published):
    name = f"{published.folder}/data/digits.model"
    published.cloud.api.put_object(BUCKET, name, published.cloud.api.object_bytes(BUCKET, name)[:1 << 20])
    return "has 1048576 bytes"


def missing_file(published):
    published.cloud.api.delete_object(BUCKET, f"{published.folder}/data/eval/empty")
    return "data/eval/empty"


def older_file_of_the_same_key(published):
    """Encrypted anew under the same name and key: authentic, but not what the manifest pins."""
    published.put_file("digits.model", os.urandom(len(FILES["digits.model"])))
    return "data/digits.model"


def another_keyset(published):
    key = published.job["spec"]["keys"][0]
    key["wrappedKeyset"] = base64.b64encode(base64.b64decode(key["wrappedKeyset"])[::-1]).decode()
    return "wrappedKeyset"


def software_key_where_hsm_is_asked_for(published):
    published.job["spec"]["confidential"]["requireHSM"] = True
    return "protection level SOFTWARE"


@pytest.mark.parametrize("harm", [other_digest, no_digest, flipped_manifest, flipped_file, cut_file, missing_file,
                                  older_file_of_the_same_key, another_keyset, software_key_where_hsm_is_asked_for],
                         ids=lambda h: h.__name__)
def test_what_is_not_the_output_is_refused_whole(fetching, harm):
    expected = harm(fetching.publish())
    assert expected in fetching.refused()


@pytest.mark.parametrize("changes", [{"jobUID": "another"}, {"kind": "checkpoint"}, {"id": "0" * 32}], ids=lambda c: next(iter(c)))
def test_a_manifest_of_something_else_is_refused(fetching, changes):
    fetching.publish({"m": b"x"}, **changes)
    assert "is not the output of this job" in (words := fetching.refused()) or "id of another manifest" in words


def test_paths_that_lead_outside_are_refused(fetching, plugin):
    fetching.publish({"../evil": b"x"})
    assert "the manifest is damaged" in fetching.refused()
    assert not (plugin.home.parent / "evil").exists()


def test_who_may_not_unwrap_the_key_gets_nothing(fetching, cloud):
    fetching.publish({"m": b"x"})
    cloud.api.service_account("guest@clinic.iam.gserviceaccount.com", key_file=cloud.state / "guest.json")
    words = fetching.refused(GOOGLE_APPLICATION_CREDENTIALS=str(cloud.state / "guest.json"))
    assert KEY in words and "roles/cloudkms.cryptoKeyDecrypter" in words


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_leaves_no_plaintext(fetching, plugin, cloud, number):
    fetching.publish()
    cloud.api.faults([{"match": "digits.model.*alt=media", "times": 1, "delay_seconds": 20}])
    command = [str(a) for a in (PLUGIN, *fetching.arguments)]
    with subprocess.Popen(command, env=plugin.env, cwd=plugin.home, stderr=subprocess.PIPE, text=True) as process:
        wait_for("the other files", lambda: list(plugin.home.glob("digits.part-*/eval/metrics.json")), 30)
        process.send_signal(number)
        assert process.wait(10) == 128 + number and "interrupted" in process.stderr.read()
    assert list(plugin.home.iterdir()) == []

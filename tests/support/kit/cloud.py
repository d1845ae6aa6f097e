"""The test cloud on loopback, with a project as an owner sets it up: for tests that need no cluster."""
import subprocess
import sys
import time
from pathlib import Path

from cloud.client import Cloud
from kit.cluster import free_port

SUPPORT = Path(__file__).resolve().parents[1]
PROJECT = "clinic"
RING = f"projects/{PROJECT}/locations/europe-west3/keyRings/training"
KEY, HSM_KEY = f"{RING}/cryptoKeys/data", f"{RING}/cryptoKeys/hsm"
BUCKET = "clinic-training"
OWNER, TRAINER, NODE = (f"{name}@{PROJECT}.iam.gserviceaccount.com" for name in ("owner", "trainer", "node"))


class RunningCloud:
    """A cloud that can be stopped and started again over the same state."""

    def __init__(self, state, *options):
        self.options = options
        self.state, self.port, self.metadata = state, free_port(), f"127.0.0.1:{free_port()}"
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cloud", "--state", str(self.state), "--host", "127.0.0.1", "--port", str(self.port),
             "--metadata", self.metadata, *self.options], cwd=SUPPORT, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while not (self.state / "endpoints.json").exists():
            assert self.process.poll() is None and time.monotonic() < deadline, "the test cloud did not start"
            time.sleep(0.05)
        self.api = Cloud(self.state)
        self.url = self.api.url

    def kill(self):
        self.process.kill()
        self.process.wait()
        (self.state / "endpoints.json").unlink(missing_ok=True)

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


def key_uses(cloud):
    """How often a key was asked for."""
    return sum("/cryptoKeys/" in str(entry["resource"]) for entry in cloud.api.audit())


def furnish(cloud):
    """Two keys and a bucket; the owner writes, the trainer decrypts with one key and reads."""
    api = cloud.api
    api.create_key(KEY)
    api.create_key(HSM_KEY, protection_level="HSM")
    api.create_bucket(BUCKET)
    for account in (OWNER, TRAINER):
        api.service_account(account, key_file=cloud.state / f"{account}.json")
    api.authorized_user("dora@clinic.example", cloud.state / "user.json")
    for key in (KEY, HSM_KEY):
        api.grant_key(key, f"serviceAccount:{OWNER}", "roles/cloudkms.cryptoKeyEncrypterDecrypter")
    api.grant_key(f"projects/{PROJECT}", "user:dora@clinic.example", "roles/cloudkms.viewer")
    api.grant_key(KEY, f"serviceAccount:{TRAINER}", "roles/cloudkms.cryptoKeyDecrypter")
    api.grant_bucket(BUCKET, f"serviceAccount:{OWNER}", "roles/storage.objectAdmin")
    api.grant_bucket(BUCKET, f"serviceAccount:{TRAINER}", "roles/storage.objectViewer")
    api.grant_bucket(BUCKET, f"serviceAccount:{NODE}", "roles/storage.objectViewer")

"""kubectl cloister as whom: where credentials come from, and what is said when somebody says no."""
import json

import pytest

from kit.cloud import BUCKET, KEY, NODE, OWNER, RING, TRAINER

pytestmark = pytest.mark.timeout(120)
USER = "dora@clinic.example"


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

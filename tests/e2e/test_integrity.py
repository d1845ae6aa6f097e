"""Data, keys and volumes that are not as they should be: each fails the job with its own class, reason and remedy, and no
byte of what was tampered with reaches the trainer."""
import base64
import copy
import json

import pytest
from kit.cloister import BUCKET, KEY, OWNER, TRAINER, describe, encrypted, image, training_job
from kit.cluster import ROOT, wait_for

OTHER_KEY = KEY.replace("/data", "/other")
DENIED_KEY = KEY.replace("/data", "/denied")
# The trainer prints what it was given; in every case below it must never have started.
SHOW = ["/bin/sh", "-c", "echo started; cat /cloister/inputs/*/*"]


@pytest.fixture(scope="module")
def secrets(site, tmp_path_factory):
    """Two encrypted files, and what to paste for them."""
    directory = tmp_path_factory.mktemp("integrity")
    for name in ("one.txt", "two.txt"):
        (directory / name).write_text(f"plaintext of {name}\n" * 100)
    for key in (OTHER_KEY, DENIED_KEY):
        site.cloud.api.create_key(key, protection_level="HSM")
        site.cloud.api.grant_key(key, f"serviceAccount:{OWNER}", "roles/cloudkms.cryptoKeyEncrypterDecrypter")
    site.cloud.api.grant_key(OTHER_KEY, f"serviceAccount:{TRAINER}", "roles/cloudkms.cryptoKeyDecrypter")
    return encrypted(site, "integrity", directory / "one.txt", directory / "two.txt", name="secrets")


def stored(site, name):
    return site.cloud.api.object_bytes(BUCKET, f"integrity/{name}")


def put(site, name, data):
    """As a writer of the bucket would, who has no key: the object, and the hints of the original."""
    site.cloud.api.put_object(BUCKET, name, data, metadata=site.cloud.api.object_metadata(BUCKET, "integrity/one.txt"))


def keyset_under(site, key):
    import yaml
    return yaml.safe_load(site.plugin("keyset", "--kms-key", key, "--name", "secrets").stdout)["keys"]


def flipped_byte(site, spec):
    data = bytearray(stored(site, "one.txt"))
    data[len(data) // 2] ^= 1
    put(site, "flipped/one.txt", bytes(data))
    return {"uri": f"gs://{BUCKET}/flipped/one.txt", "associatedData": f"Fixed:gs://{BUCKET}/integrity/one.txt"}


def truncated_object(site, spec):
    put(site, "truncated/one.txt", stored(site, "one.txt")[:30])
    return {"uri": f"gs://{BUCKET}/truncated/one.txt", "associatedData": f"Fixed:gs://{BUCKET}/integrity/one.txt"}


def moved_object(site, spec):
    put(site, "moved/two.txt", stored(site, "one.txt"))
    return {"uri": f"gs://{BUCKET}/moved/two.txt"}


def another_key(site, spec):
    spec["keys"] = keyset_under(site, KEY)
    return {}


def keyset_of_another_kms_key(site, spec):
    spec["keys"][0]["kmsKeyName"] = OTHER_KEY
    return {}


def denied_key(site, spec):
    spec["keys"] = keyset_under(site, DENIED_KEY)
    return {}


def missing_object(site, spec):
    return {"uri": f"gs://{BUCKET}/integrity/absent.txt"}


def empty_prefix(site, spec):
    return {"uri": f"gs://{BUCKET}/nothing-here/"}


def denied_bucket(site, spec):
    if "locked" not in site.cloud.api.buckets():
        site.cloud.api.create_bucket("locked")
    return {"uri": "gs://locked/integrity/one.txt"}


def full_volume(site, spec):
    path = ROOT / "build/large.bin"
    path.write_bytes(bytes(4 << 20))
    pasted = encrypted(site, "large", path, name="secrets")
    spec["keys"], spec["staging"] = pasted["keys"], {"inputLimit": "2Mi", "outputLimit": "2Mi"}
    return {"uri": pasted["inputs"][0]["uri"]}


# case -> class, reason, what the message must name, a word of the remedy
CASES = {
    flipped_byte: ("Security", "DataTampered", f"gs://{BUCKET}/flipped/one.txt", "restore"),
    truncated_object: ("Security", "DataTruncated", f"gs://{BUCKET}/truncated/one.txt", "restore"),
    moved_object: ("Security", "DataSwapped", f"gs://{BUCKET}/moved/two.txt", "move each object back"),
    another_key: ("Key", "KeyMismatch", f"gs://{BUCKET}/integrity/", "keyName"),
    keyset_of_another_kms_key: ("Key", "KeyRejected", OTHER_KEY, "wrappedKeyset"),
    denied_key: ("Key", "KeyAccessDenied", DENIED_KEY, "roles/cloudkms.cryptoKeyDecrypter"),
    missing_object: ("Data", "DataNotFound", f"gs://{BUCKET}/integrity/absent.txt", "upload"),
    empty_prefix: ("Data", "DataNotFound", f"gs://{BUCKET}/nothing-here/", "upload"),
    denied_bucket: ("Data", "DataAccessDenied", "gs://locked/", "roles/storage.objectViewer"),
    full_volume: ("Resource", "InputVolumeFull", "large.bin", "staging.inputLimit"),
}


def job_of(case):
    return case.__name__.replace("_", "-")


@pytest.fixture(scope="module")
def tampered(site, secrets, request):
    """A namespace with a job for each case, all at once."""
    namespace, failed_before = "integrity", request.session.testsfailed
    site.namespace(namespace)
    for case in CASES:
        spec = {"keys": copy.deepcopy(secrets["keys"]), "inputs": copy.deepcopy(secrets["inputs"])}
        spec["inputs"][0].update(case(site, spec))
        site.cluster.apply(training_job(job_of(case), namespace, image("toolbox"), SHOW, **spec))
    yield namespace
    if request.session.testsfailed > failed_before:
        describe(site, namespace)
    site.cluster.kubectl("delete", "namespace", namespace, "--wait=false")


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.__name__)
def test_ends_the_job_for(site, tampered, case):
    failure_class, reason, named, remedy = CASES[case]
    name = job_of(case)
    status = site.wait_phase(name, tampered, "Failed")
    failure = status["failures"][0]
    assert (failure["class"], failure["reason"]) == (failure_class, reason), failure
    assert named in failure["message"] and remedy in failure["message"], failure["message"]
    assert named in status["message"], status["message"]
    assert status["attempt"] == 1, "what repeating cannot cure is not repeated"
    assert "started" not in site.logs(f"{name}-worker-0-1", tampered)


def test_the_twin_of_all_these_runs(site, namespace, secrets):
    site.cluster.apply(training_job("job", namespace, image("toolbox"), SHOW, **secrets))
    site.wait_phase("job", namespace, "Succeeded")
    log = site.logs("job-worker-0-1", namespace)
    assert log == "started\n" + "plaintext of one.txt\n" * 100 + "plaintext of two.txt\n" * 100


def heads(site, namespace):
    return [n for n in site.cloud.api.objects(BUCKET, prefix=f"{namespace}/checkpoints/") if n.endswith("/HEAD")]


def test_ends_the_job_when_a_committed_checkpoint_is_taken_back(site, namespace, secrets):
    """Somebody who may write to the bucket puts HEAD back to what it was, while the job runs; no key is needed for that."""
    save = "cd /cloister/checkpoints; echo {0} > .{0}.tmp; mv .{0}.tmp {0}; sleep 15; "
    script = "echo started; " + save.format("step-1") + save.format("step-2") + "exit 1"
    site.cluster.apply(training_job("job", namespace, image("toolbox"), ["/bin/sh", "-c", script], keys=secrets["keys"],
                                    checkpoints={"uri": f"gs://{BUCKET}/{namespace}/checkpoints/", "keyName": "secrets"},
                                    failurePolicy={"maxRestarts": 3, "backoffSeconds": 1}))
    wait_for("the first checkpoint", lambda: heads(site, namespace), 90, 0.2)
    name, = heads(site, namespace)
    old = site.cloud.api.object_bytes(BUCKET, name)
    assert json.loads(old)["name"] == "step-1"
    wait_for("the second", lambda: site.cloud.api.object_bytes(BUCKET, name) != old, 60, 0.2)
    site.cloud.api.put_object(BUCKET, name, old)
    status = site.wait_phase("job", namespace, "Failed")
    assert [f["class"] for f in status["failures"]] == ["Application", "Security"], status["failures"]
    assert (status["attempt"], status["reason"], status["checkpoint"]["latest"]) == (2, "CheckpointRolledBack", "step-2")
    assert status["checkpoint"]["manifestSHA256"] in status["message"] and "restore HEAD" in status["message"]
    assert "started" not in site.logs("job-worker-0-2", namespace)


def test_a_trainer_that_claims_a_security_failure_is_believed_for_application_only(site, namespace):
    claim = json.dumps({"version": 1, "attempt": 1, "index": 0, "result": "Failed", "class": "Security",
                        "reason": "DataTampered", "message": "it was the operator"})
    script = f"echo '{claim}' > /dev/termination-log; exit 9"
    site.cluster.apply(training_job("liar", namespace, image("toolbox"), ["/bin/sh", "-c", script],
                                    failurePolicy={"maxRestarts": 1, "backoffSeconds": 1}))
    status = site.wait_phase("liar", namespace, "Failed")
    assert [f["class"] for f in status["failures"]] == ["Application", "Application"]
    assert status["attempt"] == 2, "an application failure is repeated, a security failure would not be"


def test_a_wrong_keyset_is_no_keyset(site, namespace, secrets):
    spec = copy.deepcopy(secrets)
    spec["keys"][0]["wrappedKeyset"] = base64.b64encode(b"no KMS ciphertext at all, really none").decode()
    site.cluster.apply(training_job("job", namespace, image("toolbox"), SHOW, **spec))
    status = site.wait_phase("job", namespace, "Failed")
    assert status["failures"][0]["reason"] == "KeyRejected"

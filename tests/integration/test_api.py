"""The TrainingJob API as the API server holds it: limits of the definition, defaults, immutability, columns."""
import copy
import json

import pytest
import yaml

from kit.api import complaint
from kit.cluster import ROOT



class Strict(yaml.SafeLoader):
    """YAML takes the last of two members of one name; then a rule is lost without a word."""

    def construct_mapping(self, node, deep=False):
        names = [self.construct_object(key) for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        twice = {n for n in names if names.count(n) > 1}
        assert not twice, f"line {node.start_mark.line + 1}: {twice} twice"
        return super().construct_mapping(node, deep)


CRD = yaml.safe_load((ROOT / "crds/cloister.dev_trainingjobs.yaml").read_text())
SCHEMA = CRD["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
MUTABLE = {"suspend", "activeDeadlineSeconds", "ttlSecondsAfterFinished", "notifications"}

KEY = {"name": "data", "kmsKeyName": "projects/p/locations/l/keyRings/r/cryptoKeys/k", "wrappedKeyset": "AAAA"}
PLACE = {"uri": "gs://bucket/folder/", "keyName": "data"}
# Every field of spec in use; a field that is not here fails test_every_field_of_spec_is_tried.
FULL = {
    "suspend": True, "managedBy": "example.com/other", "serviceAccountName": "trainer",
    "confidential": {"technologies": ["SEV", "TDX"], "attestation": "None"}, "replicas": 2,
    "trainer": {"image": "i", "command": ["c"]}, "scheduling": {"computeClass": "c"}, "staging": {"inputLimit": "2Gi"},
    "keys": [KEY], "inputs": [{"name": "train", **PLACE}], "checkpoints": PLACE, "output": PLACE,
    "failurePolicy": {"maxRestarts": 1}, "activeDeadlineSeconds": 60, "cleanPodPolicy": "All", "ttlSecondsAfterFinished": 60,
    "network": {"egress": "Unrestricted"}, "notifications": ["ops"],
}
OTHER_PLACE = {**PLACE, "uri": "gs://bucket/other/"}
# The same fields with something else in them that is as valid.
OTHER = {
    "suspend": False, "managedBy": "example.com/another", "serviceAccountName": "other",
    "confidential": {"technologies": ["TDX", "SEV"]}, "replicas": 3,
    "trainer": {"image": "j"}, "scheduling": {"computeClass": "d"}, "staging": {"inputLimit": "3Gi"},
    "keys": [KEY, {**KEY, "name": "more"}], "inputs": [{"name": "test", **PLACE}], "checkpoints": OTHER_PLACE,
    "output": OTHER_PLACE, "failurePolicy": {"maxRestarts": 2}, "activeDeadlineSeconds": 61, "cleanPodPolicy": "None",
    "ttlSecondsAfterFinished": 61, "network": {"egress": "GoogleAPIs"}, "notifications": ["ops", "more"],
}
MINIMAL = {"serviceAccountName": "trainer", "confidential": {"technologies": ["SEV"], "attestation": "None"},
           "trainer": {"image": "i", "command": ["c"]}}
SPEC_FIELDS = sorted(SCHEMA["properties"]["spec"]["properties"])


def training_job(name, spec):
    return {"apiVersion": "cloister.dev/v1alpha1", "kind": "TrainingJob", "metadata": {"name": name, "namespace": "api"},
            "spec": copy.deepcopy(spec)}


@pytest.fixture(scope="module")
def api(cluster):
    """A namespace without the label, so that no worker is made, with a job of all fields and one of the required ones."""
    api = cluster.api
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "api"}})
    for name, spec in (("full", FULL), ("minimal", MINIMAL)):
        status, answer = api.create(training_job(name, spec))
        assert status == 201, complaint(answer)
    yield api
    cluster.kubectl("delete", "namespace", "api", "--wait=false")


def fields(schema, path):
    for name, field in schema.get("properties", {}).items():
        yield f"{path}.{name}", field, name in schema.get("required", [])
        while field.get("type") == "array":
            field = field["items"]
        yield from fields(field, f"{path}.{name}")


def test_the_definition_says_nothing_twice():
    yaml.load((ROOT / "crds/cloister.dev_trainingjobs.yaml").read_text(), Strict)


def test_the_definition_is_small_enough_to_be_carried_in_an_annotation_and_a_chart():
    assert len(json.dumps(CRD, separators=(",", ":"))) < 100_000


def test_every_field_says_what_it_does():
    missing = [path for path, field, _ in fields(SCHEMA, "") if path != ".metadata" and not field.get("description")]
    assert missing == []


def test_every_optional_field_says_its_default():
    """Where the schema has a default, kubectl shows it; else the text says it. Of alternatives one is chosen."""
    alternatives = {"configMapKeyRef", "secretKeyRef", "configMap", "secret", "memory", "onExitCodes", "onPodConditions"}
    silent = [path for path, field, is_required in fields(SCHEMA["properties"]["spec"], "spec")
              if not is_required and field.get("default") != {} and path.rsplit(".", 1)[1] not in alternatives
              and "Defaults to" not in field["description"]]
    assert silent == []


def test_a_default_of_the_schema_is_the_one_that_the_text_names():
    for path, field, _ in fields(SCHEMA["properties"]["spec"], "spec"):
        if "default" in field and field["default"] != {}:
            said = str(field["default"]).lower() if isinstance(field["default"], bool) else str(field["default"])
            assert f"Defaults to {said}" in field["description"], path


def test_every_field_of_spec_is_tried():
    assert sorted(FULL) == SPEC_FIELDS and sorted(OTHER) == SPEC_FIELDS


@pytest.mark.parametrize("field", SPEC_FIELDS)
def test_only_what_steers_a_running_job_can_be_changed(api, field):
    required = SCHEMA["properties"]["spec"]["required"]
    changes = [("full", OTHER[field])]
    if field not in required:
        changes += [("minimal", FULL[field]), ("full", None)]
    for name, value in changes:
        if field in MINIMAL and name == "minimal":
            continue
        status, answer = api.patch(name, "api", {"spec": {field: value}}, dry_run=True)
        said = complaint(answer)
        if field in MUTABLE:
            assert status == 200, said
        elif (name, value) == ("full", None) and "default" in SCHEMA["properties"]["spec"]["properties"][field]:
            assert status == 422 or answer["spec"][field] == FULL[field], said  # the default stands in for it
        else:
            assert status == 422 and f"spec.{field}: Invalid value" in said, said
            assert "is immutable" in said or "entry of spec.keys" in said, said


def test_defaults(api):
    spec = api.job("minimal", "api")["spec"]
    assert spec == {
        **MINIMAL, "suspend": False, "replicas": 1, "cleanPodPolicy": "Running",
        "confidential": {"technologies": ["SEV"], "attestation": "None", "fallbackAfterSeconds": 0, "spot": "Never",
                         "requireHSM": True},
        "trainer": {"image": "i", "command": ["c"], "framework": "None", "logs": "Node"},
        "staging": {"inputLimit": "1Gi", "outputLimit": "1Gi"},
        "failurePolicy": {"maxRestarts": 3, "maxDisruptions": -1, "backoffSeconds": 10, "terminationTimeoutSeconds": 600},
        "network": {"egress": "GoogleAPIs", "workerTraffic": "NodeEncrypted"}}


def test_a_job_that_nobody_has_looked_at_says_so(api):
    """Before the first status update: what `kubectl get` and kstatus see is a job that waits."""
    job = training_job("unseen", MINIMAL)
    status, answer = api.create(job, dry_run=True)
    assert status == 201
    assert answer["status"] == {"observedGeneration": 0, "phase": "Pending", "message": "Waiting for the operator"}


def test_columns(api, cluster):
    plain = cluster.kubectl("get", "tjob", "full", "-n", "api").stdout.splitlines()[0].split()
    wide = cluster.kubectl("get", "tjob", "full", "-n", "api", "-o", "wide").stdout.splitlines()[0].split()
    assert plain == ["NAME", "STATUS", "PROGRESS", "WORKERS", "RESTARTS", "AGE"]
    assert wide == [*plain, "TEE", "NODES", "ATTEMPT", "MESSAGE"]


def test_names_by_which_it_is_found(api, cluster):
    for name in ("tjob", "trainingjob", "trainingjobs", "cloister"):
        assert "trainingjob.cloister.dev/full" in cluster.kubectl("get", name, "-n", "api", "-o", "name").stdout


def test_explains_itself(api, cluster):
    text = " ".join(cluster.kubectl("explain", "tjob.spec.failurePolicy").stdout.split())
    assert "Defaults to 3" in text and "<integer>" in text

"""What the administrator may say about TrainingJobs (chart values policy.*), by the API server's own evaluation."""
import copy

import pytest

from kit.api import complaint
from kit.chart import helm_template, rendered
from kit.cluster import wait_for

NAMESPACE = "cluster-rules"
RING = "projects/clinic/locations/l/keyRings/r"
RULES = {
    "requireImageDigest": True,
    "allowedRegistries": ["registry.example:5000/trainers/", "other.example"],
    "allowedTechnologies": ["SEV", "TDX"],
    "allowedBuckets": {"inputs": ["gs://data"], "checkpoints": ["gs://models/checkpoints/"], "output": ["gs://models/it's"]},
    "allowedKeys": [RING, "projects/partner"],
    "allowedOutputKeys": [f"{RING}/cryptoKeys/results"],
    "allowedEgress": ["GoogleAPIs", "RestrictedVIP"],
    "allowAdditionalEgress": False,
}
IMAGE = "registry.example:5000/trainers/digits@sha256:" + "a" * 64
GOOD = {
    "apiVersion": "cloister.dev/v1alpha1", "kind": "TrainingJob", "metadata": {"name": "ruled", "namespace": NAMESPACE},
    "spec": {
        "serviceAccountName": "trainer", "confidential": {"technologies": ["SEV"], "attestation": "None"},
        "trainer": {"image": IMAGE, "command": ["c"]},
        "keys": [{"name": "data", "kmsKeyName": f"{RING}/cryptoKeys/data", "wrappedKeyset": "AAAA"},
                 {"name": "results", "kmsKeyName": f"{RING}/cryptoKeys/results", "wrappedKeyset": "AAAA"}],
        "inputs": [{"name": "train", "uri": "gs://data/digits/", "keyName": "data"}],
        "checkpoints": {"uri": "gs://models/checkpoints/", "keyName": "results"},
        "output": {"uri": "gs://models/it's/here/", "keyName": "results"}}}

# what is wrong -> where, the value, and what the answer names beside field and value
DENIED = {
    "a tag instead of a digest": ("trainer.image", "registry.example:5000/trainers/digits:v1", "policy.requireImageDigest"),
    "a digest that is cut short": ("trainer.image", IMAGE[:-1], "policy.requireImageDigest"),
    "another registry": ("trainer.image", IMAGE.replace("5000", "5001"), "policy.allowedRegistries"),
    "a repository that only begins like an allowed one": ("trainer.image", IMAGE.replace("trainers/", "trainers-of-mallory/"),
                                                          "policy.allowedRegistries"),
    "a port of an allowed host": ("trainer.image", IMAGE.replace("registry.example", "other.example"), "policy.allowedRegistries"),
    "no registry at all": ("trainer.image", "digits@sha256:" + "a" * 64, "policy.allowedRegistries"),
    "an allowed registry behind an @": ("trainer.image", "mallory.example@other.example/x@sha256:" + "a" * 64, "policy.allowedRegistries"),
    "a technology": ("confidential.technologies", ["SEV", "SEV_SNP"], "policy.allowedTechnologies"),
    "an input of another bucket": ("inputs.0.uri", "gs://data-of-mallory/x/", "policy.allowedBuckets.inputs"),
    "checkpoints beside the folder": ("checkpoints.uri", "gs://models/checkpoints-x/", "policy.allowedBuckets.checkpoints"),
    "output elsewhere": ("output.uri", "gs://models/its/", "policy.allowedBuckets.output"),
    "a key of another project": ("keys.0.kmsKeyName", "projects/clinic2/locations/l/keyRings/r/cryptoKeys/k", "policy.allowedKeys"),
    "output under a key for reading": ("output.keyName", "data", "policy.allowedOutputKeys"),
    "checkpoints under a key for reading": ("checkpoints.keyName", "data", "policy.allowedOutputKeys"),
    "egress": ("network", {"egress": "Unrestricted"}, "policy.allowedEgress"),
    "addresses": ("network", {"additionalEgress": [{"cidr": "192.0.2.0/24"}]}, "policy.allowAdditionalEgress"),
}
ALLOWED = {
    "as it is": ("replicas", 1),
    "a tag and a digest": ("trainer.image", "registry.example:5000/trainers/digits:v1@sha256:" + "a" * 64),
    "anything of a whole registry": ("trainer.image", "other.example/a/b/c@sha256:" + "a" * 64),
    "each technology of the list": ("confidential.technologies", ["TDX", "SEV"]),
    "an object of the bucket": ("inputs.0.uri", "gs://data/one.bin"),
    "a key of a whole project": ("keys.0.kmsKeyName", "projects/partner/locations/x/keyRings/y/cryptoKeys/z"),
    "no keys, inputs, checkpoints and output": ("", {k: GOOD["spec"][k] for k in ("serviceAccountName", "confidential", "trainer")}),
    "another egress of the list": ("network", {"egress": "RestrictedVIP"}),
}
# What a rule says of a field is said by the name that a person finds in the manifest.
SAID_OF = {"output.keyName": "keys[].kmsKeyName", "checkpoints.keyName": "keys[].kmsKeyName", "network": "network."}


def changed(where, value):
    """GOOD with one thing changed; "" replaces the whole spec."""
    job = copy.deepcopy(GOOD)
    if where == "":
        return {**job, "spec": value}
    place = job["spec"]
    *parents, last = where.split(".")
    for step in parents:
        place = place[int(step) if step.isdigit() else step]
    place[last] = value
    return job


@pytest.fixture(scope="module")
def api(cluster):
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    yield cluster.api
    cluster.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def policies(cluster, rules):
    return [o for (kind, name), o in rendered({"policy": rules}, cluster.env).items() if name == "cloister-jobs"]


@pytest.fixture(scope="module")
def rules(cluster, api):
    """The rules, known to the API server. Before: every job that they will deny is fine without them; one stays."""
    for where, value, _ in DENIED.values():
        status, answer = api.create(changed(where, value), dry_run=True)
        assert status == 201, complaint(answer)
    old = changed("trainer.image", "elsewhere.example/x:v1")
    old["metadata"]["name"] = "from-before"
    assert api.create(old)[0] == 201
    objects = policies(cluster, RULES)
    assert len(objects) == 2
    cluster.apply(*objects)
    where, value, _ = DENIED["egress"]
    wait_for("the policy", lambda: api.create(changed(where, value), dry_run=True)[0] != 201, 60)
    yield
    cluster.kubectl("delete", "validatingadmissionpolicy,validatingadmissionpolicybinding", "cloister-jobs")
    wait_for("the policy to be forgotten", lambda: api.create(changed(where, value), dry_run=True)[0] == 201, 60)


def text_of(value):
    """The last word of the value: of lists and objects what the rule is about."""
    while isinstance(value, (list, dict)):
        value = list(value.values() if isinstance(value, dict) else value)[-1]
    return value


@pytest.mark.parametrize("case", DENIED)
def test_denies(api, rules, case):
    where, value, chart_value = DENIED[case]
    status, answer = api.create(changed(where, value), dry_run=True)
    said = complaint(answer)
    assert status == 422, said
    field = SAID_OF.get(where, where.replace(".0.", "[]."))
    named = f"{RING}/cryptoKeys/data" if where.endswith("keyName") else text_of(value)
    assert f"cloister: spec.{field}" in said and named in said and f"(chart value {chart_value})" in said, said
    assert "<no value>" not in said and "or ask the administrator to" in said


@pytest.mark.parametrize("case", ALLOWED)
def test_allows(api, rules, case):
    status, answer = api.create(changed(*ALLOWED[case]), dry_run=True)
    assert status == 201, complaint(answer)


def test_a_job_from_before_can_still_be_edited(api, rules):
    status, answer = api.patch("from-before", NAMESPACE, {"spec": {"suspend": True}, "metadata": {"labels": {"a": "b"}}})
    assert status == 200, complaint(answer)


def test_the_largest_rules_and_jobs_fit_into_the_api_servers_budget(cluster, api, rules):
    """A rule that costs too much would deny every job."""
    many = [f"gs://bucket-{i}/".ljust(500, "f") for i in range(100)]
    cluster.apply(*policies(cluster, {**RULES, "allowedBuckets": {"inputs": many},
                                      "allowedKeys": [f"projects/p{i}/locations/l/keyRings/".ljust(480, "r") for i in range(100)],
                                      "allowedRegistries": [f"registry{i}.example/" + "r" * 400 for i in range(100)]}))
    job = changed("inputs", [{"name": f"i{i}", "uri": many[99] + "/" + "x" * 500, "keyName": "data"} for i in range(64)])
    job["spec"]["trainer"]["image"] = "registry99.example/" + "r" * 400 + "@sha256:" + "a" * 64
    for key in job["spec"]["keys"]:
        key["kmsKeyName"] = "projects/p99/locations/l/keyRings/".ljust(480, "r") + "/cryptoKeys/k"
    del job["spec"]["output"], job["spec"]["checkpoints"]
    wait_for("the rules of that size", lambda: api.create(GOOD, dry_run=True)[0] == 422, 60)
    try:
        status, answer = api.create(job, dry_run=True)
        assert status == 201, complaint(answer)
        job["spec"]["inputs"][63]["uri"] = "gs://elsewhere/" + "x" * 900
        status, answer = api.create(job, dry_run=True)
        assert status == 422 and "policy.allowedBuckets.inputs" in complaint(answer), complaint(answer)
        assert "and 90 more" in complaint(answer) or "has a value" in complaint(answer)
    finally:
        cluster.apply(*policies(cluster, RULES))
        wait_for("the usual rules", lambda: api.create(GOOD, dry_run=True)[0] == 201, 60)


def test_without_rules_there_is_no_policy(cluster):
    assert policies(cluster, {}) == []


@pytest.mark.parametrize("rule,value", [
    ("allowedRegistries", ["https://registry.example"]), ("allowedRegistries", ["a b"]), ("allowedTechnologies", ["SGX"]),
    ("allowedBuckets", {"inputs": ["data"]}), ("allowedBuckets", {"inputs": ["gs://UPPER"]}), ("allowedBuckets", {"models": []}),
    ("allowedKeys", ["projects/p/cryptoKeys/k"]), ("allowedOutputKeys", [""]), ("allowedEgress", ["None"]),
    ("allowAdditionalEgress", "no"), ("allowedImages", [])])
def test_the_chart_refuses_a_rule_that_would_never_match(cluster, rule, value):
    done = helm_template({"policy": {rule: value}}, cluster.env, check=False)
    assert done.returncode != 0 and rule in done.stderr, done.stderr

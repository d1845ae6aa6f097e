"""Bad manifests: refused by the API server where it can say it, else answered in the status; the operator stays up."""
import copy

import pytest
from kit.cloister import KEY, image, training_job
from kit.cluster import wait_for

GOOD_KEY = {"name": "data", "kmsKeyName": KEY, "wrappedKeyset": "CiQAAAAA"}
GOOD_INPUT = {"name": "train", "uri": "gs://bucket/train/", "keyName": "data"}


def good(namespace):
    return training_job("manifest", namespace, image("toolbox"), ["/bin/true"], keys=[GOOD_KEY], inputs=[GOOD_INPUT])


def set_at(path, value):
    def change(job):
        *parents, last = path
        for step in parents:
            job = job[step]
        job[last] = value
    return change


def remove_at(*path):
    def change(job):
        *parents, last = path
        for step in parents:
            job = job[step]
        del job[last]
    return change


# what is wrong -> the change, and what the API server's answer must name
REFUSED = {
    "replicas 0": (set_at(["spec", "replicas"], 0), "spec.replicas"),
    "no command": (remove_at("spec", "trainer", "command"), 'missing required field "command"'),
    "empty command": (set_at(["spec", "trainer", "command"], []), "spec.trainer.command"),
    "two inputs of one name": (set_at(["spec", "inputs"], [GOOD_INPUT, GOOD_INPUT]), "spec.inputs[1]"),
    "two keys of one name": (set_at(["spec", "keys"], [GOOD_KEY, GOOD_KEY]), "spec.keys[1]"),
    "a key that no one defines": (set_at(["spec", "inputs", 0, "keyName"], "absent"), "keyName"),
    "no gs:// URI": (set_at(["spec", "inputs", 0, "uri"], "s3://bucket/train/"), "spec.inputs[0].uri"),
    "an unknown field": (set_at(["spec", "trainr"], {}), 'unknown field "trainr"'),
    "an unknown field below": (set_at(["spec", "trainer", "imagePullSecret"], "x"), 'unknown field "imagePullSecret"'),
    "a name of 64 characters": (set_at(["metadata", "name"], "n" * 64), "name"),
    "a name with dots": (set_at(["metadata", "name"], "my.job"), "name"),
    "an unknown technology": (set_at(["spec", "confidential", "technologies"], ["SGX"]), "technologies"),
    "attestation that is not there yet": (set_at(["spec", "confidential", "attestation"], "Required"), "attestation"),
    "user id 0": (set_at(["spec", "trainer", "runAsUser"], 0), "runAsUser"),
    "a variable of Cloister's": (set_at(["spec", "trainer", "env"], [{"name": "CLOISTER_RANK", "value": "1"}]), "CLOISTER_"),
    "a keyset that is no base64": (set_at(["spec", "keys", 0, "wrappedKeyset"], "not base64!"), "wrappedKeyset"),
    "an output without a key": (set_at(["spec", "output"], {"uri": "gs://b/m/", "keyName": "absent"}), "keyName"),
    "a node selector round the placement": (set_at(["spec", "scheduling"], {"nodeSelector": {
        "cloud.google.com/gke-confidential-nodes-instance-type": "TDX"}}), "nodeSelector"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refuses(site, namespace, case):
    change, named = REFUSED[case]
    job = copy.deepcopy(good(namespace))
    change(job)
    done = site.cluster.apply(job, check=False)
    assert done.returncode != 0, "it was accepted"
    assert named in done.stderr, done.stderr


def test_accepts_the_twin(site, namespace):
    site.cluster.apply(good(namespace))
    assert site.job("manifest", namespace)


def test_refuses_an_edit_of_what_was_agreed(site, namespace):
    site.cluster.apply(good(namespace))
    edited = good(namespace)
    edited["spec"]["replicas"] = 2
    done = site.cluster.apply(edited, check=False)
    assert done.returncode != 0 and "is immutable" in done.stderr
    site.cluster.apply(good(namespace))
    assert site.job("manifest", namespace)["metadata"]["generation"] == 1, "applying the same again changes nothing"


def test_refuses_an_image_without_digest_where_the_chart_asks_for_one(site, namespace):
    job = good(namespace)
    job["spec"]["trainer"]["image"] = "local.test/cloister-toolbox:latest"

    def refusal():
        """A policy takes a moment to be known to the API server; until then the job is taken, and taken back."""
        done = site.cluster.apply(job, check=False)
        if done.returncode == 0:
            site.cluster.kubectl("delete", "tjob", "manifest", "-n", namespace)
        return done if done.returncode else None
    site.install(**{"policy.requireImageDigest": True})
    try:
        assert "digest" in wait_for("the policy", refusal, 60).stderr
        site.cluster.apply(good(namespace))
    finally:
        site.install()


def test_answers_in_the_status_what_the_schema_cannot_say(site, namespace):
    """Amounts are texts to the schema: the operator compares them, says what is wrong, and stays up."""
    before = site.operator_restarts()
    job = good(namespace)
    job["spec"]["trainer"]["resources"]["requests"] = {"memory": "128Mi"}
    site.cluster.apply(job)
    status = site.wait_phase("manifest", namespace, "Failed")
    assert "the memory request is above the limit" in status["message"], status
    assert not site.pods("manifest", namespace)
    assert site.operator_restarts() == before


def test_explains_itself(site):
    text = site.cluster.kubectl("explain", "tjob.spec", "--recursive").stdout
    for field in ("confidential", "wrappedKeyset", "maxRestarts", "inputLimit"):
        assert field in text

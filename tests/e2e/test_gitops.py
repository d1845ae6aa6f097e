"""What GitOps controllers read in a job's status, at every stage: kstatus (Flux's library) and Argo CD's Lua check."""
import json
import subprocess

import pytest
from kit.cloister import image, training_job
from kit.cluster import ROOT, run, wait_for

HEALTH = ROOT / "docs/gitops/argocd-health.lua"


def kstatus(site, job):
    return run("kstatus", env=site.cluster.env, stdin=json.dumps(job)).stdout.strip()


def as_lua(value):
    if isinstance(value, dict):
        return "{" + ",".join(f"[{json.dumps(k)}]={as_lua(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "{" + ",".join(map(as_lua, value)) + "}"
    return "nil" if value is None else json.dumps(value)


def argo(job):
    """As Argo CD runs it: `obj` is the object, the chunk returns status and message."""
    script = f"obj = {as_lua(job)}\nlocal hs = (function()\n{HEALTH.read_text()}\nend)()\nprint(hs.status)"
    return subprocess.run(["lua5.1", "-"], input=script, text=True, capture_output=True, check=True).stdout.strip()


def healths(site, name, namespace):
    job = site.job(name, namespace)
    return kstatus(site, job), argo(job)


def test_reads_right_at_every_stage_of_a_good_job(site, namespace):
    site.cluster.apply(training_job("good", namespace, image("toolbox"), ["/bin/sh", "-c", "sleep 8"]))
    seen = {}

    def finished():
        job = site.job("good", namespace)
        phase = job.get("status", {}).get("phase", "none")
        seen.setdefault(phase, set()).add((kstatus(site, job), argo(job)))
        return phase == "Succeeded"
    wait_for("the end", finished, 60, 0.1)
    assert seen.pop("Succeeded") == {("Current", "Healthy")}
    # As with a batch Job: one that runs is what was asked for, so that Flux does not wait for days.
    assert seen.pop("Running") == {("Current", "Progressing")}
    assert seen and all(states == {("InProgress", "Progressing")} for states in seen.values()), seen


@pytest.mark.parametrize("why", ["its command fails", "its spec is wrong"])
def test_reads_failed_when(site, namespace, why):
    job = training_job("bad", namespace, image("toolbox"), ["/bin/false"], failurePolicy={"maxRestarts": 0})
    if why == "its spec is wrong":
        job["spec"]["trainer"]["resources"]["requests"] = {"memory": "1Gi"}
    site.cluster.apply(job)
    site.wait_phase("bad", namespace, "Failed")
    assert healths(site, "bad", namespace) == ("Failed", "Degraded")


def test_reads_in_progress_or_stalled_while_a_person_has_to_label_the_namespace(site):
    site.namespace("gitops-ordinary", confidential=False)
    site.cluster.apply(training_job("waits", "gitops-ordinary", image("toolbox"), ["/bin/true"]))
    wait_for("a word of the operator", lambda: "label" in site.status("waits", "gitops-ordinary").get("message", ""), 30)
    assert healths(site, "waits", "gitops-ordinary") == ("Failed", "Degraded"), "it cannot go on without a person"
    site.cluster.kubectl("label", "namespace", "gitops-ordinary", "cloister.dev/confidential=true")
    site.wait_phase("waits", "gitops-ordinary", "Succeeded")
    site.cluster.kubectl("delete", "namespace", "gitops-ordinary", "--wait=false")

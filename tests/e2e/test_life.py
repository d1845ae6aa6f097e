"""The life of a job: suspended and resumed, ended by its deadline, cleaned up after, and left to others."""
import datetime
import time

from kit.cloister import evaluate, image, training_job
from kit.cluster import wait_for

from test_faults import head
from test_gitops import healths
from test_training import train_digits

EPOCHS = 6


def suspend(site, namespace, name, value):
    site.cluster.kubectl("patch", "tjob", name, "-n", namespace, "--type=merge",
                         "-p", f'{{"spec":{{"suspend":{str(value).lower()}}}}}')


def conditions(status):
    return {c["type"] for c in status["conditions"] if c["status"] == "True"}


def seconds_between(earlier, later):
    one, other = (datetime.datetime.fromisoformat(t.replace("Z", "+00:00")) for t in (earlier, later))
    return (other - one).total_seconds()


def test_goes_on_from_its_checkpoint_after_a_suspension(site, namespace, digits, tmp_path):
    site.cluster.apply(train_digits("digits", namespace, digits, epochs=EPOCHS, options=["--min-epoch-seconds", "1"]))
    before = site.wait_phase("digits", namespace, "Running")
    wait_for("a committed checkpoint", lambda: head(site, namespace), 60)
    suspend(site, namespace, "digits", True)
    wait_for("rest", lambda: "no worker is running" in site.status("digits", namespace)["message"], 90)
    status = site.status("digits", namespace)
    assert status["phase"] == "Suspended" and "startTime" not in status
    assert conditions(status) == {"Suspended"}
    assert (status["restarts"], status["disruptions"], status.get("failures", [])) == (0, 0, [])
    assert all(p["status"]["phase"] in ("Succeeded", "Failed") for p in site.pods("digits", namespace))
    assert healths(site, "digits", namespace) == ("Current", "Suspended")

    suspend(site, namespace, "digits", False)
    status = site.wait_phase("digits", namespace, "Succeeded", timeout=120)
    assert (status["attempt"], status["restarts"], status["disruptions"]) == (2, 0, 0)
    assert seconds_between(before["startTime"], status["startTime"]) > 0
    assert "resuming after epoch" in site.logs("digits-worker-0-2", namespace)
    assert f"after {EPOCHS} epochs" in evaluate(site, "digits", namespace, tmp_path)
    reasons = {e["reason"] for e in site.cluster.list("events.v1.events.k8s.io", namespace)}
    assert {"JobSuspended", "JobResumed"} <= reasons


def short(name, namespace, script, **spec):
    return training_job(name, namespace, image("toolbox"), ["/bin/sh", "-c", script], **spec)


def test_ends_cleans_up_and_keeps_its_hands_off_as_asked(site, namespace):
    """Jobs side by side, each with one field of its life."""
    site.cluster.apply(
        short("deadline", namespace, "sleep 300", activeDeadlineSeconds=600),
        short("lives", namespace, "true", ttlSecondsAfterFinished=4),
        short("cleans", namespace, "true", cleanPodPolicy="All"),
        short("keeps", namespace, '[ "$CLOISTER_RANK" = 0 ] && exit 1; sleep 300', replicas=2, cleanPodPolicy="None",
              failurePolicy={"maxRestarts": 0}, ttlSecondsAfterFinished=3600),
        short("born", namespace, "true", suspend=True),
        short("theirs", namespace, "true", managedBy="example.com/other"))

    site.wait_phase("deadline", namespace, "Running")
    site.cluster.kubectl("patch", "tjob", "deadline", "-n", namespace, "--type=merge", "-p", '{"spec":{"activeDeadlineSeconds":5}}')
    status = site.wait_phase("deadline", namespace, "Failed", timeout=90)
    assert status["reason"] == "DeadlineExceeded" and status["restarts"] == 0
    # Failed is said when the worker has ended: batch/v1's promise.
    assert all(p["status"]["phase"] in ("Succeeded", "Failed") for p in site.pods("deadline", namespace))

    status = site.wait_phase("lives", namespace, "Succeeded")
    wait_for("the children's end", lambda: not site.pods("lives", namespace)
             and site.cluster.get("service", "lives-workers", namespace) is None, 30)
    assert seconds_between(status["finishTime"], datetime.datetime.now(datetime.timezone.utc).isoformat()) >= 4

    site.wait_phase("cleans", namespace, "Succeeded")
    wait_for("the pods' end", lambda: not site.pods("cleans", namespace), 30)
    assert site.cluster.get("service", "cleans-workers", namespace) is not None

    status = site.wait_phase("keeps", namespace, "Failed")
    assert status["workers"]["active"] == 1
    wait_for("the other worker to run on", lambda: sorted(p["status"]["phase"] for p in site.pods("keeps", namespace)) == ["Failed", "Running"])
    site.cluster.kubectl("patch", "tjob", "keeps", "-n", namespace, "--type=merge", "-p", '{"spec":{"ttlSecondsAfterFinished":0}}')

    status = site.wait_phase("born", namespace, "Suspended")
    assert status["attempt"] == 0 and not site.pods("born", namespace)
    suspend(site, namespace, "born", False)
    assert site.wait_phase("born", namespace, "Succeeded")["attempt"] == 1

    assert site.status("theirs", namespace)["observedGeneration"] == 0, "not even its status is written"
    assert not site.pods("theirs", namespace)
    wait_for("the kept worker's end", lambda: not site.pods("keeps", namespace), 90)
    time.sleep(2)
    # Long ended, all children gone, still there, and not run again.
    assert site.status("lives", namespace)["phase"] == "Succeeded" and not site.pods("lives", namespace)

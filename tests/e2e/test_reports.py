"""Progress and reports end to end: what a user sees while a job trains, and what neither trainer nor upgrade may do."""
import re

from kit.cloister import SYSTEM_NAMESPACE, image, training_job
from kit.cluster import wait_for

from test_training import train_digits


def events(site, namespace):
    return [(e["reason"], e["message"]) for e in site.cluster.list("events", namespace)]


def test_progress_is_seen_while_the_digits_train(site, namespace, digits):
    site.cluster.apply(train_digits("digits", namespace, digits, epochs=12, options=["--min-epoch-seconds", "2"]))
    seen = set()

    def ended():
        shown = site.columns("digits", namespace)
        seen.add((shown["STATUS"], shown["PROGRESS"]))
        return shown["STATUS"] in ("Succeeded", "Failed")
    wait_for("the end", ended, 180, 0.5)
    running = sorted({int(p) for phase, p in seen if phase == "Running" and p})
    assert len(running) >= 2 and 0 < running[0] < running[-1] <= 100, seen
    assert site.columns("digits", namespace).items() >= {"STATUS": "Succeeded", "PROGRESS": "100", "WORKERS": "2/2"}.items()
    progress = site.status("digits", namespace)["progress"]
    assert {m["name"] for m in progress["metrics"]} == {"epoch", "loss", "accuracy"}
    wait_for("the event", lambda: any(reason == "CheckpointCommitted" and "epoch-" in message for reason, message in events(site, namespace)))


def test_is_publishing_while_the_model_is_on_its_way(site, namespace, digits):
    site.cloud.api.faults([{"match": f"upload.*{namespace}/models.*data", "delay_seconds": 4}])
    try:
        site.cluster.apply(train_digits("digits", namespace, digits, epochs=3))
        status = site.wait_phase("digits", namespace, "Publishing")
        assert status["reason"] == "Publishing" and "programs of all workers have exited" in status["message"]
        site.wait_phase("digits", namespace, "Succeeded")
    finally:
        site.cloud.api.clear_faults()
    wait_for("the event, once", lambda: [reason for reason, _ in events(site, namespace)].count("Publishing") == 1)


def test_a_client_of_kubeflow_trainer_reports_unchanged_and_gets_no_token(site, namespace):
    script = """set -e
        wget -q -O - --header "Authorization: Bearer $(cat $KUBEFLOW_TRAINER_SERVER_TOKEN)" \
            --post-data '{"trainerStatus": {"progressPercentage": 45, "metrics": [{"name": "loss", "value": "0.2"}]}}' \
            $KUBEFLOW_TRAINER_SERVER_URL
        grep -q BEGIN $KUBEFLOW_TRAINER_SERVER_CA_CERT
        ls /var/run/secrets 2>/dev/null && exit 1
        cat /var/run/secrets/cloister/token 2>/dev/null && exit 1
        grep -l "cloister.dev/reports" -r /cloister 2>/dev/null && exit 1
        while [ ! -e /tmp/enough ]; do sleep 1; [ $((i = i + 1)) -lt 15 ] || touch /tmp/enough; done"""
    site.cluster.apply(training_job("client", namespace, image("toolbox"), ["/bin/sh", "-c", script]))
    progress = wait_for("progress", lambda: site.status("client", namespace).get("progress"), 60)
    assert (progress["progressPercentage"], progress["metrics"]) == (45, [{"name": "loss", "value": "0.2"}])
    site.wait_phase("client", namespace, "Succeeded")


def test_an_agent_is_scraped_for_its_trainers_memory_and_cpu(site, namespace):
    script = "dd if=/dev/zero of=/tmp/file bs=1M count=20 2>/dev/null; i=0; while [ $i -lt 400000 ]; do i=$((i + 1)); done; sleep 60"
    site.cluster.apply(training_job("busy", namespace, image("toolbox"), ["/bin/sh", "-c", script]))
    site.wait_phase("busy", namespace, "Running")
    address = site.pods("busy", namespace)[0]["status"]["podIP"]

    def scraped():
        text = site.cluster.inside("curl", "-s", "--max-time", "5", f"http://{address}:19090/metrics").stdout
        m = {name: float(value) for name, value in re.findall(r"^(cloister_\S+) (\S+)$", text, re.M)}
        return m.get("cloister_trainer_memory_bytes", 0) > 20 << 20 and m.get("cloister_trainer_cpu_seconds_total", 0) > 0.05 and m
    m = wait_for("the trainer's use", scraped, 60, 1)
    assert m["cloister_trainer_memory_bytes"] < 80 << 20, "its limit and its outputs"
    assert m['cloister_volume_size_bytes{volume="outputs"}'] == 16 << 20
    site.cluster.kubectl("delete", "tjob", "busy", "-n", namespace)


def test_the_key_pair_outlives_an_upgrade_and_workers_go_on_reporting(site, namespace, digits):
    name = "cloister-reports-tls"
    before = site.cluster.get("secret", name, SYSTEM_NAMESPACE)["data"]
    site.cluster.apply(train_digits("digits", namespace, digits, epochs=30, options=["--min-epoch-seconds", "2"]))
    wait_for("progress", lambda: site.status("digits", namespace).get("progress"), 90)
    site.install(**{"podAnnotations.upgraded": "yes"})
    assert site.cluster.get("secret", name, SYSTEM_NAMESPACE)["data"] == before
    told = site.status("digits", namespace)["progress"]["progressPercentage"]
    wait_for("more progress", lambda: site.status("digits", namespace)["progress"]["progressPercentage"] > told, 60)
    pods = site.pods("digits", namespace)
    assert all(c["restartCount"] == 0 for p in pods for c in p["status"]["containerStatuses"] + p["status"]["initContainerStatuses"])
    site.wait_phase("digits", namespace, "Succeeded")
    assert site.status("digits", namespace)["attempt"] == 1

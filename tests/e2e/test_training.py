"""The main job: where workers run, that both matter, what they may use, and what they are charged for."""
import re

from kit.cloister import BUCKET, encrypted, evaluate, image, published, training_job
from kit.cluster import wait_for

LABEL = "cloud.google.com/gke-confidential-nodes-instance-type"
EPOCH = re.compile(r"^epoch (\d+) loss (\S+) accuracy (\S+) gradient (\S+) own (\S+)$", re.M)


def train_digits(name, namespace, digits, epochs=6, **spec):
    command = ["/usr/bin/digits", "train", "--epochs", str(epochs), "--rate", "0.03", *spec.pop("options", [])]
    return training_job(name, namespace, image("digits"), command, keys=digits["keys"], inputs=digits["inputs"],
                        **{"replicas": 2, **published(namespace, digits["keys"][0]["name"]), **spec})


def test_trains_on_the_confidential_node_alone_and_every_gradient_matters(site, namespace, digits, tmp_path):
    site.cluster.apply(train_digits("digits", namespace, digits, epochs=15))
    status = site.wait_phase("digits", namespace, "Succeeded")
    assert {p["spec"]["nodeName"] for p in site.pods("digits", namespace)} == {"cc-0"}
    assert status["confidential"]["nodes"] == ["cc-0"]

    first, second = (EPOCH.findall(site.logs(f"digits-worker-{i}-1", namespace)) for i in (0, 1))
    assert len(first) == len(second) == 15
    for one, other in zip(first, second):
        assert one[:4] == other[:4], "the summed gradient is the same on both workers"
        assert one[4] != one[3] and other[4] != one[3] and one[4] != other[4], "and neither's own"

    accuracy = float(evaluate(site, "digits", namespace, tmp_path).split()[1])
    assert accuracy >= 0.93

    columns = site.cluster.kubectl("get", "tjob", "digits", "-n", namespace).stdout.splitlines()
    assert columns[0].split() == ["NAME", "STATUS", "PROGRESS", "WORKERS", "RESTARTS", "AGE"]
    assert columns[1].split()[:5] == ["digits", "Succeeded", "100", "2/2", "0"]


def test_waits_and_names_the_missing_pool_when_no_node_is_confidential(site, namespace, digits):
    site.cluster.kubectl("label", "node", "cc-0", f"{LABEL}-", check=True)
    try:
        site.cluster.apply(train_digits("digits", namespace, digits))
        message = wait_for("the message", lambda: LABEL in (m := site.status("digits", namespace).get("message", "")) and m)
        assert f"{LABEL}=SEV" in message and "node pool" in message
        assert not any(p["spec"].get("nodeName") for p in site.pods("digits", namespace)), "never a fallback"
        assert all(p["status"]["phase"] == "Pending" for p in site.pods("digits", namespace))
    finally:
        site.cluster.kubectl("label", "node", "cc-0", f"{LABEL}=SEV", "--overwrite")
    site.wait_phase("digits", namespace, "Succeeded")


def test_an_image_made_for_root_runs_unchanged_under_the_uid_it_is_given(site, namespace):
    script = """set -e
        id -u
        echo a > /tmp/file; echo b > "$HOME/file"; echo c > /dev/shm/file
        cat /tmp/file "$HOME/file" /dev/shm/file
        ! touch /bin/file 2>/dev/null
        grep -q ' / .*ro,' /proc/mounts"""
    site.cluster.apply(training_job("ordinary", namespace, image("toolbox"), ["/bin/sh", "-c", script],
                                    trainer={"runAsUser": 1234}))
    site.wait_phase("ordinary", namespace, "Succeeded")
    assert site.logs("ordinary-worker-0-1", namespace).split() == ["1234", "a", "b", "c"]


def test_a_large_checkpoint_is_charged_to_the_output_limit_and_kills_nobody(site, namespace, digits):
    """1 GiB of checkpoint with outputLimit 2Gi beside a trainer that has 64 MiB of its own."""
    script = """set -e
        dd if=/dev/zero of=/cloister/checkpoints/.large.tmp bs=1M count=1024 2>/dev/null
        mv /cloister/checkpoints/.large.tmp /cloister/checkpoints/large-1
        sleep 20
        echo saved"""
    key = digits["keys"][0]["name"]
    site.cluster.apply(training_job("large", namespace, image("toolbox"), ["/bin/sh", "-c", script],
                                    keys=digits["keys"], staging={"inputLimit": "16Mi", "outputLimit": "2Gi"},
                                    checkpoints=published(namespace, key)["checkpoints"]))
    status = site.wait_phase("large", namespace, "Succeeded", timeout=240)
    pod = site.pods("large", namespace)[0]
    assert status.get("restarts", 0) == 0
    assert all(c["restartCount"] == 0 for c in pod["status"]["containerStatuses"] + pod["status"]["initContainerStatuses"])
    assert site.logs("large-worker-0-1", namespace).strip() == "saved"
    assert status["checkpoint"]["latest"] == "large-1"


def agent_memory(site):
    """RssAnon of the agents that run on the nodes, in KiB; 0 when there is none."""
    script = "for p in $(pgrep -f '^/usr/bin/cloister-worker serve'); do grep RssAnon /proc/$p/status; done 2>/dev/null; true"
    return max((int(n) for n in re.findall(r"RssAnon:\s+(\d+)", site.cluster.inside("bash", "-c", script).stdout)), default=0)


def test_staging_a_gibibyte_takes_little_memory_beside_it(site, namespace, tmp_path, figure):
    for i in range(8):
        with open(tmp_path / f"part-{i}", "wb") as part:
            part.truncate(128 << 20)
    pasted = encrypted(site, namespace, *sorted(tmp_path.glob("part-*")), name="large")
    peak = 0
    site.cluster.apply(training_job("large", namespace, image("toolbox"), ["/bin/sh", "-c", "ls /cloister/inputs/large | wc -l"],
                                    **pasted, staging={"inputLimit": "1100Mi", "outputLimit": "16Mi"}))

    def finished():
        nonlocal peak
        peak = max(peak, agent_memory(site))
        return site.status("large", namespace).get("phase") in ("Succeeded", "Failed")
    wait_for("the end", finished, 180, 0.05)
    figure(f"agent staging 1 GiB over 8 connections: RssAnon {peak / 1024:.1f} MiB (allowance 16 MiB)")
    assert site.status("large", namespace)["phase"] == "Succeeded"
    assert site.logs("large-worker-0-1", namespace).strip() == "8" and peak > 0
    for i in range(8):
        site.cloud.api.delete_object(BUCKET, f"{namespace}/part-{i}")

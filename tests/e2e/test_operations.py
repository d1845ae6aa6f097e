"""What an administrator does while jobs run: upgrade, look, ask for more log; and a leader that falls silent."""
import json
import sys

import pytest
from kit.cloister import SYSTEM_NAMESPACE, image, training_job
from kit.cluster import wait_for

from test_faults import assert_ended_right, now, start


def audited(site, since):
    """The operator's requests after that time: (verb, resource, namespace, name, status code, address)."""
    with open(site.cluster.env["CLOISTER_CLUSTER_AUDIT"], encoding="utf-8") as log:
        for line in log:
            if not line.endswith("\n"):
                break  # it is being written
            entry = json.loads(line)
            if (entry["user"]["username"].startswith(f"system:serviceaccount:{SYSTEM_NAMESPACE}:")
                    and "objectRef" in entry and entry["requestReceivedTimestamp"] > since):
                ref = entry["objectRef"]
                yield (entry["verb"], ref["resource"], ref.get("namespace", ""), ref.get("name", ""),
                       entry["responseStatus"]["code"], entry["sourceIPs"][0])


def wait_for_leader(site):
    """One of those that stay: an operator that ends holds its Lease until the last moment."""
    return wait_for("an operator to lead", lambda: (leader := site.leader()) and leader in {
        p["metadata"]["name"] for p in site.operator_pods()} and leader)


def workers(site, namespace):
    """Every worker's pod as it was made, and how often its containers started again."""
    return {p["metadata"]["name"]: (p["metadata"]["uid"], [s["restartCount"] for s in [
        *p["status"]["initContainerStatuses"], *p["status"]["containerStatuses"]]]) for p in site.pods("digits", namespace)}


def test_upgrading_the_chart_restarts_no_worker(site, namespace, digits, tmp_path):
    start(site, namespace, digits)
    before, operators = workers(site, namespace), {p["metadata"]["name"] for p in site.operator_pods()}
    assert len(operators) == 2 and wait_for_leader(site) in operators
    site.install(**{"podAnnotations.example\\.com/upgraded": "yes"})
    try:
        after = wait_for("two other operators", lambda: len(site.operator_pods()) == 2 and {
            p["metadata"]["name"] for p in site.operator_pods()}, 60)
        assert not operators & after
        assert wait_for_leader(site) in after
        status = assert_ended_right(site, namespace, tmp_path, attempts=1)
        assert (status["restarts"], status["disruptions"]) == (0, 0)
        assert workers(site, namespace) == before
    finally:
        site.install()


def test_operators_and_workers_are_taken_where_the_restricted_pod_security_standard_is_enforced(site, namespace):
    def enforce(level):
        for name in (SYSTEM_NAMESPACE, namespace):
            site.cluster.kubectl("label", "namespace", name, "--overwrite", f"pod-security.kubernetes.io/enforce={level}")
    enforce("restricted")
    try:
        for action in ("restart", "status"):
            site.cluster.kubectl("rollout", action, "deployment/cloister-operator", "-n", SYSTEM_NAMESPACE)
        site.cluster.apply(training_job("job", namespace, image("toolbox"), ["/bin/true"]))
        site.wait_phase("job", namespace, "Succeeded")
    finally:
        enforce("privileged")


def test_the_log_level_changes_without_a_restart_of_the_operator(site, namespace):
    operators = {p["metadata"]["name"]: p["metadata"]["uid"] for p in site.operator_pods()}
    restarts = site.operator_restarts()
    site.install(logLevel="debug")
    try:
        def told():
            return all('"level":"debug"' in site.cluster.kubectl("logs", name, "-n", SYSTEM_NAMESPACE).stdout
                       for name in operators)
        # The kubelet looks at ConfigMaps about once a minute.
        wait_for("both operators to say so", told, 150)
    finally:
        site.install()
    assert {p["metadata"]["name"]: p["metadata"]["uid"] for p in site.operator_pods()} == operators
    assert site.operator_restarts() == restarts


def processes_of(site, pod):
    """Process ids of that operator, found by the environment that the chart gives it."""
    done = site.cluster.inside("sh", "-c", f"grep -lzx CLOISTER_INSTANCE={pod} /proc/[0-9]*/environ", check=False)
    return [line.split("/")[2] for line in done.stdout.splitlines()]


@pytest.mark.timeout(300)
def test_a_leader_that_falls_silent_is_followed_and_does_not_write_when_it_wakes(site, namespace, digits, tmp_path):
    """Frozen for longer than its Lease, as by a machine that was paused; the process does not know that time went by."""
    leader = wait_for_leader(site)
    pod = site.cluster.get("pod", leader, SYSTEM_NAMESPACE)
    pids = processes_of(site, leader)
    assert len(pids) == 1
    since = now()
    start(site, namespace, digits)
    site.cluster.inside("kill", "-STOP", *pids)
    try:
        successor = wait_for("another leader", lambda: site.leader() != leader and site.leader(), 40)
        assert successor in {p["metadata"]["name"] for p in site.operator_pods()}
        assert_ended_right(site, namespace, tmp_path, attempts=1)
        woken = now()
    finally:
        site.cluster.inside("kill", "-CONT", *pids)
    ended = wait_for("the old leader to end", lambda: site.cluster.get("pod", leader, SYSTEM_NAMESPACE)["status"][
        "containerStatuses"][0].get("lastState", {}).get("terminated"), 60)
    assert ended["exitCode"] == 3
    writes = [r for r in audited(site, woken) if r[5] == pod["status"]["podIP"] and r[0] not in ("get", "list", "watch")]
    assert not writes, "it saw by its own clock that it had lost the Lease"
    created = [name for verb, kind, where, name, code, _ in audited(site, since)
               if (verb, kind, where, code) == ("create", "pods", namespace, 201)]
    assert sorted(created) == ["digits-worker-0-1", "digits-worker-1-1"]
    wait_for("it to stand by", lambda: all(s["ready"] for p in site.operator_pods()
                                           for s in p["status"]["containerStatuses"]), 60)
    assert site.leader() == successor


def test_what_repeats_is_one_event_that_counts(site, namespace):
    site.cluster.apply(training_job("rests", namespace, image("toolbox"), ["/bin/sleep", "600"]))
    site.wait_phase("rests", namespace, "Running")
    for suspend in (True, False, True):
        site.cluster.kubectl("patch", "tjob", "rests", "-n", namespace, "--type=merge", "-p", json.dumps({"spec": {"suspend": suspend}}))
        site.wait_phase("rests", namespace, "Suspended" if suspend else "Running")
    event, = wait_for("the series", lambda: [e for e in site.cluster.list("events.events.k8s.io", namespace)
                                             if e["reason"] == "JobSuspended" and "series" in e], 20)
    assert event["series"]["count"] == 2
    assert "JobSuspended" in site.cluster.kubectl("describe", "tjob", "rests", "-n", namespace).stdout


def test_prometheus_finds_every_operator_behind_the_metrics_service(site):
    def ready():
        slices = site.cluster.list("endpointslices", SYSTEM_NAMESPACE, "kubernetes.io/service-name=cloister-operator-metrics")
        return [a for s in slices for e in s["endpoints"] if e["conditions"]["ready"] for a in e["addresses"]]
    addresses = wait_for("two endpoints", lambda: len(a := ready()) == 2 and a, 60)

    def scraped():
        texts = [site.cluster.inside(sys.executable, "-c", "import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode())",
                                     f"http://{address}:8080/metrics").stdout for address in addresses]
        masters = sum('leader_election_master_status{name="cloister-operator"} 1\n' in text for text in texts)
        return masters == 1 and texts
    for text in wait_for("one of them to lead", scraped):
        assert "cloister_build_info{version=" in text and "process_resident_memory_bytes " in text

"""Ten thousand jobs at once in one namespace hold up nobody: neither the jobs of another nor what is told of them."""
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from kit.cluster import wait_for
from kit.site import END, cluster_with_jobs, make_namespaces, site_in

AT_ONCE, CROWD = 8, "crowd"


@pytest.fixture(scope="module")
def cluster():
    """One of its own: the crowd stays, and the cluster goes."""
    with cluster_with_jobs("crowd") as cluster:
        yield cluster


@pytest.fixture(scope="module")
def site(cluster, tmp_path_factory):
    with site_in(cluster, tmp_path_factory.mktemp("crowd")) as site:
        yield site


def events_come(site, namespace):
    """Those of the job that has ended, and one that repeats as a series: not behind the 2,000 of the crowd that wait."""
    def sent():
        return sum(r.is_event and f"/namespaces/{CROWD}/" in r.path for r, _ in list(site.proxy.requests))

    def told():
        return {e["reason"]: e for e in site.cluster.list("events.events.k8s.io", namespace) if e["regarding"]["kind"] == "TrainingJob"}
    before = sent()
    wait_for("how the job went", lambda: told().keys() >= {"InstallFailed", "RestartLimitExceeded"}, 120)
    assert sent() - before < 1000
    site.create(site.job("waiting", namespace, technology="TDX"))
    for is_suspended in (True, False, True):
        site.cluster.kubectl("patch", "tjob", "waiting", "-n", namespace, "--type=merge", "-p",
                             json.dumps({"spec": {"suspend": is_suspended}}))
        wait_for("the turn", lambda is_suspended=is_suspended:
                 (site.status("waiting", namespace).get("phase") == "Suspended") == is_suspended, 120)
    before = sent()
    wait_for("the series", lambda: "series" in told().get("JobSuspended", {}), 120)
    assert sent() - before < 1000


def test_others_go_on_beside_ten_thousand_jobs_at_once(site, namespace):
    count, api = 10_000, site.cluster.api
    dropped = site.operator.metric("cloister_events_dropped_total")
    make_namespaces(site.cluster, CROWD, confidential=False)
    # However slowly the crowd is written: its events go out more slowly, so that they gather.
    site.proxy.faults.append(lambda request: ("delay", 1) if request.is_event and f"/namespaces/{CROWD}/" in request.path else None)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        created = pool.map(lambda i: api.create(site.job(f"job-{i}", CROWD))[0], range(count))
        wait_for("the crowd to gather", lambda: len(site.proxy.accepted) > 500, 120)
        site.create(site.job("job", namespace))
        assert site.wait_for_phase("job", namespace, "Failed", 600)["reason"] == END["reason"]
        print(f"{len(site.proxy.accepted)} writes when the other job had ended")
        wait_for("more events of the crowd than there is room for",
                 lambda: site.operator.metric("cloister_events_dropped_total") > dropped, 300)
        events_come(site, namespace)
        assert set(created) == {201}

    def answered():
        return sum("/status" in w and f"/{CROWD}/" in w for w in site.proxy.accepted) >= count
    wait_for("each of the crowd to have its answer", answered, 600, 1)
    # One status each says all there is to say.
    assert sum(f"/{CROWD}/" in w for w in site.proxy.accepted) <= count * 1.1
    job = api.job(f"job-{count - 1}", CROWD)
    assert "kubectl label namespace" in job["status"]["message"]

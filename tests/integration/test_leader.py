"""Two operators and one Lease: one works, and whatever happens to it, the other goes on where the cluster stands."""
import json
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from kit.cluster import PATIENCE_SECONDS, wait_for
from kit.operator_process import make_operator
from kit.proxy import Proxy
from kit.site import END, is_own_write, make_namespaces

LEASE_SECONDS, RENEW_SECONDS, RETRY_SECONDS = 4, 3, 1
# A candidate looks every RETRY_SECONDS to 2.2 times that, and the lease runs from when it saw the last renewal. So many
# looks find it held at most; a slow machine makes them fewer.
LOOKS_OF_A_LEASE = LEASE_SECONDS // RETRY_SECONDS


class Pair:
    """Operators a and b, each behind a proxy of its own; a leads."""

    def __init__(self, site, namespace, directory, *options):
        self.site, self.namespace = site, namespace
        self.proxies = {name: Proxy(site.cluster.api) for name in "ab"}
        options = [*options, "--leader-elect", f"--leader-elect-resource-namespace={namespace}",
                   f"--leader-elect-lease-seconds={LEASE_SECONDS}", f"--leader-elect-renew-seconds={RENEW_SECONDS}",
                   f"--leader-elect-retry-seconds={RETRY_SECONDS}"]
        self.a, self.b = (make_operator(directory / name, self.proxies[name], site.image, f"--instance={name}", *options)
                          for name in "ab")

    def start(self):
        self.a.start()
        self.wait_for_holder("a")
        self.b.start()

    def stop(self):
        self.a.stop()
        self.b.stop()
        for proxy in self.proxies.values():
            proxy.close()

    def describe(self):
        print(self.a.log()[-6000:], self.b.log()[-6000:], self.lease())

    def lease(self):
        return self.site.cluster.get("lease", "cloister-operator", self.namespace)

    def wait_for_holder(self, name, timeout=30):
        return wait_for(f"{name} to hold the Lease", lambda: (lease := self.lease()) and
                        lease["spec"].get("holderIdentity") == name and lease["spec"], timeout, interval=0.05)

    def lease_requests(self, name, since=0.0):
        """What that operator asked about the Lease: (time, method, holder that it wrote)."""
        requests = [r for r, _ in list(self.proxies[name].requests) if "/leases" in r.path and r.at > since]
        return [(r.at, r.method, json.loads(r.body)["spec"].get("holderIdentity") if r.body else None) for r in requests]

    def looks_before_leading(self, name, since):
        """How often the operator looked at the Lease since then until it took it."""
        methods = [method for _, method, _ in self.lease_requests(name, since)]
        return methods.index("PUT") if "PUT" in methods else len(methods)

    def writes(self, name):
        """What the API server took from that operator, leases and events left out."""
        return [w for w in self.proxies[name].accepted if "/leases" not in w]


def created_pods(pair, prefix):
    """Names of the pods that the API server made, each as often as it did."""
    names = []
    with open(pair.site.cluster.env["CLOISTER_CLUSTER_AUDIT"], encoding="utf-8") as log:
        for line in log:
            if not line.endswith("\n"):
                break  # it is being written
            if pair.namespace not in line:
                continue  # there are many, and to read one takes time
            entry = json.loads(line)
            ref = entry.get("objectRef", {})
            if (entry["verb"] == "create" and entry["responseStatus"]["code"] == 201 and ref["resource"] == "pods"
                    and "subresource" not in ref and ref["namespace"] == pair.namespace
                    and ref.get("name", "").startswith(prefix)):
                names.append(ref["name"])
    return sorted(names, key=lambda name: (name.rpartition("-")[0], name))


@pytest.fixture
def pair(site, request, tmp_path):
    """A namespace, and two operators there instead of the usual one."""
    name = request.node.name.removeprefix("test_").replace("_", "-")[:50].strip("-")
    site.operator.stop()
    make_namespaces(site.cluster, name)
    pair = Pair(site, name, tmp_path)
    try:
        pair.start()
        yield pair
    finally:
        pair.stop()
        if getattr(request.node, "failed", False):
            pair.describe()
        site.cluster.kubectl("delete", "namespace", name, "--wait=false")


def test_one_works_and_the_other_stands_by_ready(pair):
    pair.site.create(pair.site.job("job", pair.namespace))
    assert pair.site.end("job", pair.namespace) == END
    assert pair.writes("a") and not pair.writes("b")
    assert pair.b.health("readyz") == 200, "a standby's caches are warm, and a rollout waits for it"
    assert not [r for r, _ in pair.proxies["b"].requests if r.is_write], "a candidate looks, and writes nothing"
    assert [o.metric("leader_election_master_status", name="cloister-operator") for o in (pair.a, pair.b)] == [1, 0]
    assert not any(name.startswith("cloister_trainingjobs") for name, _ in pair.b.metrics()), "jobs are counted once"
    spec = pair.lease()["spec"]
    assert (spec["leaseDurationSeconds"], spec["leaseTransitions"]) == (LEASE_SECONDS, 0)


def kill_leaders(pair, *writes):
    """The leader is killed with its n-th write for a job, and the answer is never read; so is the one that follows it."""
    for deaths, n in enumerate(writes, 1):
        leader, standby = (("a", pair.a), ("b", pair.b))[:: 1 if deaths % 2 else -1]
        pair.wait_for_holder(leader[0])
        count = []

        def fault(request, leader=leader, count=count, n=n):
            if not is_own_write(request) or "/leases" in request.path:
                return None
            count.append(request)
            return ("then", leader[1].kill) if len(count) == n else None

        pair.proxies[leader[0]].faults = [fault]
        pair.site.create(pair.site.job(f"job-{n}", pair.namespace))
        wait_for("the leader to die", lambda: not leader[1].is_running(), 60)
        died = time.monotonic()
        pair.proxies[leader[0]].faults = []
        spec = pair.wait_for_holder(standby[0])
        assert pair.looks_before_leading(standby[0], died) <= LOOKS_OF_A_LEASE + 1
        assert spec["leaseTransitions"] == deaths
        end = pair.site.wait_for_phase(f"job-{n}", pair.namespace, "Failed")
        assert (end["attempt"], end["restarts"], end["disruptions"]) == (2, 1, 0), n
        assert created_pods(pair, f"job-{n}-") == [f"job-{n}-worker-{i}-{attempt}" for i in (0, 1) for attempt in (1, 2)]
        leader[1].stop()
        leader[1].start()


def test_a_killed_leader_is_followed_and_nothing_is_made_twice(site, tmp_path):
    """At each write in turn that a job takes; several pairs at once, each in a namespace of its own."""
    site.operator.stop()
    cases = {f"killed-leaders-{n}": (n, n + 1) for n in range(1, 9, 2)}
    make_namespaces(site.cluster, *cases)

    def live(name):
        pair = Pair(site, name, tmp_path / name, f"--namespace={name}")
        try:
            pair.start()
            kill_leaders(pair, *cases[name])
        except BaseException:
            pair.describe()
            raise
        finally:
            pair.stop()

    with ThreadPoolExecutor(len(cases)) as pool:
        list(pool.map(live, cases))
    site.cluster.kubectl("delete", "namespace", "--wait=false", *cases)


def test_an_orderly_stop_gives_the_lease_back_at_once(pair):
    pair.site.create(pair.site.job("job", pair.namespace))
    wait_for("a write", lambda: pair.writes("a"), 20)
    assert pair.a.terminate() == 0
    ended = time.monotonic()
    spec = pair.wait_for_holder("b")
    *_, (_, method, holder) = pair.lease_requests("a")
    assert (method, holder or "") == ("PUT", "")
    # Sooner than any lease expires: the first look finds it free.
    assert pair.looks_before_leading("b", ended) <= 1
    assert spec["leaseTransitions"] == 1
    assert pair.site.end("job", pair.namespace) == END
    assert '"message":"stopped"' in pair.a.log()


def test_what_is_on_its_way_is_answered_before_the_lease_is_given_back(pair):
    def is_for_the_job(request):
        return is_own_write(request) and "/leases" not in request.path

    def is_status(request):
        return is_for_the_job(request) and request.path.endswith("/status")

    def stop_meanwhile():
        # Only Service and NetworkPolicy are begun beside the first status; everything else waits for its answer.
        wait_for("what is begun beside it", lambda: sum(is_for_the_job(r) for r, _ in list(pair.proxies["a"].requests)) == 3)
        pair.a.process.send_signal(signal.SIGTERM)
        time.sleep(1)  # the signal reaches it before the answer does

    pair.proxies["a"].once(is_status, ("after", stop_meanwhile))
    pair.site.create(pair.site.job("job", pair.namespace))
    assert pair.a.process.wait(PATIENCE_SECONDS) == 0
    order = [w for w in pair.proxies["a"].accepted]
    # Renewals may come between: the last one gives it back.
    assert "/leases" in order[-1] and any(w.endswith("/status") for w in order[:-1]), order[-5:]
    begun = sorted(w.rsplit("/", 1)[-1] for w in pair.writes("a"))
    assert begun == ["networkpolicies", "services", "status"], "nothing more was begun"
    assert pair.site.end("job", pair.namespace) == END


def test_a_leader_that_is_cut_off_ends_and_writes_nothing_more(pair):
    pair.site.create(pair.site.job("job", pair.namespace, technology="TDX"))
    wait_for("the gang", lambda: len(pair.site.cluster.list("pods", pair.namespace)) == 2, 30)
    pair.proxies["a"].is_cut = True
    pair.proxies["a"].cut()
    cut = time.monotonic()
    assert pair.a.process.wait(30) == 3
    ended, before = time.monotonic(), list(pair.writes("a"))
    pair.wait_for_holder("b")
    taken = next(at for at, method, _ in pair.lease_requests("b", cut) if method == "PUT")
    assert ended < taken, "the old leader had given up before the new one began"
    pair.proxies["a"].is_cut = False
    pair.site.create(pair.site.job("next", pair.namespace))
    assert pair.site.wait_for_phase("next", pair.namespace, "Failed")["attempt"] == 2
    assert pair.writes("a") == before


def test_a_leader_whose_lease_somebody_else_holds_ends(pair):
    pair.b.stop()
    pair.site.cluster.kubectl("patch", "lease", "cloister-operator", "-n", pair.namespace, "--type=merge", "-p",
                              '{"spec":{"holderIdentity":"somebody"}}')
    assert pair.a.process.wait(30) == 3
    assert pair.lease()["spec"]["holderIdentity"] == "somebody"
    # Which never renews, so it is over after a lease.
    begun = time.monotonic()
    pair.a.start()
    pair.wait_for_holder("a")
    assert pair.looks_before_leading("a", begun) <= LOOKS_OF_A_LEASE + 2


def test_a_lease_that_is_deleted_is_made_again(pair):
    uid = pair.lease()["metadata"]["uid"]
    pair.site.cluster.kubectl("delete", "lease", "cloister-operator", "-n", pair.namespace)
    lease = wait_for("a new Lease", pair.lease, 10)
    assert lease["metadata"]["uid"] != uid
    spec = pair.wait_for_holder(lease["spec"]["holderIdentity"])
    assert spec["holderIdentity"] in ("a", "b")


def test_refused_and_lost_renewals_are_survived(pair):
    """A conflict, a throttling server, a lost answer, a server error: none of them costs the leader its Lease."""
    renewals = lambda r: r.method == "PUT" and "/leases/" in r.path  # noqa: E731
    for what in (("answer", 409, {}, "Conflict"), ("answer", 429, {"Retry-After": "1"}, "TooManyRequests"), "drop reply",
                 "drop request", ("answer", 500, {}, "InternalError")):
        met = pair.proxies["a"].once(renewals, what)
        wait_for(f"{what} to happen", lambda met=met: met, 10)
        renewed = pair.lease()["spec"]["renewTime"]
        wait_for("the next renewal", lambda renewed=renewed: pair.lease()["spec"]["renewTime"] != renewed, 10)
    assert pair.a.is_running() and pair.lease()["spec"]["holderIdentity"] == "a"
    assert pair.lease()["spec"]["leaseTransitions"] == 0
    assert not pair.writes("b")


def test_a_container_that_starts_again_leads_again_without_waiting(pair):
    pair.a.kill()
    pair.a.stop()
    begun = time.monotonic()
    pair.a.start()
    wait_for("a to lead", lambda: '"message":"leading"' in pair.a.log().rpartition('"message":"started"')[2], 30)
    assert pair.looks_before_leading("a", begun) == 1
    assert pair.lease()["spec"]["leaseTransitions"] == 0


def test_a_standby_whose_watches_have_died_in_silence_makes_nothing_twice(pair):
    """A half-open connection looks like a quiet cluster. The standby knows a job whose pods it never saw; meanwhile they
    came, one was deleted, and a second attempt began. When it leads, it must not make the first attempt's pods again."""
    job_known = []

    def is_mute(path):
        return "/pods?" in path or ("/trainingjobs?" in path and bool(job_known))

    def after_first_status(request):
        if request.method == "PUT" and request.path.endswith("/status") and not job_known:
            # The other operator's watch has brought this status by the time that the first pod is asked for.
            return ("then", lambda: (time.sleep(1), job_known.append(True)))
        return None

    pair.proxies["b"].is_mute = is_mute
    pair.proxies["a"].faults.append(after_first_status)
    pair.site.create(pair.site.job("job", pair.namespace, technology="TDX"))
    wait_for("the gang", lambda: len(pair.site.cluster.list("pods", pair.namespace)) == 2, 30)
    pair.site.cluster.kubectl("delete", "pod", "job-worker-0-1", "-n", pair.namespace, "--grace-period=0", "--force")
    wait_for("the second attempt", lambda: pair.site.status("job", pair.namespace).get("attempt") == 2 and len(
        [p for p in pair.site.cluster.list("pods", pair.namespace) if p["metadata"]["name"].endswith("-2")]) == 2, 60)
    assert pair.a.terminate() == 0
    pair.wait_for_holder("b")
    time.sleep(3)
    pair.proxies["b"].is_mute = None
    assert created_pods(pair, "job-") == [f"job-worker-{i}-{attempt}" for i in (0, 1) for attempt in (1, 2)]
    assert pair.site.status("job", pair.namespace)["attempt"] == 2

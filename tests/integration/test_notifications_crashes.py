"""Whatever an operator's last moment was, the next one tells what the status says."""
import json
import time

from kit.cluster import wait_for


def test_an_operator_that_is_killed_before_it_delivers_delivers_later(office, place):
    office.good.answer = 503
    job = office.submit("survivor", place, ["good"])
    wait_for("the start to be owed", lambda: "started" in office.pending("survivor", place))
    office.operator.kill()
    office.operator.stop()
    office.good.answer = 200
    assert office.pending("survivor", place)["started"] == ["good"]
    office.operator.start()
    office.wait_for_end("survivor", place)
    wait_for("nothing to be owed", lambda: not office.pending("survivor", place))
    taken = {json.loads(one["body"])["id"] for one in office.good.got if one["answer"] == 200}
    assert {f"{job['metadata']['uid']}.{n}" for n in ("started.1", "failed.1")} <= taken


def test_an_operator_that_is_killed_right_after_the_transition_still_tells_it(office, place):
    """Whichever write is its last: what the status says has happened is told."""
    for number in (1, 2, 3, 4):
        name = f"cut-{number}"
        seen = []

        def kill(request, name=name, seen=seen, number=number):
            if request.method != "PUT" or f"/{name}/status" not in request.path:
                return None
            seen.append(request)
            return ("then", office.operator.kill) if len(seen) == number else None

        office.proxy.faults = [kill]
        job = office.submit(name, place, ["good"])
        # Begun, failed and told: three statuses at least; one that only says how far the job is may never be written.
        wait_for("the operator to be killed", lambda name=name, number=number: not office.operator.is_running() or (
            number > 3 and office.status(name, place).get("phase") == "Failed" and not office.pending(name, place)))
        office.proxy.faults = []
        office.restart()
        office.wait_for_end(name, place)
        wait_for("nothing to be owed", lambda name=name: not office.pending(name, place))
        ids = {e["id"] for e in office.good.events(name)}
        assert ids == {f"{job['metadata']['uid']}.{n}" for n in ("started.1", "failed.1")}, number


def test_a_standby_delivers_nothing_until_it_leads(office, place):
    office.good.answer = 503
    office.submit("queued", place, ["good"])
    office.wait_for_end("queued", place)
    office.operator.stop()
    office.good.answer = 200
    before, now = len(office.good.got), time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime())
    leases = f"/apis/coordination.k8s.io/v1/namespaces/{place}/leases"
    assert office.api.request("POST", leases, {
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "cloister-operator"},
        "spec": {"holderIdentity": "another", "leaseDurationSeconds": 3600, "acquireTime": now, "renewTime": now}})[0] == 201
    command = office.operator.command
    office.operator.command = [*command, "--leader-elect", f"--leader-elect-resource-namespace={place}"]
    try:
        office.proxy.requests.clear()
        office.operator.start()
        wait_for("it to have looked at the Lease again and again", lambda: len(
            [r for r, _ in list(office.proxy.requests) if r.method == "GET" and "/leases/" in r.path]) >= 3)
        assert len(office.good.got) == before
        office.api.request("DELETE", f"{leases}/cloister-operator")
        wait_for("nothing to be owed", lambda: not office.pending("queued", place))
        assert len(office.good.got) > before
    finally:
        office.operator.command = command
        office.restart()

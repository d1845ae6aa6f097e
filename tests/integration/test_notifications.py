"""What targets are told, and that each is told until it has taken it."""
import itertools
import json
import threading
import time

from kit.office import SOURCE, TOPIC
from kit.cloud import NODE
from kit.cluster import wait_for


def test_a_target_is_told_the_life_of_a_job(office, place):
    taken = office.sent("good", "taken")
    job = office.submit("life", place, ["good"], restarts=1)
    uid = job["metadata"]["uid"]
    status = office.wait_for_end("life", place)
    wait_for("nothing to be owed", lambda: not office.pending("life", place))
    events = office.good.events("life")
    assert sorted(e["id"] for e in events) == [f"{uid}.failed.2", f"{uid}.restarted.2", f"{uid}.started.1"], "each once"
    assert office.sent("good", "taken") - taken == 3
    told = {e["type"].rpartition(".")[2]: e for e in events}
    for event in events:
        assert (event["specversion"], event["source"], event["datacontenttype"]) == ("1.0", SOURCE, "application/json")
        assert event["type"].startswith("dev.cloister.trainingjob.")
        assert event["subject"] == f"namespaces/{place}/trainingjobs/life"
        assert (event["data"]["namespace"], event["data"]["name"], event["data"]["uid"]) == (place, "life", uid)
    failure = status["failures"][0]
    assert (told["restarted"]["data"]["class"], told["restarted"]["data"]["reason"]) == (failure["class"], failure["reason"])
    assert failure["message"] in told["restarted"]["data"]["message"]
    assert told["failed"]["time"] == status["finishTime"]
    assert (told["failed"]["data"]["reason"], told["failed"]["data"]["message"]) == (status["reason"], status["message"])
    assert told["started"]["time"] == status["startTime"] and "class" not in told["started"]["data"]
    request = office.good.got[-1]["headers"]
    assert request["Content-Type"] == "application/cloudevents+json; charset=utf-8"
    assert request["Authorization"] == "Bearer a-secret-of-the-receiver"


def test_a_topic_is_told_as_the_pubsub_binding_has_it(office, place):
    member = f"serviceAccount:{NODE}"
    job = office.submit("published", place, ["topic"])
    office.wait_for_event("published", place, "NotificationFailed", "not authorized")
    assert not office.cloud.api.published(TOPIC)
    office.cloud.api.grant_topic(TOPIC, member, "roles/pubsub.publisher")
    office.wait_for_end("published", place)
    wait_for("nothing to be owed", lambda: not office.pending("published", place))
    told = {attributes["ce-id"]: (json.loads(data), attributes) for data, attributes in office.cloud.api.published(TOPIC)}
    uid = job["metadata"]["uid"]
    assert set(told) == {f"{uid}.started.1", f"{uid}.failed.1"}
    data, attributes = told[f"{uid}.failed.1"]
    assert (data["name"], data["attempt"]) == ("published", 1)
    assert attributes == {
        "content-type": "application/json", "ce-specversion": "1.0", "ce-id": f"{uid}.failed.1", "ce-source": SOURCE,
        "ce-type": "dev.cloister.trainingjob.failed", "ce-subject": f"namespaces/{place}/trainingjobs/published",
        "ce-time": office.status("published", place)["finishTime"]}
    publishers = {e["principal"] for e in office.cloud.api.audit() if e["resource"] == TOPIC}
    assert publishers == {member}
    # The token may be taken back at any time: a new one is fetched.
    office.cloud.api.revoke_tokens()
    office.submit("again", place, ["topic"])
    office.wait_for_end("again", place)
    wait_for("nothing to be owed", lambda: not office.pending("again", place))


def test_a_notification_is_sent_until_it_is_taken(office, place):
    office.good.answer = 503
    before = len(office.good.got)
    office.submit("patient", place, ["good"])
    office.wait_for_end("patient", place)
    tries = wait_for("three tries", lambda: len(office.good.got) >= before + 3 and office.good.got[before:])
    assert {"started": ["good"], "failed": ["good"]} == office.pending("patient", place)
    office.good.answer = 202
    wait_for("nothing to be owed", lambda: not office.pending("patient", place))
    first = json.loads(tries[0]["body"])
    same = [e for e in office.good.events("patient") if e["id"] == first["id"]]
    assert len(same) >= 2 and all(e == first for e in same), "the same event each time"


def test_a_target_that_asks_for_time_gets_it(office, place):
    office.good.answer, office.good.headers = 429, {"Retry-After": "4"}
    before = len(office.good.got)
    office.submit("polite", place, ["good"])
    wait_for("a first try", lambda: len(office.good.got) > before)
    office.good.answer = 200
    wait_for("the second try", lambda: len(office.good.got) > before + 1)
    first, second = office.good.got[before:before + 2]
    assert second["at"] - first["at"] > 3.9


def test_a_target_that_asks_for_time_gets_it_from_what_failed_beside_it(office, place):
    """Two are under way; the first one's failure begins a pause, and the second's asks for a longer one."""
    both, numbers = threading.Barrier(2, timeout=30), itertools.count()
    asked = []

    def answer():
        number = next(numbers)
        if number < 2:
            both.wait()
        if number == 0:
            return 503, {}
        if number == 1:
            time.sleep(0.2)
            asked.append(time.monotonic())
            return 429, {"Retry-After": "5"}
        asked.append(time.monotonic())
        return 200, {}

    office.good.answer = answer
    for name in ("one", "other"):
        office.submit(name, place, ["good"])
    wait_for("another try", lambda: len(asked) > 1, interval=0.05)
    assert asked[1] - asked[0] > 4.5


def test_an_answer_counts_whatever_becomes_of_its_body(office, place):
    office.good.answer = "200 and hang"
    office.submit("garrulous", place, ["good"])
    office.wait_for_end("garrulous", place)
    wait_for("nothing to be owed", lambda: not office.pending("garrulous", place))
    assert len(office.good.events("garrulous")) == 2, "each once"
    assert not office.failing("garrulous", place)


def test_a_job_that_holds_a_nul_is_told_of(office, place):
    job = office.submit("odd", place, ["good"], annotations={"note": "a\x00b"})
    office.wait_for_end("odd", place)
    wait_for("nothing to be owed", lambda: not office.pending("odd", place))
    uid = job["metadata"]["uid"]
    assert {e["id"] for e in office.good.events("odd")} == {f"{uid}.started.1", f"{uid}.failed.1"}


def test_a_job_may_change_its_mind(office, place):
    office.submit("fickle", place, ["hanging"])
    office.wait_for_end("fickle", place)
    assert office.api.patch("fickle", place, {"spec": {"notifications": []}})[0] == 200
    wait_for("nothing to be owed", lambda: not office.pending("fickle", place))


def test_an_unknown_target_is_said_and_is_no_obstacle(office, place):
    office.submit("lost", place, ["nobody", "good"])
    office.wait_for_event("lost", place, "NotificationTargetUnknown", "'nobody'")
    office.wait_for_end("lost", place)
    wait_for("nothing to be owed", lambda: not office.pending("lost", place))
    assert len(office.good.events("lost")) == 2


def test_a_target_that_is_no_longer_defined_is_forgotten(office, place):
    office.submit("orphan", place, ["hanging"])
    office.wait_for_end("orphan", place)
    assert office.pending("orphan", place) == {"started": ["hanging"], "failed": ["hanging"]}
    office.define({"good": office.targets["good"]})
    office.restart()
    wait_for("nothing to be owed", lambda: not office.pending("orphan", place))
    writes = [w for w in office.proxy.accepted if f"/{place}/" in w]
    time.sleep(3)
    assert [w for w in office.proxy.accepted if f"/{place}/" in w] == writes, "nothing is written when nothing changes"
    office.define(office.targets)
    office.restart()


def test_a_deleted_job_is_not_told_of_any_more(office, place):
    office.good.answer = 503
    office.submit("deleted", place, ["good"])
    wait_for("the start to be owed", lambda: office.pending("deleted", place))
    office.api.request("DELETE", f"/apis/cloister.dev/v1alpha1/namespaces/{place}/trainingjobs/deleted")
    wait_for("the job to be gone", lambda: office.api.job("deleted", place) is None)
    time.sleep(1)
    before = len(office.good.events("deleted"))
    office.good.answer = 200
    # What is owed to a target is sent as soon as it takes something again.
    office.submit("next", place, ["good"])
    office.wait_for_end("next", place)
    wait_for("the target to take something", lambda: not office.pending("next", place))
    assert len(office.good.events("next")) >= 2 and len(office.good.events("deleted")) == before

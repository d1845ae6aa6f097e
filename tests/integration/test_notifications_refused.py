"""Where nothing is sent, and what people see of targets that take nothing."""
import pytest

from kit.cloud import NODE, PROJECT
from kit.cluster import wait_for

OTHER_TOPIC = f"projects/{PROJECT}/topics/other"


def test_a_redirect_is_not_followed(office, place):
    office.submit("redirected", place, ["redirecting"])
    failed = office.sent("redirecting", "failed")
    office.wait_for_event("redirected", place, "NotificationFailed", "the target answered 307; redirects are not followed")
    office.wait_for_end("redirected", place)
    assert office.redirecting.events("redirected")
    wait_for("another try", lambda: office.sent("redirecting", "failed") > failed)
    assert office.trap.connections == 0
    assert "redirecting" in office.pending("redirected", place)["started"]


@pytest.mark.parametrize("target", ["metadata", "inside"])
def test_an_address_of_the_cluster_is_not_connected_to(office, place, target):
    office.submit("refused", place, [target, "good"])
    office.wait_for_event("refused", place, "NotificationFailed", "is in a refused range")
    office.wait_for_end("refused", place)
    wait_for("the good target to be told", lambda: office.pending("refused", place) == {"started": [target], "failed": [target]})
    assert office.inside.connections == 0


def test_an_address_outside_the_ranges_is_connected_to(office, place):
    """The twin of the test above: it is the range that keeps the operator out."""
    office.refused = "203.0.113.0/24"
    office.define(office.targets)
    try:
        office.restart()
        office.submit("reached", place, ["inside"])
        office.wait_for_end("reached", place)
        wait_for("nothing to be owed", lambda: not office.pending("reached", place))
        assert {e["data"]["name"] for e in office.inside.events()} == {"reached"}
    finally:
        office.refused = f"{office.inside.server.server_address[0]}/32"
        office.define(office.targets)
        office.inside.connections = 0
        office.restart()


def test_no_secret_of_a_target_is_logged_or_told(office, place):
    office.targets = {**office.targets, "secretive": {"webhook": {"url": "https://127.0.0.1:1/services/T0K3N"}}}
    office.define(office.targets)
    office.restart()
    office.submit("quiet", place, ["secretive", "good"])
    office.wait_for_event("quiet", place, "NotificationFailed", "target secretive")
    notes = [note for _, note in office.events("quiet", place)]
    assert not any("T0K3N" in text or "a-secret-of-the-receiver" in text for text in [*notes, office.operator.log()])


def test_each_target_that_takes_nothing_shows(office, place):
    office.submit("both", place, ["redirecting", "inside", "good"])
    failing = wait_for("both to show, more than once", lambda: (
        found := office.failing("both", place)) and len(found) == 2 and all("series" in e for e in found.values()) and found)
    assert set(failing) == {"spec.notifications{redirecting}", "spec.notifications{inside}"}
    assert "target redirecting" in failing["spec.notifications{redirecting}"]["note"]
    assert "target inside" in failing["spec.notifications{inside}"]["note"]
    shown = office.site.cluster.kubectl("describe", "tjob", "both", "-n", place).stdout.partition("Events:")[2]
    assert all(f"notification to target {name} could not be delivered" in shown for name in ("redirecting", "inside"))


def test_a_topic_without_a_token_shows(office, place):
    office.cloud.api.faults([{"match": "service-accounts/default/token", "status": 503}])
    office.cloud.api.create_topic(OTHER_TOPIC)
    office.cloud.api.grant_topic(OTHER_TOPIC, f"serviceAccount:{NODE}", "roles/pubsub.publisher")
    office.define({**office.targets, "other": {"pubsub": {"topic": OTHER_TOPIC}}})
    office.restart()
    try:
        office.submit("tokenless", place, ["other"])
        office.wait_for_event("tokenless", place, "NotificationFailed", "answered 503 to the request for a token")
        assert set(office.failing("tokenless", place)) == {"spec.notifications{other}"}
        office.cloud.api.clear_faults()
        wait_for("nothing to be owed", lambda: not office.pending("tokenless", place))
        assert office.cloud.api.published(OTHER_TOPIC)
    finally:
        office.cloud.api.clear_faults()
        office.define(office.targets)
        office.restart()

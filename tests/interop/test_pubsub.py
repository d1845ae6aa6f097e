"""Google's Pub/Sub client, over REST, works against the test cloud's topics."""
import pytest
from kit.cloud import NODE, OWNER, PROJECT, TRAINER

pytestmark = pytest.mark.timeout(120)
TOPIC, SUBSCRIPTION = f"projects/{PROJECT}/topics/jobs", f"projects/{PROJECT}/subscriptions/jobs"


@pytest.fixture(scope="module")
def topic(running):
    running.api.create_topic(TOPIC)
    running.api.grant_topic(TOPIC, f"serviceAccount:{TRAINER}", "roles/pubsub.publisher")
    running.api.grant_topic(f"projects/{PROJECT}", f"serviceAccount:{OWNER}", "roles/pubsub.editor")
    return TOPIC


def message(data=b"", **attributes):
    return {"data": data, "attributes": attributes}


def test_publishes_and_pulls(clients, cloud, topic):
    subscriber = clients.pubsub("subscriber")
    subscriber.create_subscription(name=SUBSCRIPTION, topic=topic)
    before = len(cloud.api.published(topic))
    answer = clients.pubsub("publisher", TRAINER).publish(topic=topic, messages=[
        message(b"\x00{}", **{"ce-id": "1", "content-type": "application/json"}), message(**{"ce-id": "2"})])
    assert len(set(answer.message_ids)) == 2
    pulled = subscriber.pull(subscription=SUBSCRIPTION, max_messages=10).received_messages
    assert [(m.message.data, dict(m.message.attributes)) for m in pulled] == [
        (b"\x00{}", {"ce-id": "1", "content-type": "application/json"}), (b"", {"ce-id": "2"})]
    assert [m.message.message_id for m in pulled] == list(answer.message_ids)
    assert pulled[0].message.publish_time.timestamp() > 0
    subscriber.acknowledge(subscription=SUBSCRIPTION, ack_ids=[m.ack_id for m in pulled])
    assert not subscriber.pull(subscription=SUBSCRIPTION, max_messages=10).received_messages
    assert cloud.api.published(topic)[before:] == [
        (b"\x00{}", {"ce-id": "1", "content-type": "application/json"}), (b"", {"ce-id": "2"})]


def test_creates_and_finds_topics(clients, topic):
    from google.api_core.exceptions import Conflict, NotFound
    publisher = clients.pubsub("publisher")
    assert publisher.get_topic(topic=topic).name == topic
    with pytest.raises(Conflict):
        publisher.create_topic(name=topic)
    with pytest.raises(NotFound):
        publisher.publish(topic=topic + "-x", messages=[message(b"x")])


def test_asks_iam_before_it_tells_of_a_topic(clients, cloud, topic):
    from google.api_core.exceptions import Forbidden
    with pytest.raises(Forbidden, match="not authorized"):
        clients.pubsub("publisher", TRAINER).publish(topic=f"projects/{PROJECT}/topics/none", messages=[message(b"x")])
    with pytest.raises(Forbidden):
        clients.pubsub("publisher", TRAINER).get_topic(topic=topic)
    cloud.api.revoke_topic(topic, f"serviceAccount:{TRAINER}", "roles/pubsub.publisher")
    try:
        with pytest.raises(Forbidden):
            clients.pubsub("publisher", TRAINER).publish(topic=topic, messages=[message(b"x")])
    finally:
        cloud.api.grant_topic(topic, f"serviceAccount:{TRAINER}", "roles/pubsub.publisher")


@pytest.mark.parametrize("wrong", [message(), message(b"x", googclient="1"), message(b"x", **{"k" * 257: "v"}),
                                   message(b"x", k="v" * 1025), message(b"x", **{f"k{n}": "v" for n in range(101)})],
                         ids=["empty", "reserved key", "long key", "long value", "many attributes"])
def test_refuses_messages_beyond_the_limits(clients, topic, wrong):
    from google.api_core.exceptions import BadRequest
    with pytest.raises(BadRequest):
        clients.pubsub("publisher", TRAINER).publish(topic=topic, messages=[wrong])


def test_the_metadata_servers_token_publishes(clients, cloud, topic):
    from google.auth import compute_engine
    cloud.api.grant_topic(topic, f"serviceAccount:{NODE}", "roles/pubsub.publisher")
    clients.pubsub("publisher", given=compute_engine.Credentials()).publish(topic=topic, messages=[message(b"by the node")])
    assert cloud.api.published(topic)[-1] == (b"by the node", {})

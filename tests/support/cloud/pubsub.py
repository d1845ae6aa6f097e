"""Pub/Sub v1: topics, publishing, subscriptions with pull and acknowledgement, for those whom IAM lets."""
import base64
import binascii
import json
import secrets
import time

from .calls import json_response
from .errors import ApiError
from .kms import now

TOPIC = r"(?P<topic>projects/[^/:]+/topics/[^/:]+)"
SUBSCRIPTION = r"(?P<subscription>projects/[^/:]+/subscriptions/[^/:]+)"
# https://cloud.google.com/pubsub/quotas#resource_limits
MESSAGES_LIMIT, DATA_LIMIT_BYTES, ATTRIBUTES_LIMIT = 1000, 10_000_000, 100
KEY_LIMIT_BYTES, VALUE_LIMIT_BYTES = 256, 1024
ACK_SECONDS = 10


def _checked_attributes(message):
    attributes = message.get("attributes", {})
    if not isinstance(attributes, dict) or len(attributes) > ATTRIBUTES_LIMIT:
        raise ApiError(400, "Invalid value at 'messages.attributes'.")
    for key, value in attributes.items():
        if not isinstance(value, str) or not 0 < len(key.encode()) <= KEY_LIMIT_BYTES \
                or len(value.encode()) > VALUE_LIMIT_BYTES or key.startswith("goog"):
            raise ApiError(400, f"The attribute {key[:80]!r} is invalid: its key is empty, too long or starts with 'goog', "
                                f"or its value is no text of at most {VALUE_LIMIT_BYTES} bytes.")
    return attributes


def _checked(message):
    """(data, attributes, ordering key) of a message that may be published."""
    if not isinstance(message, dict) or set(message) - {"data", "attributes", "orderingKey"}:
        raise ApiError(400, "Invalid JSON payload received. Unknown name at 'messages'.")
    try:
        data = base64.b64decode(message.get("data", ""), validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise ApiError(400, "Invalid value at 'messages.data' (TYPE_BYTES), Base64 decoding failed.") from error
    attributes = _checked_attributes(message)
    if not data and not attributes:
        raise ApiError(400, "Some of the messages are empty: each needs data or an attribute.")
    if len(data) > DATA_LIMIT_BYTES:
        raise ApiError(400, "The request is larger than 10 MB.")
    return data, attributes, message.get("orderingKey", "")


class PubSub:
    """Topics and pull subscriptions. A message is delivered again when it is not acknowledged in time."""

    def __init__(self, database, iam):
        self.database, self.iam = database, iam

    def routes(self):
        return [
            ("PUT", f"/v1/{TOPIC}", self.put_topic),
            ("GET", f"/v1/{TOPIC}", self.get_topic),
            ("POST", f"/v1/{TOPIC}:publish", self.publish),
            ("PUT", f"/v1/{SUBSCRIPTION}", self.put_subscription),
            ("POST", f"/v1/{SUBSCRIPTION}:pull", self.pull),
            ("POST", f"/v1/{SUBSCRIPTION}:acknowledge", self.acknowledge),
        ]

    # ---- what owners do, by the admin API ----
    def create_topic(self, name):
        self.database.execute("INSERT OR IGNORE INTO topics VALUES (?, ?)", (name, now()))

    def published(self, topic):
        """Every message of the topic, oldest first, as PubsubMessage."""
        self._existing(topic)
        rows = self.database.execute("SELECT * FROM messages WHERE topic = ? ORDER BY id", (topic,))
        return [self._message(row) for row in rows]

    # ---- rows ----
    def _existing(self, topic):
        if self.database.execute("SELECT 1 FROM topics WHERE name = ?", (topic,)).fetchone() is None:
            raise ApiError(404, f"Resource not found (resource={topic.rpartition('/')[2]}).")
        return topic

    def _topic_of(self, subscription):
        row = self.database.execute("SELECT topic FROM subscriptions WHERE name = ?", (subscription,)).fetchone()
        if row is None:
            raise ApiError(404, f"Resource not found (resource={subscription.rpartition('/')[2]}).")
        return row["topic"]

    @staticmethod
    def _message(row):
        message = {"messageId": str(row["id"]), "publishTime": row["published"]}
        if row["data"]:
            message["data"] = base64.b64encode(row["data"]).decode()
        if attributes := json.loads(row["attributes"]):
            message["attributes"] = attributes
        if row["ordering_key"]:
            message["orderingKey"] = row["ordering_key"]
        return message

    def _authorize(self, call, resource, permission):
        """Who may not see a topic is not told whether it exists."""
        call.resource = resource
        if not self.iam.allows(call.identify(), permission, resource):
            raise ApiError(403, "User not authorized to perform this action.")

    # ---- calls ----
    async def put_topic(self, call):
        topic = call.groups["topic"]
        self._authorize(call, topic, "pubsub.topics.create")
        if self.database.execute("SELECT 1 FROM topics WHERE name = ?", (topic,)).fetchone():
            raise ApiError(409, f"Resource already exists in the project (resource={topic.rpartition('/')[2]}).")
        self.create_topic(topic)
        return json_response({"name": topic})

    async def get_topic(self, call):
        topic = call.groups["topic"]
        self._authorize(call, topic, "pubsub.topics.get")
        return json_response({"name": self._existing(topic)})

    async def publish(self, call):
        topic = call.groups["topic"]
        self._authorize(call, topic, "pubsub.topics.publish")
        self._existing(topic)
        messages = (await call.json()).get("messages")
        if not isinstance(messages, list) or not 0 < len(messages) <= MESSAGES_LIMIT:
            raise ApiError(400, f"The request has no messages, or more than {MESSAGES_LIMIT}.")
        checked, ids = [_checked(message) for message in messages], []
        for data, attributes, ordering_key in checked:
            cursor = self.database.execute("INSERT INTO messages VALUES (NULL, ?, ?, ?, ?, ?)",
                                           (topic, data, json.dumps(attributes), ordering_key, now()))
            ids.append(str(cursor.lastrowid))
            self.database.execute("INSERT INTO deliveries SELECT name, ?, NULL, 0 FROM subscriptions WHERE topic = ?",
                                  (cursor.lastrowid, topic))
        return json_response({"messageIds": ids})

    async def put_subscription(self, call):
        name, body = call.groups["subscription"], await call.json()
        topic = body.get("topic", "")
        self._authorize(call, name, "pubsub.subscriptions.create")
        self._authorize(call, topic, "pubsub.topics.attachSubscription")
        self._existing(topic)
        call.resource = name
        if self.database.execute("SELECT 1 FROM subscriptions WHERE name = ?", (name,)).fetchone():
            raise ApiError(409, f"Resource already exists in the project (resource={name.rpartition('/')[2]}).")
        self.database.execute("INSERT INTO subscriptions VALUES (?, ?)", (name, topic))
        return json_response({"name": name, "topic": topic, "pushConfig": {}, "ackDeadlineSeconds": ACK_SECONDS})

    async def pull(self, call):
        """What is there; a real Pub/Sub may wait for the first message, and may give fewer than there are."""
        name, most = call.groups["subscription"], (await call.json()).get("maxMessages", 0)
        self._authorize(call, name, "pubsub.subscriptions.consume")
        self._topic_of(name)
        if not isinstance(most, int) or most < 1:
            raise ApiError(400, "The value for max_messages must be greater than zero.")
        rows = self.database.execute("SELECT m.* FROM deliveries d JOIN messages m ON m.id = d.message WHERE d.subscription = ? "
                                     "AND d.deadline < ? ORDER BY m.id LIMIT ?", (name, time.time(), most)).fetchall()
        received = []
        for row in rows:
            ack_id = secrets.token_urlsafe(24)
            self.database.execute("UPDATE deliveries SET ack_id = ?, deadline = ? WHERE subscription = ? AND message = ?",
                                  (ack_id, time.time() + ACK_SECONDS, name, row["id"]))
            received.append({"ackId": ack_id, "message": self._message(row)})
        return json_response({"receivedMessages": received} if received else {})

    async def acknowledge(self, call):
        name, ids = call.groups["subscription"], (await call.json()).get("ackIds", [])
        self._authorize(call, name, "pubsub.subscriptions.consume")
        self._topic_of(name)
        if not ids:
            raise ApiError(400, "No ack ids specified.")
        for ack_id in ids:
            self.database.execute("DELETE FROM deliveries WHERE subscription = ? AND ack_id = ?", (name, ack_id))
        return json_response({})

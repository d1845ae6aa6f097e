"""The admin API below /_cloud/: what a project's owner does in a console, and what a test asks for beyond that."""
import base64
import dataclasses
import hmac
import json
import secrets

from aiohttp import web

from .calls import json_response
from .errors import ApiError
from .store import BLOCK_BYTES
from .tls import write_private


class Admin:
    """One POST per verb with a JSON object, guarded by the token in STATE/admin-token."""

    def __init__(self, cloud):
        self.cloud = cloud
        path = cloud.state / "admin-token"
        if not path.exists():
            write_private(path, secrets.token_urlsafe(32).encode())
        self.token = path.read_text()
        c = cloud
        self.verbs = {
            "create_key": lambda a: c.kms.create_key(a["name"], a["protection_level"]),
            "rotate_key": lambda a: c.kms.rotate_key(a["name"]),
            "set_key_state": lambda a: c.kms.set_state(a["name"], a["version"], a["state"]),
            "kms_decrypt": self._kms_decrypt,
            "create_topic": lambda a: c.pubsub.create_topic(a["name"]),
            "published": lambda a: c.pubsub.published(a["topic"]),
            "create_bucket": lambda a: c.store.create_bucket(a["name"]),
            "buckets": lambda a: c.store.buckets(),
            "objects": lambda a: self._objects(a["bucket"], a["prefix"]),
            "object_metadata": lambda a: json.loads(self._object(a["bucket"], a["name"])["metadata"]),
            "copy_object": lambda a: c.store.copy(self._object(a["bucket"], a["name"]), a["names"]),
            "delete_object": lambda a: c.store.delete(self._object(a["bucket"], a["name"])),
            "service_account": lambda a: c.identity.add_account(a["email"]),
            "service_account_key": lambda a: c.identity.new_account_key(a["email"], a["token_uri"]),
            "authorized_user": lambda a: c.identity.new_user(a["email"]),
            "grant": lambda a: c.iam.grant(a["resource"], a["member"], a["role"]),
            "revoke": lambda a: c.iam.revoke(a["resource"], a["member"], a["role"]),
            "token_lifetime": self._token_lifetime,
            "revoke_tokens": lambda a: c.identity.revoke_tokens(),
            "lose_sessions": lambda a: c.uploads.lose_sessions(),
            "faults": lambda a: c.faults.set(a["faults"]),
            "fault_hits": lambda a: [dataclasses.asdict(fault) for fault in c.faults.list],
        }

    async def handle(self, call):
        given = call.request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self.token.encode()):
            raise ApiError(401, "The admin API wants the token of STATE/admin-token.")
        verb = call.raw_path.removeprefix("/_cloud/")
        if verb == "object":
            return await self._content(call)
        if call.request.method != "POST" or verb not in self.verbs:
            raise ApiError(404, f"no verb {verb}")
        arguments = await call.json()
        try:
            return json_response({"result": self.verbs[verb](arguments)})
        except KeyError as error:
            raise ApiError(400, f"{verb} wants {error}") from error

    async def _content(self, call):
        """An object's bytes, read (GET) or written (PUT, metadata as JSON in the query)."""
        store, bucket, name = self.cloud.store, call.query["bucket"], call.query["name"]
        if call.request.method == "PUT":
            content = store.new_content()
            async for chunk in call.request.content.iter_any():
                content.write(chunk)
            content.end()
            store.put(bucket, name, content, "application/octet-stream", json.loads(call.query["metadata"]))
            return web.Response()
        row = self._object(bucket, name)
        with store.open(row) as file:
            return await call.stream(200, {}, row["size"], iter(lambda: file.read(BLOCK_BYTES), b""))

    def _object(self, bucket, name):
        row = self.cloud.store.get(bucket, name)
        if row is None:
            raise ApiError(404, f"No such object: {bucket}/{name}")
        return row

    def _objects(self, bucket, prefix):
        names, start = [], prefix
        while rows := self.cloud.store.names(bucket, start):
            found = [row["name"] for row in rows if row["name"].startswith(prefix)]
            names += found
            if len(found) < len(rows):
                break
            start = found[-1] + "\0"
        return names

    def _kms_decrypt(self, arguments):
        plaintext, _ = self.cloud.kms.open(arguments["name"], base64.b64decode(arguments["ciphertext"]),
                                           base64.b64decode(arguments["associated_data"]))
        return base64.b64encode(plaintext).decode()

    def _token_lifetime(self, arguments):
        self.cloud.identity.token_seconds = arguments["seconds"]

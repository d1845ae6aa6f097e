"""Cloud Storage, JSON API: buckets and objects read, listed, described and deleted. Uploads are in uploads.py."""
import base64
import binascii
import json
import re

from aiohttp import web

from . import conditions
from .calls import json_response
from .errors import ApiError, StorageError
from .store import BLOCK_BYTES, etag, resource

BUCKET = r"/storage/v1/b/(?P<bucket>[^/]+)"
OBJECT = BUCKET + r"/o/(?P<object>[^/]+)"
PAGE = 1000
LAST_CHARACTER = "\U0010ffff"


def who(principal):
    return re.sub("^(user|serviceAccount):", "", principal) if principal else "Anonymous caller"


def base_of(call):
    return f"https://{call.request.host}"


def content_range(header, size):
    """(first, end) that a Range header asks for; None when it is none that is understood; 416 when there is nothing."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", header or "")
    if not match or match.group(0) == "bytes=-":
        return None
    first, last = match.groups()
    if first and last and int(first) > int(last):
        return None
    begin = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    if begin >= size or begin >= end:
        raise StorageError(416, "The requested range cannot be satisfied.", plain=True,
                           headers={"Content-Range": f"bytes */{size}"})
    return begin, end


class Gcs:
    """The calls that read, and what uploads need from them: authorization and lookup."""

    def __init__(self, store, iam):
        self.store, self.iam = store, iam

    def routes(self):
        return [
            ("GET", BUCKET, self.get_bucket),
            ("GET", BUCKET + "/o", self.list_objects),
            ("GET", OBJECT, self.get_object),
            ("GET", "/download" + OBJECT, self.get_object),
            ("PATCH", OBJECT, self.patch_object),
            ("DELETE", OBJECT, self.delete_object),
        ]

    def identify(self, call):
        """Who calls; 401 in the words of this API."""
        try:
            return call.identify()
        except ApiError as error:
            raise StorageError(401, "Invalid Credentials", location="Authorization", plain=self.wants_media(call)) from error

    @staticmethod
    def wants_media(call):
        return call.query.get("alt") == "media"

    def authorize(self, call, permission, name=None):
        """The call may do this to the bucket, or to the object of that name in it; 401, 403 or 404."""
        bucket, plain = call.groups["bucket"], self.wants_media(call)
        call.resource = f"b/{bucket}" + (f"/o/{name}" if name is not None else "")
        self.identify(call)
        if self.iam.allows(call.principal, permission, f"b/{bucket}"):
            return
        if not self.store.bucket(bucket) and call.principal:
            raise StorageError(404, "The specified bucket does not exist.", plain=plain)
        kind = "object" if permission.startswith("storage.objects") else "bucket"
        code, reason = (403, "forbidden") if call.principal else (401, "required")
        raise StorageError(code, f"{who(call.principal)} does not have {permission} access to the Google Cloud Storage "
                                 f"{kind}. Permission '{permission}' denied on resource (or it may not exist).",
                           reason=reason, location=None if call.principal else "Authorization", plain=plain)

    def existing(self, call, wanted):
        """The object of the call. Whether one is missing is told to those alone who may list."""
        bucket, name = call.groups["bucket"], call.groups["object"]
        row = self.store.get(bucket, name)
        if row is None or wanted.get("generation", row["generation"]) != row["generation"]:
            self.authorize(call, "storage.objects.list", name)
            raise StorageError(404, f"No such object: {bucket}/{name}", plain=self.wants_media(call))
        return row

    # ---- buckets ----
    async def get_bucket(self, call):
        self.authorize(call, "storage.buckets.get")
        row = self.store.bucket(call.groups["bucket"])
        return json_response({"kind": "storage#bucket", "id": row["name"], "name": row["name"], "projectNumber": "1",
                              "selfLink": f"{base_of(call)}/storage/v1/b/{row['name']}", "metageneration": "1",
                              "location": "EUROPE-WEST3", "storageClass": "STANDARD", "locationType": "region",
                              "timeCreated": row["created"], "updated": row["created"],
                              "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": True}}})

    async def list_objects(self, call):
        self.authorize(call, "storage.objects.list")
        query = call.query
        try:
            limit = min(int(query.get("maxResults") or PAGE), PAGE)
            start = base64.urlsafe_b64decode(query.get("pageToken", "")).decode() or query.get("startOffset", "")
        except (ValueError, binascii.Error) as error:
            raise StorageError(400, "Invalid argument.") from error
        if limit < 1:
            raise StorageError(400, "Invalid argument.")
        rows, prefixes, following = self._page(call.groups["bucket"], query, start, limit)
        answer = {"kind": "storage#objects"}
        if following is not None:
            answer["nextPageToken"] = base64.urlsafe_b64encode(following.encode()).decode()
        if prefixes:
            answer["prefixes"] = prefixes
        if rows:
            answer["items"] = [resource(row, base_of(call)) for row in rows]
        return json_response(answer)

    def _page(self, bucket, query, start, limit):
        """(objects, prefixes, name at which the next page begins or None)."""
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        rows, prefixes, position = [], [], max(start, prefix)
        while True:
            batch = self.store.names(bucket, position, limit + 1)
            skipped = False
            for row in batch:
                name = row["name"]
                if not name.startswith(prefix) or (query.get("endOffset") and name >= query["endOffset"]):
                    return rows, prefixes, None
                if len(rows) + len(prefixes) == limit:
                    return rows, prefixes, name
                cut = name.find(delimiter, len(prefix)) if delimiter else -1
                if cut >= 0:  # One prefix stands for all that begins so: go on behind them.
                    prefixes.append(name[:cut + len(delimiter)])
                    position, skipped = prefixes[-1] + LAST_CHARACTER, True
                    break
                rows.append(row)
                position = name + "\0"
            if not skipped and len(batch) <= limit:
                return rows, prefixes, None

    # ---- objects ----
    async def get_object(self, call):
        self.authorize(call, "storage.objects.get", call.groups["object"])
        wanted = conditions.conditions_of(call.query)
        row = self.existing(call, wanted)
        conditions.check(wanted, row, reading=True)
        if self.wants_media(call):
            return await self._media(call, row)
        return json_response(resource(row, base_of(call)), headers={"ETag": etag(row)})

    async def _media(self, call, row):
        span = content_range(call.request.headers.get("Range"), row["size"])
        begin, end = span or (0, row["size"])
        headers = {
            "Content-Type": row["content_type"], "ETag": etag(row), "Accept-Ranges": "bytes",
            "X-Goog-Generation": str(row["generation"]), "X-Goog-Metageneration": str(row["metageneration"]),
            "X-Goog-Hash": f"crc32c={row['crc32c']},md5={row['md5']}", "X-Goog-Storage-Class": "STANDARD",
            "X-Goog-Stored-Content-Length": str(row["size"]), "X-Goog-Stored-Content-Encoding": "identity"}
        headers |= {f"X-Goog-Meta-{key}": value for key, value in json.loads(row["metadata"]).items()}
        if span:
            headers["Content-Range"] = f"bytes {begin}-{end - 1}/{row['size']}"
        with self.store.open(row) as file:
            file.seek(begin)

            def chunks():
                left = end - begin
                while left:
                    chunk = file.read(min(left, BLOCK_BYTES))
                    left -= len(chunk)
                    yield chunk
            return await call.stream(206 if span else 200, headers, end - begin, chunks())

    async def patch_object(self, call):
        self.authorize(call, "storage.objects.update", call.groups["object"])
        wanted = conditions.conditions_of(call.query)
        row = self.existing(call, wanted)
        conditions.check(wanted, row)
        body = await call.json()
        metadata = {**json.loads(row["metadata"]), **(body.get("metadata") or {})}
        metadata = {key: str(value) for key, value in metadata.items() if value is not None}
        row = self.store.set_metadata(row, metadata, body.get("contentType") or row["content_type"])
        return json_response(resource(row, base_of(call)))

    async def delete_object(self, call):
        self.authorize(call, "storage.objects.delete", call.groups["object"])
        wanted = conditions.conditions_of(call.query)
        row = self.existing(call, wanted)
        conditions.check(wanted, row)
        self.store.delete(row)
        return web.Response(status=204)

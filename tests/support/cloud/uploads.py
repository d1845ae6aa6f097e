"""Cloud Storage, JSON API: simple, multipart and resumable uploads."""
import json
import re
import secrets
import urllib.parse

from aiohttp import MultipartReader, web

from . import conditions
from .calls import json_response
from .errors import StorageError
from .gcs import base_of
from .store import BLOCK_BYTES, resource

UPLOAD = r"/(?:resumable/)?upload/storage/v1/b/(?P<bucket>[^/]+)/o"
DEFAULT_TYPE = "application/octet-stream"


def hashes_of(header):
    """{"crc32c": ..., "md5": ...} of an X-Goog-Hash header."""
    return dict(part.strip().split("=", 1) for part in (header or "").split(",") if "=" in part)


class Wanted:
    """The object that an upload is to make: name, type, metadata, preconditions and checksums."""

    def __init__(self, query, body, hashes, content_type):
        self.name = body.get("name") or query.get("name")
        if not self.name or len(self.name.encode()) > 1024:
            raise StorageError(400, "Required parameter: name" if not self.name else "The object name is too long.",
                               reason="required" if not self.name else "invalid")
        self.content_type = body.get("contentType") or content_type or DEFAULT_TYPE
        self.metadata = {key: str(value) for key, value in (body.get("metadata") or {}).items()}
        self.conditions = conditions.conditions_of(query)
        self.hashes = {k: v for k, v in (("crc32c", body.get("crc32c")), ("md5", body.get("md5Hash"))) if v}
        self.hashes |= hashes

    @classmethod
    def stored(cls, text):
        """What text() wrote."""
        wanted = cls.__new__(cls)
        wanted.__dict__ = json.loads(text)
        return wanted

    def text(self):
        return json.dumps(self.__dict__)

    def check_content(self, content):
        for field, name, calculated in (("crc32c", "CRC32C", content.crc32c()), ("md5", "MD5 hash", content.md5_hash())):
            given = self.hashes.get(field)
            if given and given != calculated:
                raise StorageError(400, f'Provided {name} "{given}" doesn\'t match calculated {name} "{calculated}".')


class Uploads:
    """The upload calls. Sessions of resumable uploads outlive a restart."""

    def __init__(self, gcs, store, database):
        self.gcs, self.store, self.database = gcs, store, database
        self.contents = {}  # Content of the sessions that are under way, by session.

    def routes(self):
        return [("POST", UPLOAD, self.upload), ("PUT", UPLOAD, self.resume), ("DELETE", UPLOAD, self.cancel)]

    async def upload(self, call):
        kind = call.query.get("uploadType")
        if call.query.get("upload_id"):
            return await self.resume(call)
        if kind == "resumable":
            return await self._begin(call)
        if kind == "multipart":
            return await self._multipart(call)
        if kind == "media":
            headers = call.request.headers
            wanted = Wanted(call.query, {}, hashes_of(headers.get("X-Goog-Hash")), headers.get("Content-Type"))
            self._authorize(call, wanted)
            return await self._whole(call, wanted, call.request.content.iter_any())
        raise StorageError(400, "Invalid upload request", reason="badRequest")

    def _authorize(self, call, wanted):
        """May the caller make this object, and stands everything as it should?"""
        self.gcs.authorize(call, "storage.objects.create", wanted.name)
        old = self.store.get(call.groups["bucket"], wanted.name)
        conditions.check(wanted.conditions, old)
        if old:
            self.gcs.authorize(call, "storage.objects.delete", wanted.name)

    def _commit(self, bucket, wanted, content):
        """Makes the complete content the object, or discards it with an error."""
        try:
            content.end()
            wanted.check_content(content)
            conditions.check(wanted.conditions, self.store.get(bucket, wanted.name))
        except StorageError:
            content.discard()
            raise
        return self.store.put(bucket, wanted.name, content, wanted.content_type, wanted.metadata)

    async def _whole(self, call, wanted, chunks):
        """An upload whose content comes in one request."""
        content = self.store.new_content()
        try:
            async for chunk in chunks:
                content.write(chunk)
        except BaseException:
            content.discard()
            raise
        return json_response(resource(self._commit(call.groups["bucket"], wanted, content), base_of(call)))

    async def _multipart(self, call):
        self.gcs.identify(call)
        try:
            reader = MultipartReader(call.request.headers, call.request.content)
            first = await reader.next()
            body = json.loads(await first.read())
            part = await reader.next()
        except (ValueError, AssertionError, AttributeError) as error:
            raise StorageError(400, "Failed to parse the multipart request.", reason="badRequest") from error
        if part is None or not isinstance(body, dict):
            raise StorageError(400, "Failed to parse the multipart request.", reason="badRequest")
        wanted = Wanted(call.query, body, hashes_of(call.request.headers.get("X-Goog-Hash")), part.headers.get("Content-Type"))
        self._authorize(call, wanted)

        async def chunks():
            while chunk := await part.read_chunk(BLOCK_BYTES):
                yield chunk
        return await self._whole(call, wanted, chunks())

    # ---- resumable ----
    async def _begin(self, call):
        headers = call.request.headers
        body = await call.json()
        wanted = Wanted(call.query, body, hashes_of(headers.get("X-Goog-Hash")), headers.get("X-Upload-Content-Type"))
        self._authorize(call, wanted)
        session = secrets.token_urlsafe(48)
        self.database.execute("INSERT INTO sessions VALUES (?, ?, ?, 'open', '')",
                              (session, call.groups["bucket"], wanted.text()))
        query = urllib.parse.urlencode({"uploadType": "resumable", "name": wanted.name, "upload_id": session})
        return web.Response(status=200, headers={
            "Location": f"{base_of(call)}{call.raw_path}?{query}", "X-GUploader-UploadID": session})

    def _session(self, call):
        """The session's row. Its URI is the right to it: a token is not needed, but a wrong one is refused."""
        self.gcs.identify(call)
        row = self.database.execute("SELECT * FROM sessions WHERE id = ? AND bucket = ?",
                                    (call.query.get("upload_id", ""), call.groups["bucket"])).fetchone()
        if row is None:
            raise StorageError(404, "No such upload session.", plain=True)
        call.resource = f"b/{row['bucket']}/o/{Wanted.stored(row['request']).name}"
        if row["state"] == "gone":
            raise StorageError(410, "The upload session is gone.", plain=True)
        return row

    def _content(self, session):
        if session not in self.contents:
            self.contents[session] = self.store.new_content(session)
        return self.contents[session]

    async def resume(self, call):
        """A piece of the content, all of it, or a question of how much is there."""
        row = self._session(call)
        if row["state"] == "done":
            return web.Response(text=row["result"], content_type="application/json")
        first, last, total = self._range(call.request)
        content = self._content(row["id"])
        content.drop_rest()
        if first is not None:
            await self._receive(call.request, content, first, last)
        complete = total is not None and content.size + len(content.rest) == total
        if last is None and first is not None:
            complete = True  # A body without Content-Range is all there is.
        if complete:
            return self._finish(call, row, content)
        content.drop_rest()
        if total is not None and content.size > total:
            raise StorageError(400, f"Invalid request. {content.size} bytes are there already, more than {total}.")
        headers = {"Range": f"bytes=0-{content.size - 1}"} if content.size else {}
        return web.Response(status=308, reason="Resume Incomplete", headers={**headers, "X-GUploader-UploadID": row["id"]})

    @staticmethod
    def _range(request):
        """(first, last, total) of a request: first None for a mere question, last None for all that comes."""
        header = request.headers.get("Content-Range")
        if header is None:
            return 0, None, None
        match = re.fullmatch(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)", header)
        if not match:
            raise StorageError(400, f"Failed to parse Content-Range header: {header}", reason="badRequest")
        first, last, total = match.groups()
        total = None if total == "*" else int(total)
        if first is None:
            return None, None, total
        first, last = int(first), int(last)
        if last < first or (total is not None and last >= total):
            raise StorageError(400, "Invalid Content-Range header.", reason="badRequest")
        return first, last, total

    @staticmethod
    async def _receive(request, content, first, last):
        """Takes the bytes that are not there yet. Those sent again are not looked at, those behind a gap not kept."""
        position = first
        async for chunk in request.content.iter_any():
            if last is not None:
                chunk = chunk[:last + 1 - position]
            known = content.size + len(content.rest) - position
            if 0 <= known < len(chunk):
                content.write(chunk[known:])
            position += len(chunk)
        if last is not None and position != last + 1:
            raise StorageError(400, f"Invalid request. There were {position - first} byte(s) in the request body. "
                                    f"There should have been {last + 1 - first} byte(s) according to the Content-Range header.")

    def _finish(self, call, row, content):
        wanted = Wanted.stored(row["request"])
        wanted.hashes |= hashes_of(call.request.headers.get("X-Goog-Hash"))
        del self.contents[row["id"]]
        try:
            stored = self._commit(row["bucket"], wanted, content)
        except StorageError:
            self.database.execute("UPDATE sessions SET state = 'gone' WHERE id = ?", (row["id"],))
            raise
        response = json_response(resource(stored, base_of(call)))
        self.database.execute("UPDATE sessions SET state = 'done', result = ? WHERE id = ?", (response.text, row["id"]))
        return response

    async def cancel(self, call):
        row = self._session(call)
        content = self.contents.pop(row["id"], None) or self.store.new_content(row["id"])
        content.discard()
        self.database.execute("UPDATE sessions SET state = 'gone' WHERE id = ?", (row["id"],))
        return web.Response(status=499, reason="Client Closed Request")

    def lose_sessions(self):
        """All sessions under way are gone, as after a week."""
        for content in self.contents.values():
            content.discard()
        self.contents.clear()
        self.database.execute("UPDATE sessions SET state = 'gone' WHERE state = 'open'")

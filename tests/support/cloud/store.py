"""Buckets and objects: content in files, what is known of it in the database."""
import base64
import hashlib
import json
import os
import secrets
import struct
import time
import urllib.parse

import google_crc32c

from .kms import now

BLOCK_BYTES = 256 << 10


class Content:
    """The content of an object as it comes in: a file that grows block by block, with its checksums.

    Only whole blocks of 256 KiB are kept until the end is known, as in GCS.
    """

    def __init__(self, path):
        self.path = path
        self.file = open(path, "ab", buffering=0)
        self.size = self.file.tell() // BLOCK_BYTES * BLOCK_BYTES
        self.file.truncate(self.size)
        self.crc, self.md5, self.rest = google_crc32c.Checksum(), hashlib.md5(), bytearray()
        if self.size:
            with open(path, "rb") as old:
                while block := old.read(BLOCK_BYTES):
                    self._sum(block)

    def _sum(self, block):
        self.crc.update(block)
        self.md5.update(block)

    def _keep(self, block):
        self.file.write(block)
        self._sum(block)
        self.size += len(block)

    def write(self, data):
        self.rest += data
        while len(self.rest) >= BLOCK_BYTES:
            self._keep(bytes(self.rest[:BLOCK_BYTES]))
            del self.rest[:BLOCK_BYTES]

    def drop_rest(self):
        """Forgets what came after the last whole block."""
        self.rest.clear()

    def end(self):
        """Keeps what came after the last whole block: the content is complete."""
        self._keep(bytes(self.rest))
        self.rest.clear()
        self.file.close()

    def crc32c(self):
        return base64.b64encode(self.crc.digest()).decode()

    def md5_hash(self):
        return base64.b64encode(self.md5.digest()).decode()

    def discard(self):
        self.file.close()
        self.path.unlink(missing_ok=True)


class Store:
    """All buckets. An object appears, and replaces another, at once when its content is complete."""

    def __init__(self, database, directory):
        self.database = database
        self.objects, self.uploads = directory / "objects", directory / "uploads"
        for path in (self.objects, self.uploads):
            path.mkdir(exist_ok=True)
        self.generation = database.execute("SELECT coalesce(max(generation), 0) FROM objects").fetchone()[0]

    # ---- buckets ----
    def create_bucket(self, name):
        self.database.execute("INSERT OR IGNORE INTO buckets VALUES (?, ?)", (name, now()))

    def bucket(self, name):
        return self.database.execute("SELECT * FROM buckets WHERE name = ?", (name,)).fetchone()

    def buckets(self):
        return [row["name"] for row in self.database.execute("SELECT name FROM buckets ORDER BY name")]

    # ---- objects ----
    def get(self, bucket, name):
        return self.database.execute("SELECT * FROM objects WHERE bucket = ? AND name = ?", (bucket, name)).fetchone()

    def new_content(self, name=None):
        return Content(self.uploads / (name or secrets.token_hex(16)))

    def put(self, bucket, name, content, content_type, metadata):
        """Makes complete content the object of that name."""
        old = self.get(bucket, name)
        self.generation = max(self.generation + 1, time.time_ns() // 1000)
        file, moment = secrets.token_hex(16), now()
        os.rename(content.path, self.objects / file)
        self.database.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?)", (
            bucket, name, self.generation, content.size, content.crc32c(), content.md5_hash(), content_type,
            json.dumps(metadata), moment, moment, file))
        if old:
            (self.objects / old["file"]).unlink(missing_ok=True)
        return self.get(bucket, name)

    def copy(self, row, names):
        """Copies of an object in the same bucket, thousands at once."""
        copies = [{**row, "name": name, "file": secrets.token_hex(16)} for name in names]
        for copy in copies:
            os.link(self.objects / row["file"], self.objects / copy["file"])
        self.database.execute("BEGIN")
        self.database.executemany("INSERT OR REPLACE INTO objects VALUES (:bucket, :name, :generation, :metageneration, :size, "
                                  ":crc32c, :md5, :content_type, :metadata, :created, :updated, :file)", copies)
        self.database.execute("COMMIT")

    def set_metadata(self, row, metadata, content_type):
        self.database.execute(
            "UPDATE objects SET metadata = ?, content_type = ?, metageneration = metageneration + 1, updated = ? "
            "WHERE bucket = ? AND name = ?", (json.dumps(metadata), content_type, now(), row["bucket"], row["name"]))
        return self.get(row["bucket"], row["name"])

    def delete(self, row):
        self.database.execute("DELETE FROM objects WHERE bucket = ? AND name = ?", (row["bucket"], row["name"]))
        (self.objects / row["file"]).unlink(missing_ok=True)

    def open(self, row):
        """The content, readable even when the object is replaced meanwhile."""
        return open(self.objects / row["file"], "rb", buffering=0)

    def names(self, bucket, start="", limit=1000):
        """Rows from a name on, in GCS's order: that of UTF-8 bytes."""
        return self.database.execute("SELECT * FROM objects WHERE bucket = ? AND name >= ? ORDER BY name LIMIT ?",
                                     (bucket, start, limit)).fetchall()


def etag(row):
    return base64.b64encode(struct.pack(">QI", row["generation"], row["metageneration"])).decode()


def resource(row, base):
    """The object's resource in the JSON API."""
    path = f"{base}/storage/v1/b/{row['bucket']}/o"
    value = {"kind": "storage#object", "id": f"{row['bucket']}/{row['name']}/{row['generation']}",
             "selfLink": f"{path}/{_quoted(row['name'])}",
             "mediaLink": f"{base}/download/storage/v1/b/{row['bucket']}/o/{_quoted(row['name'])}"
                          f"?generation={row['generation']}&alt=media",
             "name": row["name"], "bucket": row["bucket"], "generation": str(row["generation"]),
             "metageneration": str(row["metageneration"]), "contentType": row["content_type"],
             "storageClass": "STANDARD", "size": str(row["size"]), "md5Hash": row["md5"], "crc32c": row["crc32c"],
             "etag": etag(row), "timeCreated": row["created"], "updated": row["updated"],
             "timeStorageClassUpdated": row["created"]}
    metadata = json.loads(row["metadata"])
    if metadata:
        value["metadata"] = metadata
    return value


def _quoted(name):
    return urllib.parse.quote(name, safe="")

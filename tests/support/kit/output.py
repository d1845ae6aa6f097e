"""A job's output as documented, made by stock Tink and hashlib, and what can be wrong with it."""
import base64
import hashlib
import json
import os
import uuid

from kit.cloud import BUCKET
from kit.stock import Stock

JOB_UID = "5c1e0a44-9f0e-4a53-8a52-6a6f7d1f2b10"
FILES = {"digits.model": os.urandom(2_500_000), "eval/metrics.json": b'{"accuracy": 0.97}', "eval/empty": b""}


class Published:
    def __init__(self, cloud, key, folder, files, **changes):
        self.cloud, self.stock, self.id = cloud, Stock(cloud, key), uuid.uuid4().hex
        self.folder = f"{folder}/worker-0/{self.id}"
        head = {"cloister": "manifest/v1", "id": self.id, "kind": "output", "namespace": "ml", "job": "digits", "jobUID": JOB_UID,
                "attempt": 1, "index": 0, "name": "", "step": -1, "time": "2026-01-01T00:00:00Z", "parent": None, **changes}
        entries = [self.put_file(path, plain) for path, plain in sorted(files.items())]
        self.sha256 = self.put_manifest(head, entries)
        self.job = {
            "metadata": {"name": "digits", "namespace": "ml", "uid": JOB_UID},
            "spec": {"keys": [key], "output": {"uri": f"gs://{BUCKET}/{folder}/", "keyName": key["name"]},
                     "confidential": {"requireHSM": False}},
            "status": {"phase": "Succeeded", "output": {"uri": f"gs://{BUCKET}/{self.folder}/", "manifestSHA256": self.sha256}}}

    def put_file(self, path, plain):
        cipher = self.stock.encrypt(plain, f"cloister/v1/{self.id}/{path}")
        self.cloud.api.put_object(BUCKET, f"{self.folder}/data/{path}", cipher)
        return {"path": path, "size": len(plain), "cipherSize": len(cipher), "header": base64.b64encode(cipher[:40]).decode(),
                "keyId": self.stock.info.primary_key_id}

    def put_manifest(self, head, entries):
        body = "".join(json.dumps(line) + "\n" for line in (head, *entries)).encode()
        body += json.dumps({"count": len(entries), "sha256": hashlib.sha256(body).hexdigest()}).encode() + b"\n"
        self.cloud.api.put_object(BUCKET, f"{self.folder}/manifest", self.stock.encrypt(body, f"cloister/v1/{self.id}"))
        return hashlib.sha256(body).hexdigest()

    def flip(self, name):
        data = bytearray(self.cloud.api.object_bytes(BUCKET, f"{self.folder}/{name}"))
        data[len(data) // 2] ^= 1
        self.cloud.api.put_object(BUCKET, f"{self.folder}/{name}", bytes(data))

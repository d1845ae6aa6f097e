"""The audit log: who did what to which resource, and how it ended. Never what was in it."""
import datetime
import json
import os


class Audit:
    """Appends one JSON line per call."""

    def __init__(self, path):
        self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)

    def record(self, call, status):
        entry = {"time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds"),
                 "principal": call.principal or "anonymous", "address": call.request.remote,
                 "method": call.request.method, "resource": call.resource, "status": status}
        if quota_project := call.request.headers.get("x-goog-user-project"):
            entry["quotaProject"] = quota_project
        if call.fault is not None:
            entry["fault"] = call.fault.match
        os.write(self.file, json.dumps(entry).encode() + b"\n")

"""The API server, spoken to directly: hundreds of requests a second, where kubectl does a few."""
import http.client
import json
import threading
import time
from urllib.parse import urlencode, urlsplit

JSON, MERGE = "application/json", "application/merge-patch+json"
JOBS = "/apis/cloister.dev/v1alpha1/namespaces/{}/trainingjobs"


class Api:
    """One connection a thread, kept open."""

    def __init__(self, server, context):
        self.context = context
        self.host, self.port = urlsplit(server).hostname, urlsplit(server).port
        self.own = threading.local()

    def request(self, method, path, body=None, content_type=JSON, dry_run=False, **query):
        """(HTTP status, decoded answer). Unknown fields are refused, as kubectl has it."""
        if method != "GET":
            query = {"fieldValidation": "Strict", **({"dryRun": "All"} if dry_run else {}), **query}
        text = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        url = f"{path}?{urlencode(query)}" if query else path
        for is_last in (False, False, False, True):
            if getattr(self.own, "connection", None) is None:
                self.own.connection = http.client.HTTPSConnection(self.host, self.port, context=self.context, timeout=60)
            try:
                self.own.connection.request(method, url, text, {"Content-Type": content_type} if text is not None else {})
                answer = self.own.connection.getresponse()
                body = answer.read()
                if answer.status == 429 and not is_last:
                    time.sleep(int(answer.headers.get("Retry-After", 1)))
                    continue
                return answer.status, json.loads(body)
            except (OSError, http.client.HTTPException):
                # An idle connection may have been closed by the server at any time.
                self.own.connection = None
                if is_last:
                    raise

    # ---- TrainingJobs ----
    def create(self, job, dry_run=False):
        return self.request("POST", JOBS.format(job["metadata"]["namespace"]), job, dry_run=dry_run)

    def patch(self, name, namespace, change, dry_run=False):
        """A merge patch."""
        return self.request("PATCH", f"{JOBS.format(namespace)}/{name}", change, MERGE, dry_run=dry_run)

    def job(self, name, namespace):
        status, answer = self.request("GET", f"{JOBS.format(namespace)}/{name}")
        return answer if status == 200 else None

    def items(self, path):
        status, answer = self.request("GET", path)
        assert status == 200, complaint(answer)
        return answer["items"]

    def jobs(self, namespace):
        return self.items(JOBS.format(namespace))


def complaint(answer):
    """What a metav1.Status says, with the fields that it names."""
    causes = (answer.get("details") or {}).get("causes", [])
    return " | ".join([answer.get("message", ""), *(f"{c.get('field', '')}: {c.get('message', '')}" for c in causes)])

"""The API server as the benchmark uses it: under a name of its own, many objects at once, and watches that count."""
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import kit.api

AGENT = "cloister-bench"
SUBMITTERS = 8


class Refused(Exception):
    pass


class Api(kit.api.Api):
    def __init__(self, cluster):
        context, server = kit.api.client_context(cluster.run_dir / "pki/admin.conf")
        super().__init__(server, context, AGENT)

    def call(self, method, path, body=None, content_type=kit.api.JSON, missing_is_fine=False):
        status, answer = self.request(method, path, body, content_type)
        if status == 404 and missing_is_fine:
            return None
        if status >= 300:
            raise Refused(f"{method} {path}: {status} {kit.api.complaint(answer)}")
        return answer

    def create_all(self, path, bodies):
        """Many at once, as a burst of users or a script would."""
        with ThreadPoolExecutor(SUBMITTERS) as pool:
            list(pool.map(lambda body: self.call("POST", path, body), bodies))

    def list(self, path):
        return self.call("GET", path)["items"]


class Count(threading.Thread):
    """Watches a collection and counts the objects of which `is_there` holds."""

    def __init__(self, api, path, is_there):
        super().__init__(daemon=True)
        self.is_there, self.names, self.changed = is_there, set(), threading.Condition()
        version = api.call("GET", f"{path}?limit=1")["metadata"]["resourceVersion"]
        self.connection = api.connect(timeout=None)
        self.connection.request("GET", f"{path}?watch=1&resourceVersion={version}", headers={"User-Agent": AGENT})
        self.start()

    def run(self):
        stream = self.connection.getresponse()
        for line in stream:
            event = json.loads(line)
            if event["type"] == "ERROR":
                raise Refused(f"the watch ended: {event['object']}")
            found, name = self.is_there(event["object"]), event["object"]["metadata"]["name"]
            with self.changed:
                (self.names.add if found else self.names.discard)(name)
                self.changed.notify_all()

    def wait(self, what, count, timeout):
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.names) >= count, timeout):
                raise Refused(f"after {timeout} s only {len(self.names)} of {count} {what}")

"""A small client of the API server: requests on kept connections, and watches that are read line by line."""
import http.client
import json
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor

AGENT = "cloister-bench"
SUBMITTERS = 8


class Refused(Exception):
    pass


class Api:
    def __init__(self, cluster):
        pki = cluster.run_dir / "pki"
        self.address = cluster.address
        self.context = ssl.create_default_context(cafile=pki / "ca.pem")
        self.context.load_cert_chain(pki / "admin.pem", pki / "admin.key")
        self.local = threading.local()

    def connect(self, timeout=120):
        return http.client.HTTPSConnection(self.address, 6443, context=self.context, timeout=timeout)

    def call(self, method, path, body=None, content_type="application/json", missing_is_fine=False):
        """One request on this thread's own connection; a connection that the server has closed is made anew once."""
        headers = {"Content-Type": content_type, "User-Agent": AGENT, "Accept": "application/json"}
        data = json.dumps(body).encode() if body is not None else None
        for is_last in (False, True):
            if getattr(self.local, "connection", None) is None:
                self.local.connection = self.connect()
            try:
                self.local.connection.request(method, path, data, headers)
                answer = self.local.connection.getresponse()
                text = answer.read()
                break
            except (http.client.HTTPException, OSError):
                self.local.connection = None
                if is_last:
                    raise
        if answer.status == 404 and missing_is_fine:
            return None
        if answer.status >= 300:
            raise Refused(f"{method} {path}: {answer.status} {text[:2000].decode(errors='replace')}")
        return json.loads(text)

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

"""The API server, spoken to directly: hundreds of requests a second, where kubectl does a few."""
import base64
import http.client
import json
import ssl
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import yaml

JSON, MERGE = "application/json", "application/merge-patch+json"
DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
JOBS = "/apis/cloister.dev/v1alpha1/namespaces/{}/trainingjobs"


def client_context(kubeconfig):
    """The TLS context and the server's URL of a kubeconfig, with its certificates inline or in files."""
    config = yaml.safe_load(Path(kubeconfig).read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]

    def pem(where, name):
        if name + "-data" in where:
            return base64.b64decode(where[name + "-data"])
        return Path(where[name]).read_bytes()

    context = ssl.create_default_context(cadata=pem(cluster, "certificate-authority").decode())
    with tempfile.NamedTemporaryFile() as both:
        both.write(pem(user, "client-certificate") + pem(user, "client-key"))
        both.flush()
        context.load_cert_chain(both.name)
    return context, cluster["server"]


class Api:
    """One connection a thread, kept open."""

    def __init__(self, server, context, agent="cloister-tests"):
        self.context, self.agent = context, agent
        self.host, self.port = urlsplit(server).hostname, urlsplit(server).port
        self.own = threading.local()

    def connect(self, timeout=60):
        return http.client.HTTPSConnection(self.host, self.port, context=self.context, timeout=timeout)

    def request(self, method, path, body=None, content_type=JSON, dry_run=False, accept=JSON, **query):
        """(HTTP status, decoded answer). Unknown fields are refused, as kubectl has it."""
        if method != "GET":
            query = {"fieldValidation": "Strict", **({"dryRun": "All"} if dry_run else {}), **query}
        text = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        headers = {"Accept": accept, "User-Agent": self.agent, **({} if text is None else {"Content-Type": content_type})}
        url = f"{path}?{urlencode(query)}" if query else path
        for is_last in (False, False, False, True):
            if getattr(self.own, "connection", None) is None:
                self.own.connection = self.connect()
            try:
                self.own.connection.request(method, url, text, headers)
                answer = self.own.connection.getresponse()
                body = answer.read()
                if answer.status == 429 and not is_last:
                    time.sleep(int(answer.headers.get("Retry-After", 1)))
                    continue
                return answer.status, decoded(body)
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


@dataclass
class Resource:
    prefix: str  # "/api/v1"
    plural: str
    kind: str
    is_namespaced: bool

    def path(self, namespace, name=None):
        """Of one object or, without a name, of all; without a namespace of all namespaces, or for one object `default`."""
        if self.is_namespaced and name and not namespace:
            namespace = "default"
        scope = f"/namespaces/{namespace}" if self.is_namespaced and namespace else ""
        return f"{self.prefix}{scope}/{self.plural}" + (f"/{name}" if name else "")


class Resources:
    """What the API server has, by every name that kubectl takes: pods, pod, po, events.events.k8s.io."""

    def __init__(self, api):
        self.api, self.by_name = api, {}

    def find(self, name):
        """None when there is no such resource."""
        if name not in self.by_name:
            self._discover()
        return self.by_name.get(name)

    def _discover(self):
        """A short name is that of the first group which has it, in the version that the server prefers."""
        for root in ("/api", "/apis"):
            status, answer = self.api.request("GET", root, accept=DISCOVERY)
            assert status == 200, complaint(answer)
            for group in answer["items"]:
                for version in group["versions"]:
                    for resource in version["resources"]:
                        self._add(root, group["metadata"].get("name", ""), version["version"], resource)

    def _add(self, root, group, version, found):
        prefix = "/".join(part for part in (root, group, version) if part)
        resource = Resource(prefix, found["resource"], found["responseKind"]["kind"], found["scope"] == "Namespaced")
        for name in (found["resource"], found["singularResource"], *found.get("shortNames", [])):
            for full in (name, f"{name}.{group}", f"{name}.{version}.{group}"):
                self.by_name.setdefault(full, resource)


def decoded(body):
    """The answer; what the server says in plain text, of a path that it does not serve, as a Status would say it."""
    try:
        return json.loads(body)
    except ValueError:
        return {"message": body.decode(errors="replace").strip()}


def complaint(answer):
    """What a metav1.Status says, with the fields that it names."""
    causes = (answer.get("details") or {}).get("causes", [])
    return " | ".join([answer.get("message", ""), *(f"{c.get('field', '')}: {c.get('message', '')}" for c in causes)])

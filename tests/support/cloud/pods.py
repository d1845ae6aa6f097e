"""Which pod has an address: asked of the Kubernetes API."""
import asyncio
import base64
import dataclasses
import ssl
import tempfile
import time
from pathlib import Path

import aiohttp
import yaml

CACHE_SECONDS = 2
# A pod may ask before the kubelet has told its address to the API server.
PATIENCE_SECONDS = 5
ANNOTATION = "iam.gke.io/gcp-service-account"


@dataclasses.dataclass
class Pod:
    namespace: str
    account: str
    google_account: str | None


def _data(entry, field, directory):
    """Bytes that a kubeconfig holds inline (FIELD-data) or names as a file (FIELD)."""
    if entry.get(field + "-data"):
        return base64.b64decode(entry[field + "-data"])
    return (directory / entry[field]).read_bytes() if entry.get(field) else None


def _named(config, kind, name):
    return next(entry for entry in config[kind + "s"] if entry["name"] == name)[kind]


class Pods:
    """A client of the cluster that a kubeconfig names, with certificates or a token."""

    def __init__(self, kubeconfig):
        path = Path(kubeconfig)
        config = yaml.safe_load(path.read_text())
        context = _named(config, "context", config["current-context"])
        cluster, user = _named(config, "cluster", context["cluster"]), _named(config, "user", context["user"])
        self.server, self.cache, self.session = cluster["server"].rstrip("/"), {}, None
        self.headers = {"Authorization": f"Bearer {user['token']}"} if user.get("token") else {}
        authority = _data(cluster, "certificate-authority", path.parent)
        self.tls = ssl.create_default_context(cadata=authority.decode() if authority else None)
        certificate, key = _data(user, "client-certificate", path.parent), _data(user, "client-key", path.parent)
        if certificate:
            with tempfile.NamedTemporaryFile() as file:  # Mode 0600; gone at once.
                file.write(certificate + b"\n" + key)
                file.flush()
                self.tls.load_cert_chain(file.name)

    async def _get(self, path, **query):
        if self.session is None:
            self.session = aiohttp.ClientSession(headers=self.headers, timeout=aiohttp.ClientTimeout(total=5))
        async with self.session.get(self.server + path, params=query, ssl=self.tls) as response:
            if response.status == 404:
                return None
            response.raise_for_status()
            return await response.json()

    async def _find(self, address):
        found = await self._get("/api/v1/pods", fieldSelector=f"status.podIP={address}")
        pods = [p for p in found["items"] if not p["spec"].get("hostNetwork")
                and p["status"].get("phase") not in ("Succeeded", "Failed")]
        if not pods:
            return None
        pod = max(pods, key=lambda p: p["metadata"]["creationTimestamp"])
        namespace, account = pod["metadata"]["namespace"], pod["spec"].get("serviceAccountName", "default")
        about = await self._get(f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}") or {"metadata": {}}
        return Pod(namespace, account, about["metadata"].get("annotations", {}).get(ANNOTATION))

    async def by_address(self, address):
        """The running pod with this address, or None. Waits a little for one that is not known yet."""
        now = time.monotonic()
        self.cache = {a: entry for a, entry in self.cache.items() if entry[0] > now}
        if address in self.cache:
            return self.cache[address][1]
        while True:
            try:
                pod = await self._find(address)
            except (aiohttp.ClientError, asyncio.TimeoutError):
                pod = None
            if pod:
                self.cache[address] = (time.monotonic() + CACHE_SECONDS, pod)
            if pod or time.monotonic() > now + PATIENCE_SECONDS:
                return pod
            await asyncio.sleep(0.3)

    async def close(self):
        if self.session is not None:
            await self.session.close()

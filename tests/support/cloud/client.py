"""The cloud's admin API for tests and the demo."""
import base64
import http.client
import json
import os
import ssl
import urllib.parse
from pathlib import Path


class CloudError(Exception):
    """The cloud refused; the text says why."""


class Cloud:
    """A running cloud, by its state directory.

    `address` is where this process reaches it, when that is another one than in endpoints.json. Resources and
    members are named as Google does: `projects/P/locations/L/keyRings/R/cryptoKeys/C`, `serviceAccount:a@b`,
    `user:a@b`, `principal://...`.
    """

    def __init__(self, state, address=None):
        self.state = Path(state)
        url = urllib.parse.urlsplit(json.loads((self.state / "endpoints.json").read_text())["storage"])
        self.host, self.port = address or url.hostname, url.port
        self.token = (self.state / "admin-token").read_text()
        self.tls = ssl.create_default_context(cafile=self.state / "ca.pem")

    @property
    def url(self):
        return f"https://{self.host}:{self.port}"

    def _request(self, method, path, body=None):
        connection = http.client.HTTPSConnection(self.host, self.port, context=self.tls, timeout=60)
        try:
            connection.request(method, f"/_cloud/{path}", body, {"Authorization": f"Bearer {self.token}"})
            response = connection.getresponse()
            data = response.read()
        finally:
            connection.close()
        if response.status != 200:
            raise CloudError(f"{path.partition('?')[0]}: {response.status} {data.decode(errors='replace')}")
        return data

    def _call(self, verb, **arguments):
        return json.loads(self._request("POST", verb, json.dumps(arguments)))["result"]

    # ---- keys ----
    def create_key(self, name, protection_level="SOFTWARE"):
        self._call("create_key", name=name, protection_level=protection_level)

    def rotate_key(self, name):
        """A new primary version; returns its number."""
        return self._call("rotate_key", name=name)

    def set_key_state(self, name, state, version=1):
        """ENABLED, DISABLED, DESTROYED, ..."""
        self._call("set_key_state", name=name, version=version, state=state)

    def kms_decrypt(self, name, ciphertext, associated_data=b""):
        """What a ciphertext of the key holds, whatever IAM says."""
        return base64.b64decode(self._call("kms_decrypt", name=name, ciphertext=base64.b64encode(ciphertext).decode(),
                                           associated_data=base64.b64encode(associated_data).decode()))

    # ---- accounts and IAM ----
    def service_account(self, email, key_file=None):
        """An account; with key_file also a key of it, written there as gcloud does."""
        self._call("service_account", email=email)
        if key_file is not None:
            self._write(key_file, self._call("service_account_key", email=email, token_uri=f"{self.url}/token"))

    def authorized_user(self, email, credentials_file):
        """A user's application default credentials, written as gcloud does. Their token host is given separately."""
        self._write(credentials_file, self._call("authorized_user", email=email))

    @staticmethod
    def _write(path, value):
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            json.dump(value, out, indent=2)

    def grant_key(self, name, member, role):
        """A role on a key, a key ring or a project (`projects/P`)."""
        self._call("grant", resource=name, member=member, role=role)

    def revoke_key(self, name, member, role):
        self._call("revoke", resource=name, member=member, role=role)

    def grant_bucket(self, name, member, role):
        self._call("grant", resource=f"b/{name}", member=member, role=role)

    def revoke_bucket(self, name, member, role):
        self._call("revoke", resource=f"b/{name}", member=member, role=role)

    def grant_account(self, email, member, role="roles/iam.workloadIdentityUser"):
        """Lets a member, such as `serviceAccount:test.svc.id.goog[NAMESPACE/NAME]`, be this service account."""
        self._call("grant", resource=f"accounts/{email}", member=member, role=role)

    def token_lifetime(self, seconds):
        """Of access tokens from now on."""
        self._call("token_lifetime", seconds=seconds)

    def revoke_tokens(self):
        """All access tokens end at once."""
        self._call("revoke_tokens")

    # ---- buckets and objects ----
    def create_bucket(self, name):
        self._call("create_bucket", name=name)

    def buckets(self):
        return self._call("buckets")

    def objects(self, bucket, prefix=""):
        """Names, in order."""
        return self._call("objects", bucket=bucket, prefix=prefix)

    def object_bytes(self, bucket, name):
        return self._request("GET", "object?" + urllib.parse.urlencode({"bucket": bucket, "name": name}))

    def object_metadata(self, bucket, name):
        """The custom metadata."""
        return self._call("object_metadata", bucket=bucket, name=name)

    def put_object(self, bucket, name, data, metadata=None):
        self._request("PUT", "object?" + urllib.parse.urlencode(
            {"bucket": bucket, "name": name, "metadata": json.dumps(metadata or {})}), data)

    def copy_object(self, bucket, name, names):
        """Copies of an object, metadata included, under each of the names."""
        for start in range(0, len(names), 5000):
            self._call("copy_object", bucket=bucket, name=name, names=names[start:start + 5000])

    def delete_object(self, bucket, name):
        self._call("delete_object", bucket=bucket, name=name)

    def lose_sessions(self):
        """Every resumable upload under way is lost, as after a week."""
        self._call("lose_sessions")

    # ---- topics ----
    def create_topic(self, name):
        self._call("create_topic", name=name)

    def grant_topic(self, name, member, role):
        self._call("grant", resource=name, member=member, role=role)

    def revoke_topic(self, name, member, role):
        self._call("revoke", resource=name, member=member, role=role)

    def published(self, topic):
        """Every message so far, oldest first: (data, attributes)."""
        return [(base64.b64decode(m.get("data", "")), m.get("attributes", {})) for m in self._call("published", topic=topic)]

    # ---- faults and the audit log ----
    def faults(self, faults):
        """Sets the list of faults; their fields are those of cloud.faults.Fault."""
        self._call("faults", faults=faults)

    def clear_faults(self):
        self.faults([])

    def fault_hits(self):
        """The faults, each with `hits`, how often it acted."""
        return self._call("fault_hits")

    def audit(self):
        """Every call so far: time, principal, address, method, resource, status."""
        return [json.loads(line) for line in (self.state / "audit.jsonl").read_text().splitlines()]

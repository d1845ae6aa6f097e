"""Who may do what on which key, bucket, topic or service account."""
import re

from .errors import ApiError

OBJECT_READ = {"storage.objects.get", "storage.objects.list"}
OBJECT_WRITE = OBJECT_READ | {"storage.objects.create", "storage.objects.delete", "storage.objects.update"}
ROLES = {
    "roles/cloudkms.cryptoKeyEncrypter": {"cloudkms.cryptoKeyVersions.useToEncrypt"},
    "roles/cloudkms.cryptoKeyDecrypter": {"cloudkms.cryptoKeyVersions.useToDecrypt"},
    "roles/cloudkms.cryptoKeyEncrypterDecrypter": {"cloudkms.cryptoKeyVersions.useToEncrypt",
                                                   "cloudkms.cryptoKeyVersions.useToDecrypt"},
    "roles/cloudkms.viewer": {"cloudkms.keyRings.get", "cloudkms.keyRings.list", "cloudkms.cryptoKeys.get",
                              "cloudkms.cryptoKeys.list", "cloudkms.cryptoKeyVersions.get"},
    "roles/storage.objectViewer": OBJECT_READ,
    "roles/storage.objectCreator": {"storage.objects.create"},
    "roles/storage.objectUser": OBJECT_WRITE,
    "roles/storage.objectAdmin": OBJECT_WRITE,
    "roles/storage.legacyBucketReader": {"storage.buckets.get", "storage.objects.list"},
    "roles/storage.admin": OBJECT_WRITE | {"storage.buckets.get"},
    "roles/pubsub.publisher": {"pubsub.topics.publish"},
    "roles/pubsub.subscriber": {"pubsub.subscriptions.consume", "pubsub.topics.attachSubscription"},
    "roles/pubsub.editor": {"pubsub.topics.create", "pubsub.topics.get", "pubsub.topics.publish",
                            "pubsub.topics.attachSubscription", "pubsub.subscriptions.create", "pubsub.subscriptions.consume"},
    "roles/iam.workloadIdentityUser": {"iam.serviceAccounts.getAccessToken"},
}
POOL = "test.svc.id.goog"
POOL_PATH = f"iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/{POOL}"


def workload_principal(namespace, account):
    """The principal of a Kubernetes service account under Workload Identity Federation."""
    return f"principal://{POOL_PATH}/subject/ns/{namespace}/sa/{account}"


def members_of(principal):
    """Every way a binding can name this principal."""
    if principal is None:
        return {"allUsers"}
    members = {principal, "allUsers", "allAuthenticatedUsers"}
    workload = re.fullmatch(r"principal://.*/subject/ns/([^/]+)/sa/([^/]+)", principal)
    if workload:
        namespace, account = workload.groups()
        members |= {f"principalSet://{POOL_PATH}/namespace/{namespace}", f"principalSet://{POOL_PATH}/*",
                    f"serviceAccount:{POOL}[{namespace}/{account}]"}
    return members


def ancestors(resource):
    """The resource and what contains it: a role on a project or key ring holds for its keys."""
    parts = resource.split("/")
    if parts[0] != "projects":
        return [resource]
    return ["/".join(parts[:n]) for n in range(2, len(parts) + 1, 2)]


class Iam:
    """Role bindings. Resources: `projects/...` as KMS names them, `b/BUCKET`, `accounts/EMAIL`."""

    def __init__(self, database):
        self.database = database

    def grant(self, resource, member, role):
        if role not in ROLES:
            raise ApiError(400, f"Role {role} is not supported for this resource.")
        self.database.execute("INSERT OR IGNORE INTO bindings VALUES (?, ?, ?)", (resource, role, member))

    def revoke(self, resource, member, role):
        self.database.execute("DELETE FROM bindings WHERE resource = ? AND role = ? AND member = ?", (resource, role, member))

    def allows(self, principal, permission, resource):
        members, places = members_of(principal), ancestors(resource)
        rows = self.database.execute(
            f"SELECT role, member FROM bindings WHERE resource IN ({','.join('?' * len(places))})", places)
        return any(row["member"] in members and permission in ROLES[row["role"]] for row in rows)

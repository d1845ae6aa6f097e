"""Cloud KMS v1: keys that encrypt and decrypt small texts for those whom IAM lets."""
import base64
import binascii
import datetime
import secrets
import struct

import google_crc32c
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .calls import json_response
from .errors import ApiError

HEADER = struct.Struct(">B16sI")  # Format, key, version; then nonce and sealed text.
FORMAT, NONCE_BYTES = 10, 12
SOFTWARE_LIMIT_BYTES, HSM_LIMIT_BYTES = 64 << 10, 8 << 10
RING = r"(?P<parent>projects/[^/:]+/locations/[^/:]+/keyRings/[^/:]+)"
KEY = r"(?P<key>projects/[^/:]+/locations/[^/:]+/keyRings/[^/:]+/cryptoKeys/[^/:]+)"


def crc32c(data):
    return google_crc32c.value(data)


def now():
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _bytes(body, field):
    try:
        text = body.get(field, "")
        return base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, AttributeError, TypeError) as error:
        raise ApiError(400, f"Invalid value at '{field}' (TYPE_BYTES), Base64 decoding failed.") from error


def _checked(body, field):
    """A bytes field, and whether it came with its right checksum; ApiError when with a wrong one."""
    data, given = _bytes(body, field), body.get(field + "Crc32c")
    if given is None:
        return data, False
    try:
        right = int(given) == crc32c(data)
    except (ValueError, TypeError) as error:
        raise ApiError(400, f"Invalid value at '{field}_crc32c' (TYPE_INT64)") from error
    if not right:
        raise ApiError(400, f"The checksum in field {field}_crc32c did not match the data in field {field}.")
    return data, True


def _with_crc(field, data):
    return {field: base64.b64encode(data).decode(), field + "Crc32c": str(crc32c(data))}


class Kms:
    """Key rings (which exist as soon as a key is in them), keys and their versions."""

    def __init__(self, database, iam):
        self.database, self.iam = database, iam

    def routes(self):
        return [
            ("POST", f"/v1/{KEY}(?:/cryptoKeyVersions/(?P<version>[0-9]+))?:encrypt", self.encrypt),
            ("POST", f"/v1/{KEY}:decrypt", self.decrypt),
            ("GET", f"/v1/{KEY}", self.get_key),
            ("GET", f"/v1/{KEY}/cryptoKeyVersions/(?P<version>[0-9]+)", self.get_version),
            ("GET", f"/v1/{RING}/cryptoKeys", self.list_keys),
            ("GET", f"/v1/{RING}", self.get_ring),
            ("GET", r"/v1/(?P<parent>projects/[^/:]+/locations/[^/:]+)/keyRings", self.list_rings),
        ]

    # ---- what owners do, by the admin API ----
    def create_key(self, name, protection_level):
        if protection_level not in ("SOFTWARE", "HSM"):
            raise ApiError(400, f"no protection level: {protection_level}")
        row = self._row(name)
        if row and row["protection"] != protection_level:
            raise ApiError(409, f"CryptoKey {name} already exists.")
        if not row:
            self.database.execute("INSERT INTO keys VALUES (?, ?, ?, 0, ?)",
                                  (name, secrets.token_bytes(16), protection_level, now()))
            self.rotate_key(name)

    def rotate_key(self, name):
        """A new version, which becomes the primary one."""
        number = self._existing(name)["primary_version"] + 1
        self.database.execute("INSERT INTO key_versions VALUES (?, ?, 'ENABLED', ?, ?)",
                              (name, number, secrets.token_bytes(32), now()))
        self.database.execute("UPDATE keys SET primary_version = ? WHERE name = ?", (number, name))
        return number

    def set_state(self, name, version, state):
        """ENABLED, DISABLED, DESTROYED, ..."""
        self._existing(name)
        self.database.execute("UPDATE key_versions SET state = ? WHERE key = ? AND number = ?", (state, name, version))

    # ---- the cryptography ----
    def open(self, name, ciphertext, associated_data):
        """(plaintext, version) of a ciphertext that this key made."""
        key = self._existing(name)
        invalid = ApiError(400, "Decryption failed: the ciphertext is invalid.")
        if len(ciphertext) < HEADER.size + NONCE_BYTES + 16:
            raise invalid
        form, key_id, number = HEADER.unpack_from(ciphertext)
        if form != FORMAT or key_id != key["id"]:
            raise invalid
        material = self._material(name, number, invalid)
        nonce, sealed = ciphertext[HEADER.size:][:NONCE_BYTES], ciphertext[HEADER.size + NONCE_BYTES:]
        try:
            return AESGCM(material).decrypt(nonce, sealed, associated_data), number
        except InvalidTag as error:
            raise invalid from error

    def _seal(self, key, number, plaintext, associated_data):
        material = self._material(key["name"], number, ApiError(404, f"{key['name']}/cryptoKeyVersions/{number} not found."))
        nonce = secrets.token_bytes(NONCE_BYTES)
        return HEADER.pack(FORMAT, key["id"], number) + nonce + AESGCM(material).encrypt(nonce, plaintext, associated_data)

    def _material(self, name, number, missing):
        row = self.database.execute("SELECT * FROM key_versions WHERE key = ? AND number = ?", (name, number)).fetchone()
        if row is None:
            raise missing
        if row["state"] != "ENABLED":
            version = f"{name}/cryptoKeyVersions/{number}"
            raise ApiError(400, f"{version} is not enabled, current state is: {row['state']}.", "FAILED_PRECONDITION", [{
                "@type": "type.googleapis.com/google.rpc.PreconditionFailure",
                "violations": [{"type": f"KEY_{row['state']}", "subject": version}]}])
        return row["material"]

    # ---- rows ----
    def _row(self, name):
        return self.database.execute("SELECT * FROM keys WHERE name = ?", (name,)).fetchone()

    def _existing(self, name):
        row = self._row(name)
        if row is None:
            raise ApiError(404, f"CryptoKey {name} not found.")
        return row

    def _authorize(self, call, permission, resource):
        if call.identify() is None:
            raise ApiError(401, "Request is missing required authentication credential. Expected OAuth 2 access token, "
                                "login cookie or other valid authentication credential.")
        call.resource = resource
        if not self.iam.allows(call.principal, permission, resource):
            raise ApiError(403, f"Permission '{permission}' denied on resource '{resource}' (or it may not exist).")

    # ---- calls ----
    async def encrypt(self, call):
        name = call.groups["key"]
        self._authorize(call, "cloudkms.cryptoKeyVersions.useToEncrypt", name)
        key, body = self._existing(name), await call.json()
        plaintext, plaintext_checked = _checked(body, "plaintext")
        associated, associated_checked = _checked(body, "additionalAuthenticatedData")
        hsm = key["protection"] == "HSM"
        if hsm and len(plaintext) + len(associated) > HSM_LIMIT_BYTES:
            raise ApiError(400, "The combined length of plaintext and additional_authenticated_data must be at most 8KiB.")
        if max(len(plaintext), len(associated)) > SOFTWARE_LIMIT_BYTES:
            raise ApiError(400, "The plaintext and additional_authenticated_data must be at most 64KiB each.")
        number = int(call.groups.get("version", key["primary_version"]))
        ciphertext = self._seal(key, number, plaintext, associated)
        return json_response({"name": f"{name}/cryptoKeyVersions/{number}", **_with_crc("ciphertext", ciphertext),
                              "verifiedPlaintextCrc32c": plaintext_checked,
                              "verifiedAdditionalAuthenticatedDataCrc32c": associated_checked,
                              "protectionLevel": key["protection"]})

    async def decrypt(self, call):
        name = call.groups["key"]
        self._authorize(call, "cloudkms.cryptoKeyVersions.useToDecrypt", name)
        key, body = self._existing(name), await call.json()
        ciphertext, _ = _checked(body, "ciphertext")
        associated, _ = _checked(body, "additionalAuthenticatedData")
        plaintext, number = self.open(name, ciphertext, associated)
        return json_response({**_with_crc("plaintext", plaintext), "usedPrimary": number == key["primary_version"],
                              "protectionLevel": key["protection"]})

    def _version(self, key, number):
        row = self.database.execute("SELECT * FROM key_versions WHERE key = ? AND number = ?", (key["name"], number)).fetchone()
        if row is None:
            raise ApiError(404, f"{key['name']}/cryptoKeyVersions/{number} not found.")
        return {"name": f"{key['name']}/cryptoKeyVersions/{number}", "state": row["state"], "createTime": row["created"],
                "protectionLevel": key["protection"], "algorithm": "GOOGLE_SYMMETRIC_ENCRYPTION"}

    def _describe(self, key):
        return {"name": key["name"], "primary": self._version(key, key["primary_version"]), "purpose": "ENCRYPT_DECRYPT",
                "createTime": key["created"],
                "versionTemplate": {"protectionLevel": key["protection"], "algorithm": "GOOGLE_SYMMETRIC_ENCRYPTION"}}

    async def get_key(self, call):
        self._authorize(call, "cloudkms.cryptoKeys.get", call.groups["key"])
        return json_response(self._describe(self._existing(call.groups["key"])))

    async def get_version(self, call):
        self._authorize(call, "cloudkms.cryptoKeyVersions.get", call.groups["key"])
        return json_response(self._version(self._existing(call.groups["key"]), int(call.groups["version"])))

    def _keys_below(self, parent):
        return self.database.execute("SELECT * FROM keys WHERE substr(name, 1, ?) = ? ORDER BY name",
                                     (len(parent) + 1, parent + "/")).fetchall()

    async def list_keys(self, call):
        self._authorize(call, "cloudkms.cryptoKeys.list", call.groups["parent"])
        keys = [self._describe(key) for key in self._keys_below(call.groups["parent"])]
        return json_response({"cryptoKeys": keys, "totalSize": len(keys)})

    async def get_ring(self, call):
        self._authorize(call, "cloudkms.keyRings.get", call.groups["parent"])
        keys = self._keys_below(call.groups["parent"])
        if not keys:
            raise ApiError(404, f"KeyRing {call.groups['parent']} not found.")
        return json_response({"name": call.groups["parent"], "createTime": keys[0]["created"]})

    async def list_rings(self, call):
        self._authorize(call, "cloudkms.keyRings.list", call.groups["parent"])
        rings = {key["name"].rpartition("/cryptoKeys/")[0]: key["created"] for key in self._keys_below(call.groups["parent"])}
        return json_response({"keyRings": [{"name": n, "createTime": t} for n, t in rings.items()], "totalSize": len(rings)})

"""JSON Web Tokens signed with RS256, as Google's accounts use them."""
import base64
import binascii
import json

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def sign(key, key_id, claims):
    header = {"alg": "RS256", "typ": "JWT", "kid": key_id}
    body = ".".join(encode(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    return body + "." + encode(key.sign(body.encode(), padding.PKCS1v15(), hashes.SHA256()))


def parse(token):
    """(header, claims) of a token, unverified; ValueError when it is none."""
    try:
        header, claims, _ = token.split(".")
        header, claims = json.loads(decode(header)), json.loads(decode(claims))
    except (ValueError, binascii.Error) as error:
        raise ValueError("not a JWT") from error
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise ValueError("not a JWT")
    return header, claims


def verified(token, public_key):
    """Whether the signature is that of the key."""
    header, _ = parse(token)
    body, _, signature = token.rpartition(".")
    try:
        public_key.verify(decode(signature), body.encode(), padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return header.get("alg") == "RS256"

"""Ciphertext in the hands of stock Tink."""
import base64
import io

import tink
from tink import secret_key_access, streaming_aead

streaming_aead.register()


class Kept(io.BytesIO):
    """Tink closes what it writes to."""

    def close(self):
        self.kept = self.getvalue()
        super().close()


def encrypted_with(primitive, plain, associated_data):
    out = Kept()
    with primitive.new_encrypting_stream(out, associated_data.encode()) as stream:
        stream.write(plain)
    return out.kept


class Stock:
    """A job's key in the hands of stock Tink; the cloud's administrator unwraps it."""

    def __init__(self, cloud, key):
        serialized = cloud.api.kms_decrypt(key["kmsKeyName"], base64.b64decode(key["wrappedKeyset"]))
        self.handle = tink.proto_keyset_format.parse(serialized, secret_key_access.TOKEN)
        self.primitive = self.handle.primitive(streaming_aead.StreamingAead)
        self.info = self.handle.keyset_info()

    def encrypt(self, plain, associated_data):
        return encrypted_with(self.primitive, plain, associated_data)

    def decrypt(self, cipher, associated_data):
        with self.primitive.new_decrypting_stream(io.BytesIO(cipher), associated_data.encode()) as stream:
            return stream.read()

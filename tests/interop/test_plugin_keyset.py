"""kubectl cloister keyset: keys that stock Tink knows, and that are printed nowhere."""
import base64

import pytest
import yaml

from kit.cloud import HSM_KEY, KEY
from kit.stock import Stock

pytestmark = pytest.mark.timeout(120)


def test_keyset_is_one_that_stock_tink_knows(plugin, cloud):
    printed = plugin.yaml("keyset", "--kms-key", KEY, "--name", "results")
    [key] = printed["keys"]
    assert set(printed) == {"keys"} and set(key) == {"name", "kmsKeyName", "wrappedKeyset"}
    assert (key["name"], key["kmsKeyName"]) == ("results", KEY)
    stock = Stock(cloud, key)
    [info] = stock.info.key_info
    assert info.type_url.endswith("AesGcmHkdfStreamingKey") and stock.info.primary_key_id == info.key_id
    assert stock.decrypt(stock.encrypt(b"hello", "ad"), "ad") == b"hello"


def test_each_keyset_is_new_and_its_key_is_printed_nowhere(plugin, cloud):
    first, second = (plugin.run("keyset", "--kms-key", HSM_KEY) for _ in range(2))
    keysets = []
    for done in (first, second):
        [key] = yaml.safe_load(done.stdout)["keys"]
        keysets.append(cloud.api.kms_decrypt(HSM_KEY, base64.b64decode(key["wrappedKeyset"])))
        material = keysets[-1][keysets[-1].index(b"\x1a\x20") + 2:][:32]
        said = done.stdout + done.stderr
        assert material.hex() not in said and base64.b64encode(material).decode()[:40] not in said
        assert base64.b64encode(keysets[-1]).decode() not in said
    assert keysets[0] != keysets[1]


@pytest.mark.parametrize("name", ["123", "true", "no", "on", "1e3"])
def test_names_that_yaml_reads_otherwise_stay_names(plugin, name):
    assert plugin.yaml("keyset", "--kms-key", KEY, "--name", name)["keys"][0]["name"] == name

"""Keys and data: what is read and written, which rights that takes, and how little memory."""
import hashlib
import json
import random
import re
import time

import pytest

from kit.cloud import BUCKET, KEY, key_uses
from kit.stock import Stock
from kit.worker import COPY, JOB_UID, data_file, encrypt


def test_names_the_key_that_kms_refuses(cloud, worker, tmp_path, prefix):
    path, _ = data_file(tmp_path, 1000)
    spec = encrypt(cloud, prefix, path)
    spec["keys"][0]["kmsKeyName"] = KEY + "-absent"
    w = worker(spec)
    w.start_trainer("echo started")
    code, message = w.finish()
    assert code == 125 and message["class"] == "Key" and KEY + "-absent" in message["message"]
    assert "started" not in w.log("trainer")


def test_names_the_right_that_checkpoints_need(cloud, worker, tmp_path, prefix):
    """Their folder is read first, but the right to read it would not be enough."""
    path, _ = data_file(tmp_path, 1000)
    if "locked" not in cloud.api.buckets():
        cloud.api.create_bucket("locked")
    w = worker(encrypt(cloud, prefix, path), checkpoints={"uri": "gs://locked/ckpt/", "keyName": "data"})
    w.start_trainer("echo started")
    code, message = w.finish()
    assert (code, message["class"], message["reason"]) == (125, "Data", "OutputDenied")
    assert "gs://locked/ckpt/" in message["message"] and "roles/storage.objectUser" in message["message"]


@pytest.mark.parametrize("bucket, reason", [("locked", "OutputDenied"), ("not-there", "OutputNotFound")])
def test_an_output_that_cannot_be_written_is_found_before_the_keys_are_used(cloud, worker, tmp_path, prefix, bucket, reason):
    path, _ = data_file(tmp_path, 1000)
    if "locked" not in cloud.api.buckets():
        cloud.api.create_bucket("locked")
    spec, uses = encrypt(cloud, prefix, path), key_uses(cloud)
    w = worker(spec, output={"uri": f"gs://{bucket}/models/", "publish": True, "keyName": "data"})
    w.start_trainer("echo started")
    code, message = w.finish()
    assert (code, message["class"], message["reason"]) == (125, "Data", reason), message
    assert f"gs://{bucket}/models/" in message["message"]
    assert key_uses(cloud) == uses, "no key was asked for"


def test_what_stock_tink_encrypts_is_read_and_what_is_published_stock_tink_reads(cloud, worker, tmp_path, prefix):
    path, _ = data_file(tmp_path, 1000)
    spec = encrypt(cloud, prefix, path)
    stock, plain = Stock(cloud, spec["keys"][0]), random.Random(1).randbytes(3_000_000)
    cloud.api.put_object(BUCKET, f"{prefix}/data/data.bin", stock.encrypt(plain, f"gs://{BUCKET}/{prefix}/data/data.bin"))
    w = worker(spec)
    w.start_trainer(COPY)
    code, message = w.finish()
    assert code == 0 and w.log("trainer").split()[0] == hashlib.sha256(plain).hexdigest()
    folder = message["output"]["uri"].removeprefix(f"gs://{BUCKET}/")
    manifest_id = folder.rstrip("/").rpartition("/")[2]

    def stock_read(name, associated_data):
        return stock.decrypt(cloud.api.object_bytes(BUCKET, folder + name), associated_data)
    assert stock_read("data/model", f"cloister/v1/{manifest_id}/model") == plain
    lines = stock_read("manifest", f"cloister/v1/{manifest_id}")
    assert hashlib.sha256(lines).hexdigest() == message["output"]["manifestSHA256"]
    header, entry, foot = (json.loads(line) for line in lines.splitlines())
    assert (header["cloister"], header["jobUID"], entry["path"], entry["size"], foot["count"]) == (
        "manifest/v1", JOB_UID, "model", len(plain), 1)


def test_staging_takes_little_memory_beside_what_is_staged(cloud, worker, tmp_path, prefix, figure):
    """256 MiB in eight objects over eight connections; the figure is printed, and only gross waste fails."""
    folder = tmp_path / "big"
    folder.mkdir()
    for i in range(8):
        (folder / f"part-{i}").write_bytes(random.Random(i).randbytes(32 << 20))
    spec = encrypt(cloud, prefix, folder)
    w = worker(spec, inputLimitBytes=1 << 30)
    peak = 0
    while not (w.directory / "run/ready").exists():
        try:
            status = open(f"/proc/{w.pid('agent')}/status", encoding="ascii").read()
            peak = max(peak, int(re.search(r"RssAnon:\s+(\d+) kB", status)[1]))
        except (OSError, TypeError, IndexError):
            pass
        assert w.processes["agent"].poll() is None
        time.sleep(0.02)
    figure(f"agent staging 256 MiB over 8 connections: RssAnon {peak / 1024:.1f} MiB (allowance: 8 x 1 MiB + 8 MiB)")
    assert 0 < peak < 40 * 1024
    w.start_trainer("ls /cloister/in/inputs/data | wc -l")
    code, _ = w.finish()
    assert code == 0 and w.log("trainer").strip() == "8"

"""kubectl cloister encrypt: what it writes stock Tink reads, and nothing is overwritten unasked."""
import os
from pathlib import Path

import pytest
import tink
import yaml

from kit.cloud import BUCKET, KEY
from kit.stock import Stock

pytestmark = pytest.mark.timeout(120)


@pytest.mark.parametrize("size", [0, 1, (1 << 20) + 5, (9 << 20) + 1])
def test_what_it_encrypts_stock_tink_decrypts(plugin, cloud, folder, tmp_path, size):
    plain = os.urandom(size)
    (tmp_path / "data.bin").write_bytes(plain)
    printed = plugin.yaml("encrypt", tmp_path / "data.bin", f"gs://{BUCKET}/{folder}/", "--kms-key", KEY, "--name", "train")
    assert printed["inputs"] == [{"name": "train", "uri": f"gs://{BUCKET}/{folder}/", "keyName": "train"}]
    stock, name = Stock(cloud, printed["keys"][0]), f"{folder}/data.bin"
    cipher = cloud.api.object_bytes(BUCKET, name)
    assert stock.decrypt(cipher, f"gs://{BUCKET}/{name}") == plain
    with pytest.raises(tink.TinkError):
        stock.decrypt(cipher, f"gs://{BUCKET}/{folder}/other.bin")
    assert cloud.api.object_metadata(BUCKET, name) == {
        "cloister-key-id": str(stock.info.primary_key_id), "cloister-name": f"gs://{BUCKET}/{name}",
        "cloister-size": str(len(cipher))}


@pytest.mark.parametrize("mode, associated_data", [
    ("Relative", "a/b.txt"), ("Fixed:patients: \"all\" # 7", "patients: \"all\" # 7"), ("Fixed:", "")])
def test_associated_data_is_what_the_job_is_told(plugin, cloud, folder, tmp_path, mode, associated_data):
    (tmp_path / "set/a").mkdir(parents=True)
    (tmp_path / "set/a/b.txt").write_text("hello")
    printed = plugin.yaml("encrypt", tmp_path / "set", f"gs://{BUCKET}/{folder}/", "--kms-key", KEY,
                          "--associated-data", mode)
    assert printed["inputs"][0]["associatedData"] == mode
    stock = Stock(cloud, printed["keys"][0])
    assert stock.decrypt(cloud.api.object_bytes(BUCKET, f"{folder}/a/b.txt"), associated_data) == b"hello"


def test_directories_go_with_their_relative_paths(plugin, cloud, folder, tmp_path):
    for path in ("set/one", "set/sub/two", "set/sub/deep/drei ä #%41", "alone"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    done = plugin.run("encrypt", f"{tmp_path}/set/", tmp_path / "alone", f"gs://{BUCKET}/{folder}/", "--kms-key", KEY)
    assert done.returncode == 0 and "[4/4] encrypted" in done.stderr
    assert cloud.api.objects(BUCKET, f"{folder}/") == sorted(
        f"{folder}/{name}" for name in ("alone", "one", "sub/two", "sub/deep/drei ä #%41"))
    name = f"{folder}/sub/deep/drei ä #%41"
    stock = Stock(cloud, yaml.safe_load(done.stdout)["keys"][0])
    assert stock.decrypt(cloud.api.object_bytes(BUCKET, name), f"gs://{BUCKET}/{name}") == b"set/sub/deep/drei \xc3\xa4 #%41"


def test_data_sets_share_a_key(plugin, cloud, folder, tmp_path):
    (tmp_path / "x").write_text("x")
    first = plugin.run("keyset", "--kms-key", KEY, "--name", "shared")
    (tmp_path / "keys.yaml").write_text(first.stdout)
    arguments = ["encrypt", tmp_path / "x", f"gs://{BUCKET}/{folder}/", "--keyset", tmp_path / "keys.yaml"]
    printed = plugin.yaml(*arguments, "--name", "test")
    assert printed["keys"] == yaml.safe_load(first.stdout)["keys"]
    assert printed["inputs"] == [{"name": "test", "uri": f"gs://{BUCKET}/{folder}/", "keyName": "shared"}]
    other = plugin.yaml("keyset", "--kms-key", KEY, "--name", "other")["keys"]
    (tmp_path / "keys.yaml").write_text(yaml.safe_dump({"spec": {"keys": printed["keys"] + other}}))
    assert "choose one with --key-name" in plugin.refused(*arguments)
    assert plugin.yaml(*arguments, "--overwrite", "--key-name", "other")["keys"] == other
    assert "no key named absent" in plugin.refused(*arguments, "--key-name", "absent")


def test_existing_objects_are_replaced_only_when_asked(plugin, cloud, folder, tmp_path):
    for name in "abc":
        (tmp_path / name).write_text(name)
    cloud.api.put_object(BUCKET, f"{folder}/b", b"precious")
    arguments = ["encrypt", *(tmp_path / n for n in "abc"), f"gs://{BUCKET}/{folder}/", "--kms-key", KEY]
    words = plugin.refused(*arguments)
    assert f"gs://{BUCKET}/{folder}/b already exists" in words
    assert f"1 of 3 objects had already been written; no job refers to them, and their key has been discarded:\n  gs://{BUCKET}/{folder}/a\n" in words
    assert cloud.api.object_bytes(BUCKET, f"{folder}/b") == b"precious"
    assert cloud.api.objects(BUCKET, f"{folder}/") == [f"{folder}/a", f"{folder}/b"]
    stock = Stock(cloud, plugin.yaml(*arguments, "--overwrite")["keys"][0])
    assert stock.decrypt(cloud.api.object_bytes(BUCKET, f"{folder}/b"), f"gs://{BUCKET}/{folder}/b") == b"b"


def link(directory):
    (directory / "set/link").symlink_to("/etc/passwd")
    return "set/link is a symbolic link"


def linked_directory(directory):
    (directory / "set/link").symlink_to("/etc")
    return "set/link is a symbolic link"


def pipe(directory):
    os.mkfifo(directory / "set/pipe")
    return "set/pipe is neither a file nor a directory"


def line_end(directory):
    (directory / "set/two\nlines").touch()
    return "cannot be the path of an input"


def no_utf8(directory):
    Path(os.fsdecode(os.fsencode(directory) + b"/set/\xff")).touch()
    return "is not UTF-8"


@pytest.mark.parametrize("make", [link, linked_directory, pipe, line_end, no_utf8], ids=lambda m: m.__name__)
def test_what_cannot_be_encrypted_is_told_before_anything_is_written(plugin, cloud, folder, tmp_path, make):
    (tmp_path / "set").mkdir()
    (tmp_path / "set/a").write_text("a")
    expected = make(tmp_path)
    assert expected in plugin.refused("encrypt", tmp_path / "set", f"gs://{BUCKET}/{folder}/", "--kms-key", KEY)
    assert cloud.api.objects(BUCKET, f"{folder}/") == []


def test_two_files_of_one_path_are_refused_even_to_overwrite(plugin, cloud, folder, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "data").write_text(name)
    words = plugin.refused("encrypt", tmp_path / "one/data", tmp_path / "two", f"gs://{BUCKET}/{folder}/", "--kms-key", KEY,
                           "--overwrite")
    assert "both have a file data" in words and cloud.api.objects(BUCKET, f"{folder}/") == []

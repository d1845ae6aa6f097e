"""What the images bring along beside their programs."""
import json
import os
import subprocess
import tarfile

import pytest
from kit.cloud import KEY, OWNER
from kit.cluster import ROOT

BUILD = ROOT / os.environ.get("BUILD", "build")


def unpacked(name, directory):
    """The root file system of an image of ours, which is one layer."""
    with tarfile.open(BUILD / f"images/{name}.tar") as archive:
        def blob(digest):
            return archive.extractfile(f"./blobs/sha256/{digest.removeprefix('sha256:')}")
        index = json.load(archive.extractfile("./index.json"))
        layer, = json.load(blob(index["manifests"][0]["digest"]))["layers"]
        with tarfile.open(fileobj=blob(layer["digest"])) as files:
            files.extractall(directory)
    return directory


@pytest.mark.parametrize("name", ["operator", "worker"])
def test_public_authorities_are_where_programs_look_for_them(cloud, tmp_path, name):
    """With the test cloud's in their place, a program of ours finds that in this image, without being told of it."""
    root = unpacked(name, tmp_path / "root")
    bundle, = (f for f in root.rglob("*") if f.is_file() and not f.is_symlink() and f.suffix in (".crt", ".pem"))
    assert bundle.read_text().count("BEGIN CERTIFICATE") > 50
    bundle.write_bytes((cloud.state / "ca.pem").read_bytes())
    places = [p for p in ("/etc/ssl", "/usr/lib/ssl") if (root / p[1:]).exists()]
    done = subprocess.run(
        ["bwrap", "--ro-bind", "/", "/", "--tmpfs", "/etc/ssl", "--tmpfs", "/usr/lib/ssl",
         *(a for p in places for a in ("--ro-bind", str(root / p[1:]), p)),
         BUILD / "bin/kubectl-cloister", "keyset", "--kms-key", KEY],
        env={"GOOGLE_APPLICATION_CREDENTIALS": str(cloud.state / f"{OWNER}.json"),
             "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS": f"{cloud.url}/"},
        text=True, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr

"""Nothing secret leaves. Canaries in data, keyset and model are searched wherever bytes could have come to rest; the search
itself is proven by planted leaks."""
import base64
import json
import os
import re
import secrets as random
import subprocess

import pytest
from kit.cloister import BUCKET, encrypted, image, published, training_job
from kit.cluster import wait_for


def forms(canary):
    """Raw, hex, base64 at each alignment, JSON- and percent-escaped."""
    result = {canary, canary.hex().encode(), canary.hex().upper().encode(), canary[::-1]}
    for shift in range(3):
        # What is certain of the text whatever stands before and after it: drop the characters that mix with neighbours.
        text = base64.b64encode(b"\0" * shift + canary)
        start, end = -(-shift * 4 // 3) + (1 if shift else 0), len(text) - 4
        result.add(text[start:end])
        result.add(text[start:end].translate(bytes.maketrans(b"+/", b"-_")))
    result.add("".join(f"\\x{b:02x}" for b in canary).encode())
    result.add("".join(f"%{b:02X}" for b in canary).encode())
    result.add("".join(f"\\u{b:04x}" for b in canary).encode())
    return {f for f in result if len(f) >= 12}


def pattern(canaries):
    return re.compile(b"|".join(re.escape(f) for c in canaries for f in sorted(forms(c))))


def find_in_files(wanted, *roots):
    """Files below the roots that hold one of the forms; read in pieces that overlap."""
    found = []
    for root in roots:
        for directory, _, names in os.walk(root, followlinks=False):
            for name in names:
                path = os.path.join(directory, name)
                if os.path.islink(path) or not os.path.isfile(path):
                    continue
                try:
                    with open(path, "rb") as file:
                        tail = b""
                        while piece := file.read(1 << 22):
                            if wanted.search(tail + piece):
                                found.append(path)
                                break
                            tail = piece[-512:]
                except OSError:
                    continue
    return found


def processes(site):
    """Environments and command lines of every process of the nodes."""
    script = "for p in /proc/[0-9]*; do tr '\\0' '\\n' <$p/environ; tr '\\0' '\\n' <$p/cmdline; done 2>/dev/null; true"
    return subprocess.run([*site_exec(site), "bash", "-c", script], capture_output=True, check=True).stdout


def site_exec(site):
    from kit.cluster import TOOL
    return [str(TOOL), "exec", "--name", site.cluster.name, "--"]


def api_objects(site, namespace):
    kinds = "pods,services,endpointslices,events,tjob,configmaps,secrets,serviceaccounts"
    objects = site.cluster.kubectl("get", kinds, "-n", namespace, "-o", "json").stdout
    return (objects + site.cluster.kubectl("get", "events.events.k8s.io", "-n", namespace, "-o", "json").stdout).encode()


@pytest.fixture(scope="module")
def canaries():
    return {"data": random.token_bytes(24), "model": random.token_bytes(24)}


def keyset_canary(site, pasted):
    """The key bytes themselves: the test holds the KMS key by way of the cloud's state, as nobody else does."""
    wrapped = base64.b64decode(pasted["keys"][0]["wrappedKeyset"])
    keyset = site.cloud.api.kms_decrypt(pasted["keys"][0]["kmsKeyName"], wrapped)
    return keyset[keyset.index(b"\x1a\x20") + 2:][:32]


def test_finds_planted_leaks_in_every_form(tmp_path):
    canary = random.token_bytes(24)
    for number, form in enumerate(forms(canary)):
        (tmp_path / f"{number}").write_bytes(os.urandom(1000) + form + os.urandom(1000))
    for shift in range(3):
        (tmp_path / f"b64-{shift}").write_bytes(base64.b64encode(os.urandom(shift + 3 * 7) + canary + os.urandom(50)))
    assert len(find_in_files(pattern([canary]), tmp_path)) == len(os.listdir(tmp_path))
    assert not find_in_files(pattern([random.token_bytes(24)]), tmp_path)


def test_nothing_secret_comes_to_rest_anywhere(site, namespace, canaries, tmp_path):
    (tmp_path / "patient.bin").write_bytes(b"name: " + canaries["data"] + b"\n" * 5000)
    pasted = encrypted(site, f"{namespace}/data", tmp_path / "patient.bin", name="patients")
    model = base64.b64encode(canaries["model"]).decode()
    # The command line must not hold the model: it comes out of the data by arithmetic that the test repeats.
    script = """set -e
        tr '\\000-\\377' '\\001-\\377\\000' < /cloister/inputs/patients/patient.bin > /cloister/output/model.bin
        cp /cloister/output/model.bin /cloister/checkpoints/.one.tmp
        mv /cloister/checkpoints/.one.tmp /cloister/checkpoints/step-1
        sleep 8"""
    rotated = bytes((b + 1) % 256 for b in canaries["data"])
    del model
    wanted = pattern([canaries["data"], rotated, keyset_canary(site, pasted)])
    site.cluster.apply(training_job("patients", namespace, image("toolbox"), ["/bin/sh", "-c", script], **pasted,
                                    **published(namespace, "patients")))
    site.wait_phase("patients", namespace, "Running")
    assert not wanted.search(processes(site)), "while it runs"
    status = site.wait_phase("patients", namespace, "Succeeded")
    site.plugin("fetch", "patients", "-n", namespace, "-o", tmp_path / "model")
    fetched = next((tmp_path / "model").rglob("model.bin")).read_bytes()
    assert rotated in fetched, "the canary went through the job"

    assert not wanted.search(api_objects(site, namespace)), "API objects, events, status"
    assert not wanted.search(json.dumps(status).encode())
    places = [site.cluster.run_dir, site.cloud.state, "/var/log/pods", "/var/log/containers"]
    found = find_in_files(wanted, *places)
    assert not found, f"plaintext or key at rest: {found}"

    # The same search finds what is put there: one leak planted in a log of a node, one in etcd.
    planted = site.cluster.run_dir / "planted.log"
    planted.write_bytes(b"x" * 100 + base64.b64encode(b"ab" + canaries["data"] + b"xyz"))
    assert find_in_files(wanted, site.cluster.run_dir) == [str(planted)]
    planted.unlink()
    site.cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "leak", "namespace": namespace},
                        "data": {"a": canaries["data"].hex()}})
    assert wait_for("etcd to hold the planted leak", lambda: find_in_files(wanted, site.cluster.run_dir), 20)


def test_the_bucket_holds_ciphertext_only(site, namespace, digits):
    """Every object of the bucket, but for pointers and markers, has no run of text that the inputs or models have."""
    for name in site.cloud.api.objects(BUCKET):
        data = site.cloud.api.object_bytes(BUCKET, name)
        if name.endswith("/HEAD"):
            assert set(json.loads(data)) <= {"version", "manifest", "id", "manifestSHA256", "attempt", "podUID", "name",
                                             "step", "time"}
        elif name.endswith("/writable"):
            assert data == b"{}"
        else:
            assert b"digits model" not in data and b"0,0,5,13" not in data and b"manifest/v1" not in data, name

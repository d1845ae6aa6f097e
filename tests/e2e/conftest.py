"""One cluster, one test cloud and one installation of Cloister for all end-to-end tests, each test in a namespace of its own."""
import contextlib
import itertools
import json
import shutil
import tempfile
from pathlib import Path

import pytest
import yaml

from kit.cluster import ROOT, Cluster, run
from kit.cloister import BUCKET, KEY, Cloister, TestCloud

NUMBERS = itertools.count(1)


def pytest_collection_modifyitems(items):
    """What the whole run used is judged at its end."""
    items.sort(key=lambda item: "test_role" in item.nodeid)


@contextlib.contextmanager
def installed(name, nodes):
    """A cluster of its own with test cloud and Cloister in it."""
    state = Path(tempfile.mkdtemp(prefix="cloister-cloud-"))
    cluster = Cluster(name)
    cloud = TestCloud(cluster, state)
    try:
        cluster.up(nodes=nodes)
        cloud.start()
        cloud.furnish()
        cloister = Cloister(cluster, cloud)
        cloister.load_images("operator", "worker", "digits", "toolbox")
        cloister.install()
        yield cloister
    finally:
        cloud.stop()
        cluster.down()
        shutil.rmtree(state, ignore_errors=True)


@pytest.fixture(scope="session")
def site():
    """The one that nearly all tests share."""
    with installed("e2e", "cc-0,std-0") as cloister:
        yield cloister


@pytest.fixture
def namespace(site, request):
    """A confidential namespace; what a failed test left there is printed."""
    name = request.node.name.split("[")[0].removeprefix("test_").replace("_", "-")[:40].strip("-")
    if "[" in request.node.name:
        name += f"-{next(NUMBERS)}"
    site.namespace(name)
    yield name
    if getattr(request.node, "failed", False):
        describe(site, name)
    site.cluster.kubectl("delete", "namespace", name, "--wait=false")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    report = (yield).get_result()
    if report.when == "call" and report.failed:
        item.failed = True


def describe(site, name):
    for job in site.cluster.list("tjob", name):
        print(json.dumps(job.get("status"), indent=1))
    for pod in site.cluster.list("pods", name):
        print(json.dumps(pod.get("status"), indent=1))
        for container in ("cloister-agent", "trainer"):
            print(f"--- {pod['metadata']['name']} {container}\n" + site.logs(pod["metadata"]["name"], name, container))
    print(site.cluster.kubectl("logs", "-n", "cloister-system", "-l", "app.kubernetes.io/name=cloister", "--tail=60",
                               check=False).stdout)


def encrypted(site, prefix, *files, name="digits", associated_data=None):
    """Encrypts files to gs://BUCKET/prefix/ with the plugin; returns what it printed to paste: keys and inputs."""
    options = ["--associated-data", associated_data] if associated_data else []
    done = site.plugin("encrypt", *files, f"gs://{BUCKET}/{prefix}/", "--kms-key", KEY, "--name", name, *options)
    return yaml.safe_load(done.stdout)


@pytest.fixture(scope="session")
def digits(site):
    """keys and inputs of the digits, as `kubectl cloister encrypt` prints them."""
    return encrypted(site, "digits", ROOT / "docs/examples/digits/data/digits.csv")


@pytest.fixture(scope="session")
def key_name(digits):
    return digits["keys"][0]["name"]


def published(prefix, key):
    """checkpoints and output below gs://BUCKET/prefix/."""
    return {"checkpoints": {"uri": f"gs://{BUCKET}/{prefix}/checkpoints/", "keyName": key},
            "output": {"uri": f"gs://{BUCKET}/{prefix}/models/", "keyName": key}}


def evaluate(site, job, namespace, directory):
    """Fetches the job's model with the plugin; returns what the digits program says of it."""
    site.plugin("fetch", job, "-n", namespace, "-o", directory / "model")
    model = next((directory / "model").rglob("digits.model"))
    return run(ROOT / "build/bin/digits", "evaluate", model, ROOT / "docs/examples/digits/data").stdout

"""A worker beside the test cloud, and a folder of the bucket for each test."""
import re

import pytest

from kit.cloud import BUCKET, KEY, NODE, RunningCloud, furnish
from kit.cluster import free_port
from kit.reporting import FakeOperator, Reporting
from kit.worker import Worker


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    cloud = RunningCloud(tmp_path_factory.mktemp("cloud"), "--default-account", NODE)
    cloud.start()
    furnish(cloud)
    cloud.api.grant_key(KEY, f"serviceAccount:{NODE}", "roles/cloudkms.cryptoKeyDecrypter")
    cloud.api.grant_bucket(BUCKET, f"serviceAccount:{NODE}", "roles/storage.objectUser")
    yield cloud
    cloud.stop()


@pytest.fixture(autouse=True)
def calm(cloud):
    yield
    cloud.api.clear_faults()
    cloud.api.token_lifetime(3600)


@pytest.fixture
def prefix(request):
    """A folder of the bucket for this test alone."""
    return re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")


@pytest.fixture
def worker(cloud, tmp_path, prefix):
    made = []

    def make(spec=None, folder=prefix, **options):
        directory = tmp_path / f"worker-{len(made)}"
        made.append(Worker(cloud, directory, folder, spec, **options))
        made[-1].start_agent()
        return made[-1]
    yield make
    for one in made:
        one.stop()


@pytest.fixture
def operator(tmp_path):
    (tmp_path / "keys").mkdir()
    operator = FakeOperator(tmp_path / "keys")
    yield operator
    operator.close()


@pytest.fixture
def reporting(cloud, tmp_path, prefix, operator):
    """Like `worker`, with a report server."""
    made = []

    def start(spec=None, **options):
        directory = tmp_path / f"reporting-{len(made)}"
        directory.mkdir()
        (directory / "token").write_text("token-of-the-pod")
        options.setdefault("reports", {"url": operator.url, "ca": (operator.keys / "ca.pem").read_text()})
        made.append(Reporting(cloud, directory, prefix, spec, ports={"progress": free_port(), "metrics": free_port()}, **options))
        made[-1].start_agent()
        return made[-1]
    yield start
    for one in made:
        one.stop()

"""What the operator's tests share: a cluster, and an operator behind a proxy (`kit.site`)."""
import itertools
import json
import re

import pytest

from kit.cluster import run
from kit.office import Office
from kit.site import cluster_with_jobs, make_namespaces, site_in

NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def cluster():
    with cluster_with_jobs("integration") as cluster:
        yield cluster


@pytest.fixture(scope="session")
def site(cluster, tmp_path_factory):
    with site_in(cluster, tmp_path_factory.mktemp("operator")) as site:
        yield site


@pytest.fixture
def namespace(site, request):
    """A confidential namespace, and an operator that runs when the test begins."""
    name = request.node.name.removeprefix("test_").replace("_", "-").replace("[", "-").replace("]", "")[:50].strip("-")
    make_namespaces(site.cluster, name)
    site.proxy.reset()
    if not site.operator.is_running():
        site.operator.stop()
        site.operator.start()
    yield name
    site.proxy.reset()
    if getattr(request.node, "failed", False):
        print(site.operator.log()[-8000:])
        print(run("kubectl", "-n", name, "get", "tjob,pods", "-o", "wide", env=site.cluster.env, check=False).stdout)
    site.cluster.kubectl("delete", "namespace", name, "--wait=false")
    assert site.operator.is_running(), "the operator ended by itself"


# ---- notifications ----
@pytest.fixture(scope="module")
def office(site, tmp_path_factory):
    site.operator.stop()
    office = Office(site, tmp_path_factory.mktemp("office"))
    yield office
    office.close()


@pytest.fixture
def place(office, request):
    """A confidential namespace, and an operator with all targets that runs when the test begins."""
    name = f"notify-{next(NUMBERS)}-" + re.sub("[^a-z]+", "-", request.node.name.removeprefix("test_"))[:40].strip("-")
    make_namespaces(office.site.cluster, name)
    office.define(office.targets)
    office.good.answer, office.good.headers = 200, {}
    if not office.operator.is_running():
        office.restart()
    yield name
    if getattr(request.node, "failed", False):
        print(office.operator.log()[-8000:])
        print(json.dumps(office.api.jobs(name), indent=1)[-6000:])
    office.api.request("DELETE", f"/apis/cloister.dev/v1alpha1/namespaces/{name}/trainingjobs")
    office.site.cluster.kubectl("delete", "namespace", name, "--wait=false")
    assert office.operator.is_running(), "the operator ended by itself"

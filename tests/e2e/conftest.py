"""What the end-to-end tests share: a cluster with a test cloud and Cloister in it, and a namespace for each test."""
import itertools
import os

import pytest

from kit.cloister import describe, encrypted, installed
from kit.cluster import ROOT
from kit.rights import WholeRun

NUMBERS = itertools.count(1)


def pytest_collection_modifyitems(items):
    """What the whole run used is judged at its end."""
    items.sort(key=lambda item: "test_role" in item.nodeid)


@pytest.fixture(scope="session")
def whole_run(tmp_path_factory):
    directory = tmp_path_factory.getbasetemp()
    return WholeRun(directory.parent if "PYTEST_XDIST_WORKER" in os.environ else directory)


@pytest.fixture(autouse=True)
def ended(whole_run, request):
    yield
    whole_run.add_ended(request.node.nodeid)


@pytest.fixture(scope="session")
def site(whole_run):
    """The one that nearly all tests of a process share."""
    with installed("e2e", "cc-0,std-0") as cloister:
        whole_run.add(cloister.cluster)
        yield cloister
        whole_run.keep_rights(cloister.cluster)


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


@pytest.fixture(scope="session")
def digits(site):
    """keys and inputs of the digits, as `kubectl cloister encrypt` prints them."""
    return encrypted(site, "digits", ROOT / "docs/examples/digits/data/digits.csv")


@pytest.fixture(scope="session")
def key_name(digits):
    return digits["keys"][0]["name"]

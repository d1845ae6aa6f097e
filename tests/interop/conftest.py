"""The test cloud on loopback; Google's clients and the plugin for it."""
import json
import os
import uuid
from types import SimpleNamespace

import pytest
import yaml

from kit.api_server import ApiServer
from kit.cloud import KEY, NODE, OWNER, PROJECT, RunningCloud, furnish
from kit.output import FILES, Published
from kit.plugin import Plugin


@pytest.fixture(scope="session")
def running(tmp_path_factory):
    cloud = RunningCloud(tmp_path_factory.mktemp("cloud"), "--default-account", NODE)
    # Before google-auth is imported, which reads them once.
    os.environ["GCE_METADATA_HOST"] = os.environ["GCE_METADATA_IP"] = cloud.metadata
    os.environ["REQUESTS_CA_BUNDLE"] = str(cloud.state / "ca.pem")
    os.environ["NO_PROXY"] = "127.0.0.1"
    cloud.start()
    furnish(cloud)
    yield cloud
    cloud.stop()


@pytest.fixture
def cloud(running):
    yield running
    running.api.clear_faults()
    running.api.token_lifetime(3600)


@pytest.fixture
def clients(cloud, monkeypatch):
    """Google's clients as each account."""
    import google.auth.credentials
    from google.api_core.client_options import ClientOptions
    from google.cloud import kms, storage
    from google.oauth2 import service_account

    # google-auth would ask iamcredentials.googleapis.com, by that name, where an account may be used.
    monkeypatch.setattr(google.auth.credentials.CredentialsWithRegionalAccessBoundary,
                        "_is_regional_access_boundary_lookup_required", lambda self: False)

    def credentials(email):
        return service_account.Credentials.from_service_account_info(
            json.loads((cloud.state / f"{email}.json").read_text()),
            scopes=["https://www.googleapis.com/auth/cloud-platform"])

    def storage_as(email=OWNER, given=None):
        return storage.Client(project=PROJECT, credentials=given or credentials(email),
                              client_options={"api_endpoint": cloud.url})

    def kms_as(email=OWNER, given=None):
        return kms.KeyManagementServiceClient(
            credentials=given or credentials(email), transport="rest",
            client_options=ClientOptions(api_endpoint=f"127.0.0.1:{cloud.port}"))

    def pubsub_as(kind, email=OWNER, given=None):
        from google import pubsub_v1
        client = {"publisher": pubsub_v1.PublisherClient, "subscriber": pubsub_v1.SubscriberClient}[kind]
        return client(credentials=given or credentials(email), transport="rest",
                      client_options=ClientOptions(api_endpoint=f"127.0.0.1:{cloud.port}"))
    return SimpleNamespace(storage=storage_as, kms=kms_as, pubsub=pubsub_as, credentials=credentials)


# ---- the plugin ----
@pytest.fixture
def plugin(cloud, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    return Plugin(cloud, home)


@pytest.fixture
def folder():
    """A folder of the bucket for this test alone."""
    return f"plugin/{uuid.uuid4().hex[:12]}"


@pytest.fixture
def api_server(tmp_path):
    (tmp_path / "api").mkdir()
    server = ApiServer(tmp_path / "api")
    yield server
    server.close()


@pytest.fixture
def kubeconfig(api_server, tmp_path):
    """With a credential plugin beside it, as GKE's."""
    credential = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": api_server.token}}
    helper = tmp_path / "helper"
    helper.write_text(f"#!/bin/sh\n[ -n \"$KUBERNETES_EXEC_INFO\" ] && [ \"$1\" = get-token ] && echo '{json.dumps(credential)}'\n")
    helper.chmod(0o755)
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump({
        "apiVersion": "v1", "kind": "Config", "current-context": "none",
        "clusters": [{"name": "k", "cluster": {"server": api_server.url, "certificate-authority": "api/ca.pem"}}],
        "contexts": [{"name": "clinic", "context": {"cluster": "k", "user": "u", "namespace": "ml"}}],
        "users": [{"name": "u", "user": {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "./helper",
                                                   "args": ["get-token"], "interactiveMode": "Never"}}}]}))
    return path


@pytest.fixture
def fetching(plugin, cloud, api_server, kubeconfig, folder):
    """Publishes and says how to fetch it."""
    class Fetching:
        def publish(self, files=None, **changes):
            key = plugin.yaml("keyset", "--kms-key", KEY, "--name", "results")["keys"][0]
            published = Published(cloud, key, folder, FILES if files is None else files, **changes)
            api_server.jobs["/apis/cloister.dev/v1alpha1/namespaces/ml/trainingjobs/digits"] = published.job
            return published
        arguments = ["fetch", "digits", "--kubeconfig", kubeconfig, "--context", "clinic"]

        def refused(self, *arguments, **env):
            before = sorted(plugin.home.iterdir())
            words = plugin.refused(*self.arguments, *arguments, **env)
            assert sorted(plugin.home.iterdir()) == before, "nothing is left"
            return words
    return Fetching()

"""The test cloud on loopback, and Google's clients for it."""
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kit.cloud import BUCKET, HSM_KEY, KEY, NODE, OWNER, PROJECT, RING, TRAINER, RunningCloud, free_port, furnish  # noqa: E402, F401


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

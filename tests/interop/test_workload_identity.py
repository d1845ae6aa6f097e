"""Pods get tokens of their own Kubernetes service account, and of a Google account when IAM binds it to that."""
import http.client
import http.server
import json
import threading
import urllib.parse

import pytest
import yaml
from kit.cloud import RunningCloud

BUCKET, ACCOUNT = "bound", "bound@clinic.iam.gserviceaccount.com"
TOKEN = "/computeMetadata/v1/instance/service-accounts/default/token"
POOL = "projects/1/locations/global/workloadIdentityPools/test.svc.id.goog"


def pod(address, namespace, account, phase="Running"):
    return {"metadata": {"namespace": namespace, "creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"serviceAccountName": account}, "status": {"phase": phase, "podIP": address}}


class Api(http.server.BaseHTTPRequestHandler):
    """As much of a Kubernetes API server as the lookup of a pod needs. The real one is in the end-to-end tests."""

    pods = [pod("127.0.0.2", "ml", "plain"), pod("127.0.0.3", "ml", "annotated"), pod("127.0.0.4", "other", "annotated"),
            pod("127.0.0.5", "ml", "plain", phase="Succeeded")]

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        assert self.headers["Authorization"] == "Bearer a-token"
        if url.path == "/api/v1/pods":
            field, _, address = urllib.parse.parse_qs(url.query)["fieldSelector"][0].partition("=")
            assert field == "status.podIP"
            answer = {"items": [p for p in self.pods if p["status"]["podIP"] == address]}
        else:
            annotated = {"iam.gke.io/gcp-service-account": ACCOUNT} if url.path.endswith("/annotated") else {}
            answer = {"metadata": {"annotations": annotated} if annotated else {}}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    state = tmp_path_factory.mktemp("workload-identity")
    (state / "kubeconfig").write_text(yaml.safe_dump({
        "current-context": "test", "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "clusters": [{"name": "test", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
        "users": [{"name": "test", "user": {"token": "a-token"}}]}))
    cloud = RunningCloud(state, "--kubeconfig", str(state / "kubeconfig"))
    cloud.start()
    cloud.api.create_bucket(BUCKET)
    cloud.api.put_object(BUCKET, "x", b"x")
    cloud.api.service_account(ACCOUNT)
    cloud.api.grant_account(ACCOUNT, "serviceAccount:test.svc.id.goog[ml/annotated]")
    yield cloud
    cloud.stop()
    server.shutdown()


def get(host, path, source=None, **headers):
    connection = http.client.HTTPConnection(host, timeout=20, source_address=(source, 0) if source else None)
    connection.request("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    response = connection.getresponse()
    return response.status, response.read()


def reads(cloud, source):
    """Status of a read of the object by the pod with that address."""
    status, body = get(cloud.metadata, TOKEN, source, Metadata_Flavor="Google")
    assert status == 200
    connection = http.client.HTTPSConnection("127.0.0.1", cloud.port, timeout=20, context=cloud.api.tls)
    connection.request("GET", f"/storage/v1/b/{BUCKET}/o/x", headers={"Authorization": f"Bearer {json.loads(body)['access_token']}"})
    return connection.getresponse().status


@pytest.mark.parametrize("member", [
    f"principal://iam.googleapis.com/{POOL}/subject/ns/ml/sa/plain", f"principalSet://iam.googleapis.com/{POOL}/namespace/ml"])
def test_a_pod_is_its_service_account(cloud, member):
    assert reads(cloud, "127.0.0.2") == 403
    cloud.api.grant_bucket(BUCKET, member, "roles/storage.objectViewer")
    assert reads(cloud, "127.0.0.2") == 200
    cloud.api.revoke_bucket(BUCKET, member, "roles/storage.objectViewer")
    assert reads(cloud, "127.0.0.2") == 403


def test_a_bound_pod_is_the_google_account(cloud):
    cloud.api.grant_bucket(BUCKET, f"serviceAccount:{ACCOUNT}", "roles/storage.objectViewer")
    assert reads(cloud, "127.0.0.3") == 200
    assert reads(cloud, "127.0.0.2") == 403
    assert get(cloud.metadata, TOKEN.replace("token", "email"), "127.0.0.3", Metadata_Flavor="Google")[1] == ACCOUNT.encode()


def test_an_annotation_without_a_binding_gives_nothing(cloud):
    assert get(cloud.metadata, TOKEN, "127.0.0.4", Metadata_Flavor="Google")[0] == 403


@pytest.mark.parametrize("source", ["127.0.0.5", "127.0.0.6"])
def test_addresses_of_no_running_pod_get_nothing(cloud, source):
    assert get(cloud.metadata, TOKEN, source, Metadata_Flavor="Google")[0] == 404

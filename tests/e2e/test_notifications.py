"""Targets that the chart's values define are told, with nothing but what the chart gives the operator."""
import json
import subprocess
import sys

import pytest

from cloud.iam import workload_principal
from kit.cloister import PROJECT, SYSTEM_NAMESPACE, image, training_job
from kit.cluster import wait_for

TOPIC = f"projects/{PROJECT}/topics/training"
SECRET, KEY, AUTHORIZATION = "ops-webhook", "authorization", "Bearer of-the-receiver"
PORT = 9444
SOURCE = "//tests.example/clusters/e2e"
RECEIVER = """
import http.server, json, ssl, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open(sys.argv[3], "ab") as log:
            log.write(json.dumps({"headers": dict(self.headers), "event": json.loads(body)}).encode() + b"\\n")
        self.send_response(204)
        self.end_headers()
server = http.server.ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[2] + "/server.pem", sys.argv[2] + "/server-key.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""


@pytest.fixture
def told(site, tmp_path):
    """Cloister with a webhook and a topic; afterwards as it was. Gives what the webhook got."""
    log = tmp_path / "got"
    log.touch()
    receiver = site.cluster.start_inside(sys.executable, "-c", RECEIVER, PORT, site.cloud.state, log,
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    site.cloud.api.create_topic(TOPIC)
    member = workload_principal(SYSTEM_NAMESPACE, "cloister-operator")
    site.cloud.api.grant_topic(TOPIC, member, "roles/pubsub.publisher")
    site.cluster.kubectl("create", "secret", "generic", SECRET, "-n", SYSTEM_NAMESPACE, f"--from-literal={KEY}={AUTHORIZATION}")
    webhook = "notifications.targets.ops.webhook"
    site.install(**{
        "notifications.source": SOURCE, "notifications.clusterRanges": "{203.0.113.0/24}",
        f"{webhook}.url": f"https://10.85.0.1:{PORT}/events", f"{webhook}.caBundle": site.cloud.ca.read_text(),
        f"{webhook}.authorizationSecret.name": SECRET, f"{webhook}.authorizationSecret.key": KEY,
        "notifications.targets.audit.pubsub.topic": TOPIC})
    try:
        yield lambda: [json.loads(line) for line in log.read_text().splitlines()]
    finally:
        receiver.terminate()
        site.install()
        site.cluster.kubectl("delete", "secret", SECRET, "-n", SYSTEM_NAMESPACE)


def test_targets_of_the_chart_are_told(site, namespace, told):
    job = training_job("news", namespace, image("toolbox"), ["/bin/true"], notifications=["ops", "audit"])
    site.cluster.apply(job)
    site.wait_phase("news", namespace, "Succeeded")
    wait_for("nothing to be owed", lambda: "notifications" not in site.status("news", namespace))
    uid = site.job("news", namespace)["metadata"]["uid"]
    ids = [f"{uid}.started.1", f"{uid}.succeeded.1"]
    got = [one for one in told() if one["event"]["data"]["name"] == "news"]
    assert sorted(one["event"]["id"] for one in got) == ids
    assert {one["headers"]["Authorization"] for one in got} == {AUTHORIZATION}
    assert {one["event"]["source"] for one in got} == {SOURCE}
    assert sorted(attributes["ce-id"] for _, attributes in site.cloud.api.published(TOPIC)) == ids

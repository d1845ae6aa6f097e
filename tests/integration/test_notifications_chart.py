"""What the chart makes of notifications.targets, and what neither chart nor operator take."""
import json
import re

import pytest

from kit.office import SOURCE, TOPIC
from kit.chart import helm_template, rendered
from kit.cluster import run
from kit.operator_process import BUILD

OPERATOR = BUILD / "bin/cloister-operator"
WEBHOOK = {"webhook": {"url": "https://hooks.example.com/x", "authorizationSecret": {"name": "ops", "key": "token"}}}


def test_the_chart_gives_the_operator_its_targets(cluster, tmp_path):
    targets = {"ops": WEBHOOK, "audit": {"pubsub": {"topic": TOPIC}}}
    objects = rendered({"notifications": {"source": SOURCE, "targets": targets}}, cluster.env)
    text = objects["ConfigMap", "cloister-notifications"]["data"]["notifications.json"]
    file = json.loads(text)
    assert file["source"] == SOURCE and "10.0.0.0/8" in file["clusterRanges"]
    assert file["targets"] == {
        "audit": targets["audit"],
        "ops": {"webhook": {"url": WEBHOOK["webhook"]["url"],
                            "authorizationFile": "/etc/cloister/notifications/authorization/ops"}}}
    pod = objects["Deployment", "cloister-operator"]["spec"]["template"]["spec"]
    volume = next(v for v in pod["volumes"] if v["name"] == "notifications")
    assert volume["projected"]["sources"][1]["secret"] == {
        "name": "ops", "optional": True, "items": [{"key": "token", "path": "authorization/ops"}]}
    operator = pod["containers"][0]
    assert "--notifications-file=/etc/cloister/notifications/notifications.json" in operator["args"]
    assert "--pubsub-endpoint=https://pubsub.googleapis.com" in operator["args"]
    # The operator reads what the chart writes: it gets as far as the next thing that is wrong.
    (tmp_path / "file").write_text(text)
    done = run(OPERATOR, "--worker-image=x", f"--notifications-file={tmp_path}/file", "--kubeconfig=/absent", check=False)
    assert done.returncode == 1 and "/absent does not exist" in done.stdout + done.stderr


def test_the_chart_mounts_nothing_without_targets(cluster):
    objects = rendered({}, cluster.env)
    assert ("ConfigMap", "cloister-notifications") not in objects
    assert "notifications-file" not in json.dumps(objects["Deployment", "cloister-operator"])


@pytest.mark.parametrize("target,field", [
    ({"webhook": {"url": "http://hooks.example.com/"}}, "/url"),
    ({"webhook": {"url": "https://user@hooks.example.com/"}}, "/url"),
    ({"webhook": {"url": "https://h.example/", "caBundle": "none"}}, "/caBundle"),
    ({"webhook": {"url": "https://h.example/"}, "pubsub": {"topic": TOPIC}}, "/x"),
    ({"pubsub": {"topic": "jobs"}}, "/topic"),
    ({}, "/x"),
], ids=["http", "userinfo", "no PEM", "both", "short topic", "neither"])
def test_the_chart_refuses_targets_that_cannot_be(cluster, target, field):
    done = helm_template({"notifications": {"targets": {"x": target}}}, cluster.env, check=False)
    assert done.returncode != 0 and "/notifications/targets" in done.stderr and field in done.stderr


@pytest.mark.parametrize("content,words", [
    ({"targets": {"x": {"webhook": {"url": "http://h.example/"}}}}, "targets.x.webhook.url must be an https:// URL"),
    ({"targets": {"x": {}}}, "targets.x must have either webhook or pubsub"),
    ({"targets": {"x": {"webhook": {"url": "https://h.example/"}, "pubsub": {"topic": TOPIC}}}}, "must have either webhook or pubsub, not both"),
    ({"targets": {"x": {"pubsub": {"topic": "projects/p/topics/"}}}}, "must have the form projects/PROJECT/topics/TOPIC"),
    ({"targets": {"x": {"pubsub": {"topic": "projects/p?/topics/t"}}}}, "must have the form projects/PROJECT/topics/TOPIC"),
    ({"targets": {"x": {"webhook": {"uri": "https://h.example/"}}}}, "unknown field uri in targets.x.webhook"),
    ({"targets": {"x": {"webhook": {"url": "https://h.example/", "authorizationFile": 5}}}},
     "authorizationFile in targets.x.webhook must be a JSON string"),
    ({"targets": {"x": {"webhook": {"url": "https://h.example/", "url caBundle": ""}}}}, "unknown field url caBundle in targets.x.webhook"),
    ({"clusterRanges": ["10.0.0.1/8"]}, "'10.0.0.1/8' is not a range"),
    ({"clusterRanges": "10.0.0.0/8"}, "clusterRanges in the file must be a JSON array"),
    ({"target": {}}, "unknown field target in the file"),
], ids=lambda v: None if isinstance(v, dict) else re.sub("[^a-z]+", "-", v)[:30])
def test_the_operator_refuses_a_file_that_makes_no_sense(tmp_path, content, words):
    (tmp_path / "file").write_text(json.dumps(content))
    done = run(OPERATOR, "--worker-image=x", f"--notifications-file={tmp_path}/file", check=False)
    assert done.returncode == 2 and words in done.stderr

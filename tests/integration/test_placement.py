"""What a job asks of its workers' place, as a real API server and scheduler take it."""
import pytest

from kit.cluster import Failed, wait_for

EVERYTHING = {
    "framework": "PyTorch", "logs": "Discard",
    "env": [{"name": "EMPTY", "value": ""}, {"name": "HOST", "value": "$(MASTER_ADDR)"},
            {"name": "LEVEL", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "level", "optional": True}}},
            {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "token", "key": "t"}}}],
    "ports": [{"name": "board", "containerPort": 6006}, {"name": "udp", "containerPort": 7, "protocol": "UDP"}],
    "volumes": [{"name": "tmp", "mountPath": "/etc/train", "configMap": {"name": "settings", "optional": False}},
                {"name": "token", "mountPath": "/etc/token", "secret": {"secretName": "token", "optional": True}},
                {"name": "scratch", "mountPath": "/scratch", "memory": {"sizeLimit": "2048Ki"}}],
}


def pods_of(site, namespace):
    pods = site.cluster.list("pods", namespace)
    return pods if len(pods) == 2 else None


@pytest.mark.parametrize("spot", ["Never", "Prefer", "Only"], ids=str.lower)
def test_the_api_server_keeps_everything_as_it_was_sent(site, namespace, spot):
    """A pod that came back different would end the job as changed."""
    job = site.job("job", namespace, technology="TDX")
    job["spec"]["trainer"].update(EVERYTHING)
    job["spec"]["trainer"]["resources"] = {"limits": {"cpu": "0.5", "memory": "1024Mi", "nvidia.com/gpu": 1},
                                           "requests": {"cpu": "100m"}}
    job["spec"]["confidential"]["spot"] = spot
    job["spec"]["scheduling"] = {"computeClass": "sealed", "nodeSelector": {"disk": "fast"},
                                 "tolerations": [{"key": "mine", "operator": "Exists"}]}
    site.create(job)
    wait_for("both workers", lambda: pods_of(site, namespace), 30)
    status = wait_for("the scheduler's word", lambda: (s := site.status("job", namespace)).get("reason") in
                      ("WaitingForConfidentialNodes", "Unschedulable", "PodChanged") and s, 30)
    assert (status["phase"], status["reason"]) == ("Pending", "WaitingForConfidentialNodes")


RESERVED = [("PyTorch", "MASTER_ADDR"), ("PyTorch", "PET_NODE_RANK"), ("TensorFlow", "TF_CONFIG"), ("JAX", "JAX_PROCESS_ID"),
            ("JAX", "COORDINATOR_ADDRESS"), ("XGBoost", "DMLC_TASK_ID"), ("XGBoost", "WORKER_ADDRS")]


def test_variables_of_the_framework_are_refused(site, namespace):
    for framework, name in RESERVED:
        job = site.job("job", namespace)
        job["spec"]["trainer"].update(framework=framework, env=[{"name": "A"}, {"name": name, "value": "x"}])
        with pytest.raises(Failed) as refusal:
            site.create(job)
        assert f"set by framework {framework} and must not appear in env" in str(refusal.value) and name in str(refusal.value)


def test_two_volumes_at_one_place_are_refused(site, namespace):
    job = site.job("job", namespace)
    job["spec"]["trainer"]["volumes"] = [{"name": n, "mountPath": "/a", "memory": {"sizeLimit": "1Mi"}} for n in ("a", "b")]
    with pytest.raises(Failed, match="mountPath values must be unique"):
        site.create(job)


def test_ports_of_the_agent_are_refused(site, namespace):
    job = site.job("job", namespace, technology="TDX")
    for number in (19090, 19091):
        job["spec"]["trainer"]["ports"] = [{"name": "web", "containerPort": 8080}, {"name": "own", "containerPort": number}]
        with pytest.raises(Failed) as refusal:
            site.create(job)
        assert "spec.trainer.ports[1].containerPort" in str(refusal.value) and "use another port" in str(refusal.value)
    job["spec"]["trainer"]["ports"] = [{"name": "own", "containerPort": 19091, "protocol": "UDP"}]
    site.create(job)


def test_asks_for_the_next_technology_when_there_is_no_room(site, namespace):
    """No node has TDX, cc-0 has SEV: the second attempt finds its place, and nothing was charged for the first."""
    job = site.job("job", namespace, restarts=0)
    job["spec"]["confidential"].update(technologies=["TDX", "SEV"], fallbackAfterSeconds=10)
    site.create(job)
    wait_for("the first attempt to wait", lambda: (c := site.status("job", namespace).get("conditions")) and
             {"Reconciling", "NodesReady"} <= {x["type"] for x in c} and site.status("job", namespace)["reason"] ==
             "WaitingForConfidentialNodes", 20)
    assert site.status("job", namespace)["confidential"]["requestedTechnology"] == "TDX"
    status = site.wait_for_phase("job", namespace, "Failed")
    assert [(f["attempt"], f["class"], f["reason"]) for f in status["failures"]] == [
        (1, "Resource", "TechnologyUnavailable"), (2, "Internal", "InstallFailed")]
    assert (status["reason"], status["attempt"], status["restarts"], status["disruptions"]) == ("RestartLimitExceeded", 2, 0, 0)
    assert status["confidential"] == {"requestedTechnology": "SEV", "technology": "SEV", "nodes": ["cc-0"]}

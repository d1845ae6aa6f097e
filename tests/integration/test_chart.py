"""What the chart renders for the operator itself, without installing it."""
import re

import pytest
import yaml

from integration.conftest import BUILD
from kit.cluster import ROOT, Failed, run


@pytest.fixture(scope="module")
def render(cluster):
    def render(**values):
        arguments = [a for k, v in {"image.repository": "r/operator", "workerImage.repository": "r/worker", **values}.items()
                     for a in ("--set", f"{k}={str(v).lower() if isinstance(v, bool) else v}")]
        text = run("helm", "template", "cloister", ROOT / "charts/cloister", "-n", "cloister-system", *arguments,
                   env=cluster.env).stdout
        return {(o["kind"], o["metadata"]["name"]): o for o in yaml.safe_load_all(text) if o}
    return render


def deployment(objects):
    return objects["Deployment", "cloister-operator"]


def container(objects):
    return deployment(objects)["spec"]["template"]["spec"]["containers"][0]


def test_two_operators_that_agree_by_a_lease(render):
    objects = render()
    assert deployment(objects)["spec"]["replicas"] == 2
    assert {"--leader-elect", "--leader-elect-resource-namespace=cloister-system",
            "--leader-elect-resource-name=cloister-operator"} <= set(container(objects)["args"])
    rules = objects["Role", "cloister-operator"]["rules"]
    assert [r.get("resourceNames") for r in rules if r["resources"] == ["leases"] and "update" in r["verbs"]] == [
        ["cloister-operator"]], "no Lease but its own"
    spread, = deployment(objects)["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert spread["labelSelector"]["matchLabels"] == deployment(objects)["spec"]["selector"]["matchLabels"]


def test_two_operators_without_a_lease_are_refused(render):
    with pytest.raises(Failed, match="leaderElection.enabled is false: set replicas to 1"):
        render(**{"leaderElection.enabled": False})
    objects = render(**{"leaderElection.enabled": False, "replicas": 1})
    assert not any(a.startswith("--leader-elect") for a in container(objects)["args"])
    assert not any("leases" in r["resources"] for (kind, _), o in objects.items() if kind == "Role" for r in o["rules"])


def test_a_disruption_budget_is_made_when_wanted_and_of_use(render):
    def budgets(**values):
        return [o for (kind, _), o in render(**values).items() if kind == "PodDisruptionBudget"]
    assert not budgets() and not budgets(**{"podDisruptionBudget.enabled": True, "replicas": 1})
    budget, = budgets(**{"podDisruptionBudget.enabled": True})
    assert budget["spec"]["maxUnavailable"] == 1


def test_a_change_of_the_log_level_changes_no_pod(render):
    usual, debug = render(), render(logLevel="debug")
    assert debug["ConfigMap", "cloister-operator"]["data"]["logLevel"] == "debug"
    assert deployment(usual) == deployment(debug)
    with pytest.raises(Failed, match="logLevel"):
        render(logLevel="loud")


def test_monitors_are_made_when_wanted(render):
    usual = render()
    assert not {kind for kind, _ in usual} & {"PodMonitoring", "ServiceMonitor"}
    service = usual["Service", "cloister-operator-metrics"]["spec"]
    assert service["clusterIP"] == "None" and service["ports"][0]["port"] == 8080
    objects = render(**{"metrics.podMonitoring.enabled": True, "metrics.serviceMonitor.enabled": True,
                        "metrics.serviceMonitor.labels.release": "prom", "metrics.port": 9999})
    for kind in ("PodMonitoring", "ServiceMonitor"):
        monitor = objects[kind, "cloister-operator"]
        assert monitor["spec"]["endpoints"] == [{"port": "metrics", "interval": "30s"}]
    assert objects["ServiceMonitor", "cloister-operator"]["metadata"]["labels"]["release"] == "prom"
    labels = objects["Service", "cloister-operator-metrics"]["metadata"]["labels"]
    assert objects["ServiceMonitor", "cloister-operator"]["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert "--metrics-address=0.0.0.0:9999" in container(objects)["args"]
    without = render(**{"metrics.enabled": False})
    assert not any("metrics" in a for a in container(without)["args"])
    assert ("Service", "cloister-operator-metrics") not in without


def test_every_option_of_the_chart_is_one_of_the_program(render):
    known = set(re.findall(r"--[a-z-]+", run(BUILD / "bin/cloister-operator", "--help").stdout))
    objects = render(**{"extraArgs[0]": "--connections=9", "extraEnv[0].name": "CLOISTER_LOG_LEVEL",
                        "extraEnv[0].value": "debug", "watchNamespace": "ml"})
    arguments = container(objects)["args"]
    assert {a.partition("=")[0] for a in arguments} <= known
    assert arguments[-1] == "--connections=9", "the last one counts"
    assert {"name": "CLOISTER_LOG_LEVEL", "value": "debug"} in container(objects)["env"]


def test_a_value_that_does_not_exist_is_refused_with_its_path(render):
    with pytest.raises(Failed, match="leaderElection.*leaseSecond"):
        render(**{"leaderElection.leaseSecond": 10})

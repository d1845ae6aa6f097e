"""What the chart renders for the operator itself, without installing it."""
import re

import pytest
import yaml

from kit.cluster import ROOT, Failed, run
from kit.operator_process import BUILD


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
    assert budget["spec"]["maxUnavailable"] == 1 and budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


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


def test_a_release_of_one_namespace_monitors_the_workers_of_that_namespace_only(render):
    monitors = {"metrics.podMonitoring.enabled": True, "metrics.serviceMonitor.enabled": True}
    everywhere, one = render(**monitors), render(**monitors, watchNamespace="ml")
    assert everywhere["PodMonitor", "cloister-workers"]["spec"]["namespaceSelector"] == {"any": True}
    assert one["PodMonitor", "cloister-workers"]["spec"]["namespaceSelector"] == {"matchNames": ["ml"]}
    assert ("ClusterPodMonitoring", "cloister-workers") in everywhere and ("ClusterPodMonitoring", "cloister-workers") not in one
    workers = one["PodMonitoring", "cloister-workers"]
    assert workers["metadata"]["namespace"] == "ml"
    assert workers["spec"] == everywhere["ClusterPodMonitoring", "cloister-workers"]["spec"]


def test_every_option_of_the_chart_is_one_of_the_program(render):
    known = set(re.findall(r"--[a-z-]+", run(BUILD / "bin/cloister-operator", "--help").stdout))
    objects = render(**{"extraArgs[0]": "--connections=9", "extraEnv[0].name": "CLOISTER_LOG_LEVEL",
                        "extraEnv[0].value": "debug", "watchNamespace": "ml"})
    arguments = container(objects)["args"]
    assert {a.partition("=")[0] for a in arguments} <= known
    assert arguments[-1] == "--connections=9", "the last one counts"
    assert {"name": "CLOISTER_LOG_LEVEL", "value": "debug"} in container(objects)["env"]


@pytest.mark.parametrize("values, says", [
    ({"worker.gracePeriodSeconds": 10}, "worker.reserveSeconds is 20 and worker.gracePeriodSeconds 10"),
    ({"leaderElection.leaseSeconds": 10}, "lower renewSeconds below leaseSeconds"),
    ({"leaderElection.retrySeconds": 9}, "lower retrySeconds"),
    ({"metrics.port": 8081}, "metrics.port is 8081"),
    ({"metrics.port": 9443}, "metrics.port is 9443"),
    ({"image.repository": "r/operator:v1"}, "/image/repository"),
    ({"workerImage.repository": "localhost:5000/worker:v1"}, "/workerImage/repository"),
    ({"endpoints.caBundle": "ca.pem"}, "/endpoints/caBundle"),
    ({"fullnameOverride": "Cloister"}, "/fullnameOverride"),
    ({"nameOverride": "my_cloister"}, "/nameOverride"),
])
def test_what_the_operator_or_the_cluster_would_refuse_is_refused_before_anything_is_installed(render, values, says):
    with pytest.raises(Failed, match=re.escape(says)):
        render(**values)


def test_values_at_the_limit_are_taken_by_the_operator_too(render):
    arguments = container(render(**{"worker.gracePeriodSeconds": 21, "leaderElection.leaseSeconds": 3,
                                    "leaderElection.renewSeconds": 2, "leaderElection.retrySeconds": 1,
                                    "image.repository": "localhost:5000/operator"}))["args"]
    # It has no cluster to work in, and gets as far as to say so.
    done = run(BUILD / "bin/cloister-operator", *(a for a in arguments if not a.startswith(("--report-", "--log-level-file"))),
               check=False, env={"HOME": "/nonexistent"})
    assert done.returncode == 1, done.stderr


def test_a_key_pair_of_the_administrators_own_is_made_by_nobody_else(render):
    def made(**values):
        return [kind for kind, name in render(**values) if name == "cloister-reports-tls" or kind == "Certificate"]
    issuer, own = {"reports.certManager.issuerName": "ca"}, {"reports.existingSecret": "ours"}
    assert (made(), made(**issuer), made(**own)) == (["Secret"], ["Certificate"], [])
    assert made(**issuer, **own) == [], "the one that is there wins"


def test_the_operators_account_has_the_annotations_that_are_wanted(render):
    assert "annotations" not in render()["ServiceAccount", "cloister-operator"]["metadata"]
    account = render(**{r"serviceAccount.annotations.iam\.gke\.io/gcp-service-account": "a@p.iam.gserviceaccount.com"})
    assert account["ServiceAccount", "cloister-operator"]["metadata"]["annotations"] == {
        "iam.gke.io/gcp-service-account": "a@p.iam.gserviceaccount.com"}


def test_a_value_that_does_not_exist_is_refused_with_its_path(render):
    with pytest.raises(Failed, match="leaderElection.*leaseSecond"):
        render(**{"leaderElection.leaseSecond": 10})

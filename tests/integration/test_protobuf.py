"""Pods come to the operator in protobuf; it must read in them what it would read in JSON."""
import copy
import http.client
import json
import time

import pytest

from kit.proxy import PROTOBUF
from test_placement import EVERYTHING
from kit.api import complaint
from kit.cluster import ROOT, run, wait_for
from kit.operator_process import BUILD
from kit.site import END, run_job

# What the operator never writes, or with another value: path in the pod, and what is put there.
SPEC, INSTALL, TRAINER = ("spec",), ("spec", "initContainers", 0), ("spec", "containers", 0)
PROBE = {"exec": {"command": ["/bin/true"]}}
CHANGES = {
    "host network": (SPEC, {"hostNetwork": True}), "host PIDs": (SPEC, {"hostPID": True}), "host IPC": (SPEC, {"hostIPC": True}),
    "no user namespace": (SPEC, {"hostUsers": True}), "one PID namespace": (SPEC, {"shareProcessNamespace": True}),
    "one PID namespace, said": (SPEC, {"shareProcessNamespace": False}),
    "token": (SPEC, {"automountServiceAccountToken": True}), "another account": (SPEC, {"serviceAccountName": "other"}),
    "other affinity": (SPEC, {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
        "nodeSelectorTerms": [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["x"]}]}]}}}}),
    "no affinity": (SPEC, {"affinity": None}),
    "groups": (SPEC + ("securityContext",), {"supplementalGroups": [7]}),
    "sysctl": (SPEC + ("securityContext",), {"sysctls": [{"name": "kernel.shm_rmid_forced", "value": "1"}]}),
    "root": (SPEC + ("securityContext",), {"runAsUser": 0, "runAsNonRoot": False}),
    "other image": (TRAINER, {"image": "other"}), "other command": (TRAINER, {"command": ["x"]}),
    "more arguments": (TRAINER, {"args": ["", "x"]}), "folder": (TRAINER, {"workingDir": "/x"}),
    "variable": (TRAINER, {"env": [{"name": "X", "value": "1"}]}),
    "variable of a resource": (TRAINER, {"env": [{"name": "X", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}}]}),
    "variables": (TRAINER, {"envFrom": [{"configMapRef": {"name": "x"}}]}),
    "privileges": (TRAINER + ("securityContext",), {"privileged": True, "allowPrivilegeEscalation": None}),
    "capability": (TRAINER + ("securityContext",), {"capabilities": {"add": ["SYS_PTRACE"], "drop": ["ALL"]}}),
    "proc": (TRAINER + ("securityContext",), {"seLinuxOptions": {"level": "s0"}}),
    "hook": (TRAINER, {"lifecycle": {"postStart": PROBE}}), "liveness": (TRAINER, {"livenessProbe": PROBE}),
    "startup": (TRAINER, {"startupProbe": PROBE}), "readiness": (TRAINER, {"readinessProbe": PROBE}),
    "readiness by HTTP": (TRAINER, {"readinessProbe": {"httpGet": {"port": 80}}}),
    "sidecar": (INSTALL, {"restartPolicy": "Always"}),
    "mount": (TRAINER, {"volumeMounts": [{"name": "run", "mountPath": "/x", "mountPropagation": "None",
                                          "recursiveReadOnly": "IfPossible", "readOnly": True}]}),
    "part of a volume": (TRAINER, {"volumeMounts": [{"name": "run", "mountPath": "/x", "subPathExpr": "x"}]}),
    "host path": (SPEC + ("volumes", 0), {"emptyDir": None, "hostPath": {"path": "/"}}),
    "disk": (SPEC + ("volumes", 0), {"emptyDir": {}}), "size": (SPEC + ("volumes", 0), {"emptyDir": {"medium": "Memory", "sizeLimit": "3Mi"}}),
    "claim": (SPEC + ("volumes", 0), {"emptyDir": None, "persistentVolumeClaim": {"claimName": "x"}}),
    "some of a secret": (SPEC + ("volumes", 0), {"emptyDir": None, "secret": {"secretName": "x", "items": [{"key": "a", "path": "b"}]}}),
    "another token": (SPEC + ("volumes", 0), {"emptyDir": None, "projected": {"sources": [
        {"serviceAccountToken": {"path": "t", "audience": "x"}}, {"configMap": {"name": "x"}}]}}),
}
# What others may change.
FREE = {
    "nothing": (SPEC, {}), "queue's gate": (SPEC, {"schedulingGates": [{"name": "kueue.x-k8s.io/admission"}]}),
    "resources": (TRAINER, {"resources": {"limits": {"cpu": "2"}}}), "toleration": (SPEC, {"tolerations": [{"operator": "Exists"}]}),
    "pull": (TRAINER, {"imagePullPolicy": "Always"}), "node": (SPEC, {"nodeSelector": {"a": "b", "c": ""}}),
    "podAffinity": (SPEC + ("affinity",), {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "x"}]}}),
}


@pytest.fixture(scope="module")
def api(cluster):
    return cluster.api


@pytest.fixture(scope="module")
def program():
    """Built with the operator's sources."""
    target = BUILD / "tests/integration/pod_facts"
    run("make", "-s", "-C", ROOT, f"BUILD={BUILD}", target)
    return target


def listed(api, path, form):
    """The bytes of a list as the API server writes it in that form."""
    connection = http.client.HTTPSConnection(api.host, api.port, context=api.context, timeout=60)
    connection.request("GET", path, headers={"Accept": form})
    answer = connection.getresponse()
    assert answer.status == 200 and answer.getheader("Content-Type").startswith(form)
    return answer.read()


def read_both(api, program, directory, namespace):
    """{name: facts} as read in JSON and in protobuf, of the same moment."""
    path = f"/api/v1/namespaces/{namespace}/pods"

    def version():
        return json.loads(listed(api, path, "application/json"))["metadata"]["resourceVersion"]

    while True:
        before = version()
        found = []
        for form in ("application/json", PROTOBUF):
            file = directory / "pods"
            file.write_bytes(listed(api, path, form))
            found.append({f["name"]: f for f in map(json.loads, run(program, file).stdout.strip("\n").split("\n"))})
        if version() == before:
            return found


def at(pod, path):
    for step in path:
        pod = pod.setdefault(step, {}) if isinstance(step, str) else pod[step]
    return pod


def changed(pod, name, path, change):
    pod = copy.deepcopy(pod)
    pod["metadata"] = {k: pod["metadata"][k] for k in ("labels", "annotations", "namespace")} | {"name": name}
    for key in ("status", "nodeName", "priority"):
        pod.pop(key, None), pod["spec"].pop(key, None)
    part = at(pod, path)
    part.update(change)
    for key in [k for k, v in part.items() if v is None]:
        del part[key]
    return pod


def rendered(site, namespace):
    """A job with all that a pod of the operator's can have; its workers wait for nodes that there are none of."""
    job = site.job("job", namespace, technology="TDX")
    job["spec"]["trainer"].update(EVERYTHING)
    job["spec"]["confidential"]["spot"] = "Prefer"
    site.create(job)
    return wait_for("the workers", lambda: len(pods := site.cluster.list("pods", namespace)) == 2 and pods, 30)[0]


def test_what_is_read_of_a_pod_is_the_same_in_both_forms(site, api, program, namespace, tmp_path):
    original = rendered(site, namespace)
    site.cluster.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "other", "namespace": namespace}})
    names = {}
    for number, (what, change) in enumerate({**CHANGES, **FREE}.items()):
        names[f"p-{number}"] = what
        status, answer = api.request("POST", f"/api/v1/namespaces/{namespace}/pods", changed(original, f"p-{number}", *change))
        assert status == 201, f"{what}: {complaint(answer)}"
    in_json, in_protobuf = read_both(api, program, tmp_path, namespace)
    assert in_json.keys() == in_protobuf.keys() >= names.keys()
    for name, facts in in_json.items():
        what = names.get(name, "nothing")
        assert facts["is_changed"] == (what in CHANGES), what
        mine = in_protobuf[name]
        # What the operator never writes has another fingerprint here, and is no less a change.
        ours, theirs = facts.pop("fingerprint"), mine.pop("fingerprint")
        assert (ours == theirs) or what in CHANGES, what
        assert facts == mine, what


def test_what_happens_to_a_pod_is_read_the_same_in_both_forms(site, api, program, namespace, tmp_path):
    """Containers that waited, ran and ended, times, messages with all kinds of letters, deletion, a condition of a queue's."""
    assert run_job(site, namespace) == END
    strange = changed(site.cluster.list("pods", namespace)[0], "strange", SPEC, {"nodeSelector": {"none": "such"}})
    strange["metadata"]["finalizers"] = ["example.com/stay"]
    strange["metadata"]["annotations"]["say"] = "\u202e \"quoted\" \\ \n\t\x7f \u2028 \U0001f642"
    assert api.request("POST", f"/api/v1/namespaces/{namespace}/pods", strange)[0] == 201
    ended = {"exitCode": 137, "signal": 9, "reason": "OOM\tKilled", "message": "\u00e9 \"x\" \\ \x01 <&>", "containerID": "a://b",
             "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "1969-12-31T23:59:59Z"}
    # An older mark of a disruption would be taken back by the controller manager.
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    status = {"status": {
        "phase": "Running", "reason": "Why", "message": "line\nline", "startTime": "2000-02-29T12:00:00Z",
        "conditions": [{"type": t, "status": s, "reason": "EvictionByEvictionAPI", "message": "m\u2028", "lastProbeTime": None,
                        "lastTransitionTime": now} for t, s in (
                            ("Ready", "False"), ("DisruptionTarget", "True"), ("example.com/odd", "Unknown"))],
        "initContainerStatuses": [
            {"name": "cloister-agent", "image": "i", "imageID": "sha256:" + "0" * 64, "ready": False, "restartCount": 2, "started": False,
             "state": {"running": {"startedAt": None}}, "lastState": {"terminated": ended}}],
        "containerStatuses": [{"name": "trainer", "image": "i", "imageID": "", "ready": True, "restartCount": 0,
                               "state": {"terminated": ended}}]}}
    code, answer = api.request("PATCH", f"/api/v1/namespaces/{namespace}/pods/strange/status", status, "application/merge-patch+json")
    assert code == 200, complaint(answer)
    site.cluster.kubectl("delete", "pod", "strange", "-n", namespace, "--wait=false")
    try:
        in_json, in_protobuf = read_both(api, program, tmp_path, namespace)
        assert in_json == in_protobuf
        facts = in_protobuf.pop("strange")
        # Of each attempt the worker that failed, and the other if it failed as well before it was deleted.
        assert len(in_protobuf) >= 2 and not any(f["is_changed"] for f in in_protobuf.values())
        assert (facts["is_deleting"], facts["agent_ended_code"], facts["trainer"]["message"]) == (True, 137, ended["message"])
        assert facts["trainer"]["finished_us"] == -1000000 and facts["disruption_message"] == "m\u2028"
    finally:
        site.cluster.kubectl("patch", "pod", "strange", "-n", namespace, "--type=merge", "-p", '{"metadata":{"finalizers":null}}')


def test_a_server_may_answer_in_json(site, namespace):
    """A proxy on the way, or an API server of another kind, need not know protobuf."""
    met = []

    def fault(request):
        if not request.accepts_protobuf:
            return None
        met.append(request.is_watch)
        return ("as JSON",)

    site.proxy.faults.append(fault)
    site.operator.stop()
    site.operator.start()
    assert run_job(site, namespace) == END
    assert set(met) == {True, False}


def test_pods_are_asked_for_in_protobuf(site, namespace):
    site.proxy.requests.clear()
    site.operator.stop()
    site.operator.start()
    assert run_job(site, namespace) == END
    asked = {r.path.split("?")[0] for r, _ in site.proxy.requests if r.accepts_protobuf}
    assert asked == {"/api/v1/pods"}

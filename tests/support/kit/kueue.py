"""Plays Kueue's part for plain pod groups, as its pod integration plays it; no Kueue runs in these tests.

What its webhook does to a pod at creation (gate, finalizer, label) is done by a MutatingAdmissionPolicy; what its
controller does, by reconcile().
"""
import json
import threading
import time

PREFIX = "kueue.x-k8s.io/"
QUEUE, GROUP, TOTAL, RETRIABLE = (PREFIX + x for x in
                                  ("queue-name", "pod-group-name", "pod-group-total-count", "retriable-in-group"))
MANAGED = PREFIX + "managed"
GATE = PREFIX + "admission"
# What Kueue makes one role of: pods that differ here are of different roles.
SHAPE = ("affinity", "tolerations", "priorityClassName", "runtimeClassName", "topologySpreadConstraints", "overhead")

WEBHOOK = [
    {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicy", "metadata": {"name": "kueue"},
     "spec": {
         "matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"],
                                                 "resources": ["pods"]}],
                              "objectSelector": {"matchExpressions": [{"key": QUEUE, "operator": "Exists"}]}},
         "failurePolicy": "Fail", "reinvocationPolicy": "Never",
         "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": f"""Object{{
             metadata: Object.metadata{{labels: {{"{MANAGED}": "true"}}, finalizers: ["{MANAGED}"]}},
             spec: Object.spec{{schedulingGates: [Object.spec.schedulingGates{{name: "{GATE}"}}]}}}}"""}}]}},
    {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicyBinding", "metadata": {"name": "kueue"},
     "spec": {"policyName": "kueue"}},
]


def is_active(pod):
    """A pod counts unless it is Failed, or is deleted and has no node."""
    is_leaving = "deletionTimestamp" in pod["metadata"] and not pod["spec"].get("nodeName")
    return pod["status"].get("phase") != "Failed" and not is_leaving


def is_gated(pod):
    return any(g["name"] == GATE for g in pod["spec"].get("schedulingGates", []))


def shape(pod):
    spec = pod["spec"]
    containers = [(c["name"], c.get("resources"), c.get("ports")) for c in spec["initContainers"] + spec["containers"]]
    return json.dumps([[spec.get(key) for key in SHAPE], containers], sort_keys=True)


class Kueue:
    def __init__(self, cluster, namespace):
        self.cluster, self.namespace = cluster, namespace
        self.selector = None    # nodeLabels of the flavor in which groups are admitted; None: they wait
        self.workloads = set()  # groups that were composed
        self.finished = set()
        self.excess = []        # names of pods that Kueue would have deleted as too many
        self.shapes = {}
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        while not self.stopping.is_set():
            self.reconcile()
            time.sleep(0.3)

    def start(self):
        self.thread.start()

    def stop(self):
        self.stopping.set()
        self.thread.join()

    def pods(self):
        return [p for p in self.cluster.list("pods", self.namespace) if p["metadata"].get("labels", {}).get(MANAGED) == "true"]

    def patch(self, pod, body, *options):
        self.cluster.kubectl("patch", "pod", pod["metadata"]["name"], "-n", self.namespace, "--type=merge", *options, "-p",
                             json.dumps(body), check=False)

    def reconcile(self):
        groups = {}
        for pod in self.pods():
            groups.setdefault(pod["metadata"]["labels"][GROUP], []).append(pod)
        for name, pods in groups.items():
            self._reconcile(name, pods)

    def _reconcile(self, name, pods):
        total = int(pods[0]["metadata"]["annotations"][TOTAL])
        active = [p for p in pods if is_active(p)]
        self.shapes.setdefault(name, set()).update(shape(p) for p in pods)
        if len(active) > total:
            newest = sorted((p for p in active if is_gated(p)), key=lambda p: p["metadata"]["creationTimestamp"])
            self.excess += [p["metadata"]["name"] for p in newest[total - len(active):]]
        if len(active) == total and len(pods) >= total:
            self.workloads.add(name)
        is_over = any(p["metadata"]["annotations"].get(RETRIABLE) == "false" for p in pods)
        if (is_over and not active) or sum(p["status"].get("phase") == "Succeeded" for p in pods) == total:
            self.finished.add(name)
        for pod in pods:
            is_replaced = not is_active(pod) and len(active) >= total
            if pod["metadata"].get("finalizers") and (name in self.finished or is_replaced):
                self.patch(pod, {"metadata": {"finalizers": None}})
            elif self.selector is not None and name in self.workloads and is_gated(pod) and is_active(pod):
                self.patch(pod, {"spec": {"schedulingGates": None, "nodeSelector": self.selector}})

    def evict(self):
        """Preempted: the condition, then the deletion."""
        self.selector = None
        for pod in filter(is_active, self.pods()):
            conditions = [*pod["status"].get("conditions", []),
                          {"type": "TerminationTarget", "status": "True", "reason": "WorkloadEvicted",
                           "message": "Preempted to accommodate a workload of higher priority",
                           "lastTransitionTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}]
            self.patch(pod, {"status": {"conditions": conditions}}, "--subresource=status")
            self.cluster.kubectl("delete", "pod", pod["metadata"]["name"], "-n", self.namespace, "--wait=false")

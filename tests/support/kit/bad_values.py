"""Bad input, made from the CRD's schema: for each field of a TrainingJob its limits and one beyond, empty, absent, of the
wrong type, and what somebody would write who means harm.

A case is a whole job. `FULL` has every field of spec in use, so that each can be reached by changing one place.
"""
import copy
import json
from dataclasses import dataclass

import yaml

from kit.cluster import ROOT

SPEC = yaml.safe_load((ROOT / "crds/cloister.dev_trainingjobs.yaml").read_text())[
    "spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]

ABSENT = object()

HOSTILE = {
    "a NUL": "a\x00b", "control characters": "\x1b[2J\x07\x7f", "a line break": "a\nb", "blanks": "   ",
    "text from right to left": "\u202e\u2066gpj.exe", "an emoji": "\U0001f642", "combining marks": "e" + "\u0301" * 12,
    "a path upwards": "../../../etc/passwd", "an absolute path": "/etc/shadow", "a shell's words": "$(touch /tmp/x); `id` | sh",
    "the end of a JSON text": '"}],"x":{"a":["', "a label selector": "a=b,c!=d", "a header": "x\r\nX-Injected: 1",
    "a format": "%s%n%99999d", "variables": "$(HOME) ${HOME} $$(HOME) {{.Values}}", "an option": "--kubeconfig=/x",
    "the metadata server": "http://169.254.169.254/", "a large number": str(2**63), "an exponent": "1e400", "a sign": "-1Gi",
    "a word of YAML": "yes",
}
# What is tried behind a good beginning, so that a check of the beginning alone is found.
ENDINGS = ("a NUL", "control characters", "a path upwards", "the end of a JSON text", "a header")
# Enums are refused whole.
NO_WORDS = ("a NUL", "an emoji", "a word of YAML")
NUMBERS = [-2**63 - 1, -2**63, -2**31 - 1, -1, 0, 1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 10**30, 0.5, 1e308]
OTHER_TYPES = {"string": [7, True, [], {}], "integer": ["1", True, [], {}], "boolean": ["true", 1, [], {}],
               "array": ["x", 1, {}, [None]], "object": ["x", 1, []], "": [True, [], {}]}

KEY = {"kmsKeyName": "projects/p/locations/l/keyRings/r/cryptoKeys/k", "wrappedKeyset": "AAAA"}
FULL = {
    "suspend": False, "managedBy": "cloister.dev/operator", "serviceAccountName": "default",
    # No node of the tests' cluster is of this kind: whatever is accepted waits.
    "confidential": {"technologies": ["TDX"], "attestation": "None", "fallbackAfterSeconds": 0, "spot": "Never", "requireHSM": True},
    "replicas": 1,
    "trainer": {
        "image": "registry.example/x@sha256:" + "0" * 64, "command": ["/bin/true"], "args": ["a"], "workingDir": "/work",
        "env": [{"name": "PLAIN", "value": "v"},
                {"name": "FROM_CONFIG_MAP", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k", "optional": True}}},
                {"name": "FROM_SECRET", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": True}}}],
        "resources": {"limits": {"cpu": "1", "memory": "64Mi"}, "requests": {"cpu": "1", "memory": "64Mi"}},
        "framework": "None", "logs": "Node", "ports": [{"name": "web", "containerPort": 80, "protocol": "TCP"}],
        "volumes": [{"name": "c", "mountPath": "/c", "configMap": {"name": "c", "optional": True}},
                    {"name": "s", "mountPath": "/s", "secret": {"secretName": "s", "optional": True}},
                    {"name": "m", "mountPath": "/m", "memory": {"sizeLimit": "1Mi"}}],
        "runAsUser": 1000},
    "scheduling": {
        "nodeSelector": {"no-such": "label"}, "tolerations": [{"key": "k", "operator": "Equal", "value": "v", "effect": "NoExecute",
                                                               "tolerationSeconds": 1}],
        "priorityClassName": "", "computeClass": "", "imagePullSecrets": [{"name": "pull"}]},
    "staging": {"inputLimit": "1Mi", "outputLimit": "1Mi"},
    "keys": [{"name": "data", **KEY}, {"name": "spare", **KEY}],
    "inputs": [{"name": "train", "uri": "gs://bucket/train/", "keyName": "data", "associatedData": "Object"}],
    "checkpoints": {"uri": "gs://bucket/checkpoints/", "keyName": "data"}, "output": {"uri": "gs://bucket/models/", "keyName": "data"},
    "failurePolicy": {
        "maxRestarts": 0, "maxDisruptions": 0, "backoffSeconds": 0, "terminationTimeoutSeconds": 0,
        "rules": [{"action": "Count", "onExitCodes": {"containerName": "trainer", "operator": "In", "values": [1]}},
                  {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}]},
    "activeDeadlineSeconds": 86400, "cleanPodPolicy": "Running", "ttlSecondsAfterFinished": 86400,
    "network": {"egress": "GoogleAPIs", "workerTraffic": "AcceptPlain",
                "additionalEgress": [{"cidr": "192.0.2.0/24", "ports": [{"protocol": "TCP", "port": 443}]}]},
    "notifications": ["ops"],
}


@dataclass
class Case:
    path: tuple  # ("trainer", "env", 0, "name")
    what: str
    value: object
    spec: dict

    @property
    def words(self):
        """The names on the way, without indexes."""
        return [str(step) for step in self.path if not isinstance(step, int)]

    @property
    def field(self):
        """As the API server writes it: spec.trainer.env[0].name."""
        return "spec" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)

    def __str__(self):
        return f"{self.field}: {self.what}"


def places(schema, value, path=()):
    """(path, schema) of everything in a value; entries of maps that users name are told by their map."""
    yield path, schema
    if isinstance(value, dict):
        for name, inner in value.items():
            known = schema.get("properties", {}).get(name)
            if known is not None:
                yield from places(known, inner, (*path, name))
            elif "additionalProperties" in schema:
                yield (*path, name), schema["additionalProperties"]
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(schema["items"], inner, (*path, index))


def schema_fields(schema, path=()):
    """Every field below, without indexes."""
    while schema.get("type") == "array":
        schema = schema["items"]
    for name, field in schema.get("properties", {}).items():
        yield (*path, name)
        yield from schema_fields(field, (*path, name))


def texts(schema, value):
    yield "empty", ""
    yield "64 KiB", "m" * (1 << 16)
    for what in NO_WORDS if "enum" in schema else HOSTILE:
        yield what, HOSTILE[what]
    for what in () if "enum" in schema else ENDINGS:
        yield f"{value} and {what}", f"{value}{HOSTILE[what]}"
    if "maxLength" in schema:
        most = schema["maxLength"]
        yield "one character too many", str(value).ljust(most + 1, "a")
        yield "as long as can be", str(value).ljust(most, "a")
        yield "as long as can be, four bytes a character", str(value) + "\U0001f642" * (most - len(str(value)))


def lists(schema, value):
    yield "empty", []
    yield "an entry twice", [*value, value[0]]
    if "maxItems" in schema:
        yield "one entry too many", [several(value[0], i) for i in range(schema["maxItems"] + 1)]
        yield "as many entries as can be", [several(value[0], i) for i in range(schema["maxItems"])]


def several(entry, index):
    """Another entry of its kind: with another name."""
    if isinstance(entry, dict) and "name" in entry:
        return {**entry, "name": f"n{index}", **({"mountPath": f"/n{index}"} if "mountPath" in entry else {})}
    return entry if not isinstance(entry, str) else f"{entry}{index}"


def maps(schema, value):
    some = next(iter(value.values()))
    for what, text in HOSTILE.items():
        yield f"a name that is {what}", {text: some}
    yield "an empty name", {"": some}
    yield "a name of 317 characters", {"n" * 317: some}
    yield "one entry too many", {f"n{i}": some for i in range(schema["maxProperties"] + 1)}
    yield "as many entries as can be", {f"n{i}": some for i in range(schema["maxProperties"])}


def variants(schema, value):
    kind = schema.get("type", "")
    yield "absent", ABSENT
    yield "null", None
    for other in OTHER_TYPES[kind]:
        yield f"{json.dumps(other)}", other
    if kind == "string" or schema.get("x-kubernetes-int-or-string"):
        yield from texts(schema, value)
    if kind == "integer" or schema.get("x-kubernetes-int-or-string"):
        limits = [schema[k] + d for k in ("minimum", "maximum") if k in schema for d in (-1, 0, 1)]
        yield from ((str(n), n) for n in dict.fromkeys(NUMBERS + limits))
    if kind == "boolean":
        yield from (("true", True), ("false", False))
    if kind == "array":
        yield from lists(schema, value)
    if kind == "object":
        yield "empty", {}
        if "properties" in schema:
            yield "an unknown field", {**value, "unknownField": 1}
        elif "additionalProperties" in schema:
            yield from maps(schema, value)
    for word in schema.get("enum", []):
        yield word, word


def replaced(path, value):
    spec = copy.deepcopy(FULL)
    if not path:
        return value if value is not ABSENT else None
    place = spec
    for step in path[:-1]:
        place = place[step]
    if value is not ABSENT:
        place[path[-1]] = value
    else:
        del place[path[-1]]
    return spec


def at(path):
    value = FULL
    for step in path:
        value = value[step]
    return value


def cases():
    """Every field once: the first place where it stands. An entry of a list stands for the others."""
    seen = set()
    for path, schema in places(SPEC, FULL):
        field = tuple("" if isinstance(step, int) else step for step in path)
        if path and field not in seen:
            seen.add(field)
            for what, value in variants(schema, at(path)):
                yield Case(path, what, value, replaced(path, value))

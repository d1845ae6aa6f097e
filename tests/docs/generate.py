#!/usr/bin/env python3
"""Writes the reference pages that follow from the sources, so that they cannot drift: docs/api-reference.md from the CRD,
docs/reasons.md from the tables of errors and reasons, docs/metrics.md from the tables of operator and agent. `stale()` says which are not up to date.
"""
import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
MADE = "<!-- Made by `make docs`; edit the source instead. -->\n"


# ---- the API ----
def type_of(schema):
    if schema.get("x-kubernetes-int-or-string"):
        return "integer or string"
    if schema.get("type") == "array":
        return f"list of {type_of(schema['items'])}"
    if schema.get("type") == "object" and "additionalProperties" in schema:
        return f"map of {type_of(schema['additionalProperties'])}"
    return schema.get("type", "")


def limits_of(schema):
    words = []
    if "enum" in schema:
        words.append("one of " + ", ".join(f"`{v}`" for v in schema["enum"]))
    for key, word in (("minimum", "at least"), ("maximum", "at most")):
        if key in schema:
            words.append(f"{word} {schema[key]}")
    for key, word in (("maxLength", "characters"), ("maxItems", "entries"), ("maxProperties", "entries")):
        if key in schema:
            words.append(f"at most {schema[key]} {word}")
    if "pattern" in schema:
        words.append(f"matches `{schema['pattern']}`")
    return "; ".join(words).replace("|", "\\|")


def rows(schema, prefix, required):
    """(path, type, required, default, limits, description) of every field below the schema."""
    for name, field in schema.get("properties", {}).items():
        path = f"{prefix}{name}"
        default = field.get("default")
        yield (path, type_of(field), name in required, default, limits_of(field), " ".join(field.get("description", "").split()))
        inner = field
        while inner.get("type") == "array":
            inner = inner["items"]
            path += "[]"
        if inner.get("properties"):
            yield from rows(inner, path + ".", inner.get("required", []))


def api_reference():
    crd = yaml.safe_load((ROOT / "crds/cloister.dev_trainingjobs.yaml").read_text())
    version = crd["spec"]["versions"][0]
    schema = version["schema"]["openAPIV3Schema"]
    lines = [MADE, "# API reference", "",
             f"`{crd['spec']['group']}/{version['name']}`, kind `{crd['spec']['names']['kind']}`, short `tjob`, namespaced.", "",
             " ".join(schema["description"].split()), ""]
    for part in ("spec", "status"):
        lines += [f"## {part}", "", " ".join(schema["properties"][part].get("description", "").split()), "",
                  "| field | type | default | meaning |", "|---|---|---|---|"]
        for path, kind, is_required, default, limits, text in rows(schema["properties"][part], "", schema["properties"][part].get("required", [])):
            shown = "required" if is_required else "" if default is None else f"`{yaml.safe_dump(default, default_flow_style=True).splitlines()[0]}`"
            text = text.replace("|", "\\|") + (f" *({limits})*" if limits else "")
            lines.append(f"| `{path}` | {kind} | {shown} | {text} |")
        lines.append("")
    rules = [r["message"] for r in all_rules(schema)]
    lines += ["## Rules that the API server checks", "", *[f"- {' '.join(m.split())}" for m in rules], ""]
    return "\n".join(lines)


def all_rules(schema):
    yield from (r for r in schema.get("x-kubernetes-validations", []) if "message" in r)
    for inner in [*schema.get("properties", {}).values(), schema.get("items", {}), schema.get("additionalProperties", {})]:
        if isinstance(inner, dict) and inner:
            yield from all_rules(inner)


# ---- reasons ----
def table(path, macro):
    """The rows of a .def file, each a list of texts."""
    for row in re.findall(rf"^{macro}\((.*)\)$", (ROOT / path).read_text(), re.M):
        yield [word.strip('"') for word in re.findall(r'"(?:[^"\\]|\\.)*"|[^,\s]+', row)]


def reasons():
    lines = [MADE, "# Reasons", "",
             "The words of `status.reason`, `status.failures[].reason`, conditions and events. *Ends the job*: the same would happen",
             "again. *Repeated*: a new attempt is made, within `failurePolicy`. An event of the same word is written when a state or",
             "failure begins, where the table says so.", "", "## Given by the operator", "",
             "| reason | class | then | event | what to do |", "|---|---|---|---|---|"]
    for reason, failure_class, retry, event, remedy in table("operator/api/reasons.def", "REASON_ROW"):
        then = "state" if failure_class == "None" else "ends the job" if retry == "NEVER" else "repeated"
        lines.append(f"| `{reason}` | {'' if failure_class == 'None' else failure_class} | {then} | "
                     f"{'' if event == 'NONE' else event.capitalize()} | {remedy} |")
    lines += ["", "## Told by a worker's agent", "", "| reason | class | then | what to do |", "|---|---|---|---|"]
    for code, failure_class, reason, retry, remedy in table("lib/base/err.def", "ERR_ROW"):
        if code != "NONE":
            lines.append(f"| `{reason}` | {failure_class} | {'ends the job' if retry == 'NEVER' else 'repeated'} | {remedy} |")
    return "\n".join(lines) + "\n"


# ---- metrics ----
def metric_table(path):
    lines = ["| metric | kind | labels | meaning |", "|---|---|---|---|"]
    for _, kind, name, labels, _, text in table(path, "METRIC_ROW"):
        shown = ", ".join(f"`{label}`" for label in labels.split(",") if label)
        lines.append(f"| `{name}` | {kind.lower()} | {shown} | {text.replace('<', '&lt;')} |")
    return lines


def metrics():
    lines = [MADE, "# Metrics", "",
             "The operator gives them at `/metrics` of its port `metrics` (chart value `metrics.port`), in Prometheus' text format. Those of",
             "controller-runtime and client-go have the names that dashboards know. No label holds the name of a job: there is no end of",
             "them. Counters belong to a process and begin with 0 when it starts; what happens to jobs is counted by the leader only, once",
             "the API server holds it.", "",
             *metric_table("operator/shell/metrics/metrics.def"), "",
             "## Workers", "",
             "The agent of each worker gives these at `/metrics` of its port `agent-metrics` (19090). Rates are those of the counters, as in",
             "`rate(cloister_agent_received_bytes_total[1m])`. The endpoint is one of `metadata`, `kms`, `storage` and `other`.", "",
             *metric_table("worker/agent/metrics.def")]
    return "\n".join(lines) + "\n"


PAGES = {"docs/api-reference.md": api_reference, "docs/reasons.md": reasons, "docs/metrics.md": metrics}


def stale():
    return [path for path, make in PAGES.items() if not (ROOT / path).exists() or (ROOT / path).read_text() != make()]


if __name__ == "__main__":
    for path, make in PAGES.items():
        (ROOT / path).write_text(make())

"""Runs last: the operator's role holds exactly what it used, and what it needs in memory is printed."""
import json

from kit.cloister import SYSTEM_NAMESPACE


def used(site):
    """(group, resource[/subresource], verb) of every request of the operator in the API server's audit log."""
    result = set()
    with open(site.cluster.env["CLOISTER_CLUSTER_AUDIT"], encoding="utf-8") as log:
        for line in log:
            if not line.endswith("\n"):
                break  # it is being written
            entry = json.loads(line)
            if not entry["user"]["username"].startswith(f"system:serviceaccount:{SYSTEM_NAMESPACE}:"):
                continue
            ref = entry.get("objectRef")
            if ref is None:
                continue
            resource = ref["resource"] + (f"/{ref['subresource']}" if ref.get("subresource") else "")
            result.add((ref.get("apiGroup", ""), resource, entry["verb"]))
    return result


def granted(site):
    result = set()
    for kind in ("clusterrole", "role"):
        for role in site.cluster.list(kind, selector="app.kubernetes.io/name=cloister"):
            if any(key.startswith("rbac.authorization.k8s.io/aggregate-to-") for key in role["metadata"].get("labels", {})):
                continue  # for users, not for the operator
            for rule in role["rules"]:
                result |= {(g, r, v) for g in rule["apiGroups"] for r in rule["resources"] for v in rule["verbs"]}
    return result


def test_the_rules_of_the_role_are_exactly_those_that_were_used(site):
    # blockOwnerDeletion is checked by admission against this right; no request ever names it.
    checked_by_admission = {("cloister.dev", "trainingjobs/finalizers", "update")}
    assert granted(site) - checked_by_admission == used(site)
    assert checked_by_admission <= granted(site)
    assert not any("secrets" in resource for _, resource, _ in granted(site))


def test_prints_the_operators_memory(site, capsys):
    done = site.cluster.inside("pgrep", "-f", "^/usr/bin/cloister-operator")
    status = site.cluster.inside("cat", f"/proc/{done.stdout.split()[0]}/status").stdout
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    with capsys.disabled():
        print(f"\noperator: RssAnon {fields['RssAnon'].strip()} (allowance 6 MiB), VmRSS {fields['VmRSS'].strip()}")
    assert int(fields["RssAnon"].split()[0]) > 0

"""Runs last: the operator's role holds exactly what it used, and what it needs in memory is printed."""
from kit.cluster import wait_for


def granted(site):
    result = set()
    for kind in ("clusterrole", "role"):
        for role in site.cluster.list(kind, selector="app.kubernetes.io/name=cloister"):
            if any(key.startswith("rbac.authorization.k8s.io/aggregate-to-") for key in role["metadata"].get("labels", {})):
                continue  # for users, not for the operator
            for rule in role["rules"]:
                result |= {(g, r, v) for g in rule["apiGroups"] for r in rule["resources"] for v in rule["verbs"]}
    return result


def test_the_rules_of_the_role_are_exactly_those_that_were_used(site, whole_run, request):
    others = {item.nodeid for item in request.session.items if item.path != request.path}
    wait_for("the tests of the other processes to end", lambda: others <= whole_run.ended(), 1500, 1)
    # blockOwnerDeletion is checked by admission against this right; no request ever names it.
    checked_by_admission = {("cloister.dev", "trainingjobs/finalizers", "update")}
    assert granted(site) - checked_by_admission == whole_run.used()
    assert checked_by_admission <= granted(site)
    assert not any("secrets" in resource for _, resource, _ in granted(site))


def test_prints_the_operators_memory(site, figure):
    done = site.cluster.inside("pgrep", "-f", "^/usr/bin/cloister-operator")
    status = site.cluster.inside("cat", f"/proc/{done.stdout.split()[0]}/status").stdout
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    figure(f"operator: RssAnon {fields['RssAnon'].strip()} (allowance 6 MiB), VmRSS {fields['VmRSS'].strip()}")
    assert int(fields["RssAnon"].split()[0]) > 0

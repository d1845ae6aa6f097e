"""Which rights the operator used, in all clusters of a run whose tests several processes share."""
import json
from pathlib import Path

from kit.cloister import SYSTEM_NAMESPACE


def rights_in(audit_log):
    """(group, resource[/subresource], verb) of every request of the operator in an API server's audit log."""
    result = set()
    with open(audit_log, encoding="utf-8") as log:
        for line in log:
            if not line.endswith("\n"):
                break  # it is being written
            entry = json.loads(line)
            ref = entry.get("objectRef")
            if ref is None or not entry["user"]["username"].startswith(f"system:serviceaccount:{SYSTEM_NAMESPACE}:"):
                continue
            resource = ref["resource"] + (f"/{ref['subresource']}" if ref.get("subresource") else "")
            result.add((ref.get("apiGroup", ""), resource, entry["verb"]))
    return result


class WholeRun:
    """A directory that all processes of the run write to: the tests that have ended, and of each cluster where its audit
    log is and, once the cluster ends, the rights that were used in it."""

    def __init__(self, directory):
        self.directory, self.ended_file = directory, directory / "ended"

    def add_ended(self, test):
        with open(self.ended_file, "a", encoding="utf-8") as ended:
            ended.write(test + "\n")

    def ended(self):
        return set(self.ended_file.read_text().splitlines()) if self.ended_file.exists() else set()

    def add(self, cluster):
        (self.directory / f"{cluster.name}.log").write_text(cluster.env["CLOISTER_CLUSTER_AUDIT"])

    def keep_rights(self, cluster):
        """Before the cluster goes, and its audit log with it."""
        new = self.directory / f"{cluster.name}.new"
        new.write_text(json.dumps(sorted(rights_in(cluster.env["CLOISTER_CLUSTER_AUDIT"]))))
        new.rename(self.directory / f"{cluster.name}.rights")

    def used(self):
        """The rights that were used in any cluster so far."""
        return set().union(*map(self._of, self.directory.glob("*.log")))

    def _of(self, log):
        kept = log.with_suffix(".rights")
        if not kept.exists():
            try:
                return rights_in(Path(log.read_text()))
            except FileNotFoundError:
                pass  # it has just ended
        return set(map(tuple, json.loads(kept.read_text())))

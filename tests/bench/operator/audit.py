"""What the API server's audit log says of a namespace: who wrote what, and when, by the server's own clock."""
import json
import statistics
from datetime import datetime

from api import AGENT

WRITES = {"create", "update", "patch", "delete", "deletecollection"}
APART = {"events", "leases"}


class Write:
    def __init__(self, entry):
        reference = entry["objectRef"]
        self.agent = entry.get("userAgent", "").partition("/")[0]
        self.verb, self.resource = entry["verb"], reference["resource"]
        self.name, self.subresource = reference.get("name", ""), reference.get("subresource", "")
        self.ended = datetime.fromisoformat(entry["stageTimestamp"].replace("Z", "+00:00")).timestamp()
        self.is_taken = entry.get("responseStatus", {}).get("code", 0) < 300


class Audit:
    """The writes in one namespace. kwok and this benchmark stand beside the controllers, whose writes are counted."""

    def __init__(self, path, namespace):
        self.writes = []
        with open(path, encoding="utf-8") as log:
            for line in log:
                if f'"namespace":"{namespace}"' not in line:
                    continue
                entry = json.loads(line)
                if entry["verb"] in WRITES and entry["stage"] == "ResponseComplete" and \
                        entry.get("objectRef", {}).get("namespace") == namespace:
                    self.writes.append(Write(entry))

    def submissions(self, resource):
        return [w for w in self.writes if w.agent == AGENT and w.verb == "create" and w.resource == resource]

    def by_controllers(self):
        return [w for w in self.writes if w.agent not in (AGENT, "kwok")]

    def counted(self):
        return [w for w in self.by_controllers() if w.resource not in APART]

    def apart(self):
        return [w for w in self.by_controllers() if w.resource in APART]

    def seconds(self, resource):
        """From the first job's creation to the last status that a controller wrote."""
        ends = [w.ended for w in self.counted() if w.resource == resource and w.subresource == "status"]
        return max(ends) - min(w.ended for w in self.submissions(resource))

    def latencies(self, resource):
        """Medians in ms: job created to all its pods created, last pod ended to the job's last status."""
        starts, ends = [], []
        jobs = self.submissions(resource)
        for job, following in zip(jobs, [*jobs[1:], None]):
            # The log does not tell generated names, but only one job at a time is under way.
            span = [w for w in self.writes if w.is_taken and w.ended > job.ended
                    and (following is None or w.ended < following.ended)]
            created = [w.ended for w in span if w.resource == "pods" and w.verb == "create"]
            ended = [w.ended for w in span if w.agent == "kwok"]
            complete = [w.ended for w in span if w.resource == resource and w.subresource == "status"]
            starts.append(max(created) - job.ended)
            ends.append(max(complete) - max(ended))
        return statistics.median(starts) * 1000, statistics.median(ends) * 1000

#!/usr/bin/env python3
"""The operator beside its peers, in one run on this machine: memory, throughput, latency, restart.

Each side has an API server of its own, fresh, with the same scheduler, nodes and load. Prints a table and ends with 1
when a limit is missed. `make bench-operator` installs what it needs. --quick takes a tenth of the load: to try out
changes of the operator, or of this.
"""
import argparse
import json
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))

from api import Count  # noqa: E402
from audit import Audit  # noqa: E402
from kit.cluster import run  # noqa: E402
from plane import Plane  # noqa: E402
from process import Peak  # noqa: E402
from sides import BUILD, Cloister, JobController, JobSet  # noqa: E402
from table import Table  # noqa: E402

SINGLE_JOBS, BURST_JOBS, BURST_WORKERS, STANDING_JOBS, STANDING_WORKERS, RESTARTS = 20, 500, 2, 500, 20, 5


def say(text):
    print(f"{time.strftime('%T')}  {text}", flush=True)


class Run:
    """One side's figures, taken in the order of the methods."""

    def __init__(self, side, plane, share):
        self.side, self.plane, self.api, self.share = side, plane, plane.api, share
        self.controller = side.processes[-1]

    def idle(self):
        self.controller.wait_until_quiet()
        time.sleep(3)
        self.idle_memory = self.controller.memory()

    def jobs(self, namespace, count, workers):
        return [self.side.job(f"{namespace}-{n}", namespace, workers) for n in range(count)]

    def latency(self):
        """One job after the other: nothing waits for anything else."""
        path = self.side.path("single")
        done = Count(self.api, path, self.side.is_complete)
        for number, job in enumerate(self.jobs("single", SINGLE_JOBS, BURST_WORKERS)):
            self.api.call("POST", path, job)
            done.wait("jobs complete", number + 1, 30)
            time.sleep(0.3)
        self.created_ms, self.complete_ms = Audit(self.plane.audit_log, "single").latencies(self.side.resource)

    def burst(self):
        path, count = self.side.path("burst"), BURST_JOBS // self.share
        for process in self.side.processes:
            process.wait_until_quiet()
        before = self.side.cpu()
        done = Count(self.api, path, self.side.is_complete)
        self.api.create_all(path, self.jobs("burst", count, BURST_WORKERS))
        done.wait("jobs complete", count, 300)
        for process in self.side.processes:
            process.wait_until_quiet(600)
        self.burst_cpu = self.side.cpu() - before
        audit = Audit(self.plane.audit_log, "burst")
        pods = count * BURST_WORKERS
        self.pods_a_second = pods / audit.seconds(self.side.resource)
        self.writes, self.writes_apart = len(audit.counted()) / count, len(audit.apart()) / count

    def stand(self):
        """Many pods that run on."""
        path, count = self.side.path("standing"), STANDING_JOBS // self.share
        self.plane.delete_all(self.side, "burst")
        up = Count(self.api, path, self.side.is_up)
        self.api.create_all(path, self.jobs("standing", count, STANDING_WORKERS))
        up.wait("jobs are up", count, 600)
        self.pods = count * STANDING_WORKERS
        self.controller.wait_until_quiet(1200)
        time.sleep(2)
        self.standing_memory = self.controller.memory()

    def restart(self):
        """Some starts over the same objects: the median of what they took, the most that they held."""
        taken, peaks = [], []
        for _ in range(RESTARTS):
            self.controller.stop()
            self.controller.start()
            with Peak(self.controller) as peak:
                taken.append(self.controller.wait_until_quiet())
            peaks.append(peak.highest)
        self.restart_seconds, self.restart_cpu = (statistics.median(figures) for figures in zip(*taken))
        self.restarts = " ".join(f"{seconds:.2f}/{cpu:.2f}" for seconds, cpu in taken)
        self.peak_memory = max(peaks)
        self.settled_memory, self.settled_rss = self.controller.memory(), self.controller.memory("VmRSS")

    def pod_bytes(self):
        """Counted by a program that reduces and stores these very pods with the operator's own code."""
        pods = self.plane.directory / "pods.json"
        pods.write_text(json.dumps(self.api.call("GET", "/api/v1/namespaces/standing/pods?limit=500")))
        self.bytes_a_pod = int(run(BUILD / "bench/pod_bytes", pods).stdout)


def measure(kind, steps, share):
    with Plane() as plane:
        side = kind(plane)
        side.prepare()
        side.start()
        try:
            figures = Run(side, plane, share)
            for step in steps:
                say(f"{side.name}: {step}")
                getattr(figures, step)()
            return figures
        finally:
            side.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the load; its figures are no verdict")
    parser.add_argument("--only", choices=["Cloister"], help="no peers and no table; prints the figures as they are")
    options = parser.parse_args()
    share = 10 if options.quick else 1
    whole = ["idle", "latency", "burst", "stand", "restart"]
    cloister = measure(Cloister, [*whole, "pod_bytes"], share)
    if options.only:
        for name, value in vars(cloister).items():
            if isinstance(value, (int, float)):
                print(f"{name:18} {value:.3f}")
        return 0
    job = measure(JobController, whole, share)
    jobset = measure(JobSet, ["burst"], share)
    return Table(cloister, job, jobset).print()


if __name__ == "__main__":
    sys.exit(main())

"""The figures beside their limits."""

MOST, LEAST = "at most", "at least"


class Table:
    def __init__(self, cloister, job, jobset):
        c, j, s = cloister, job, jobset
        self.rows = [
            self.row("memory, idle (RssAnon)", c.idle_memory, "MiB", MOST, 6.0, f"Job {j.idle_memory:.1f}"),
            self.row(f"memory, {c.pods:,} pods cached", max(c.standing_memory, c.settled_memory), "MiB", MOST, 16.0,
                     f"Job {j.standing_memory:.1f}"),
            self.row("memory, peak of a cold start", c.peak_memory, "MiB", MOST, 1.5 * c.settled_memory,
                     f"Job {j.peak_memory:.1f}"),
            self.row("memory, one cached pod", c.bytes_a_pod, "B", MOST, 600, ""),
            self.row("burst, pods a second", c.pods_a_second, "/s", LEAST, max(j.pods_a_second, s.pods_a_second),
                     f"Job {j.pods_a_second:.1f}, JobSet {s.pods_a_second:.1f}"),
            self.row("burst, CPU of the controller", c.burst_cpu, "s", MOST, j.burst_cpu / 5, f"Job {j.burst_cpu:.2f}"),
            self.row("burst, CPU beside JobSet's chain", c.burst_cpu, "s", MOST, s.burst_cpu / 10, f"JobSet {s.burst_cpu:.2f}"),
            self.row("burst, API writes a job", c.writes, "", MOST, 2 + 8, f"Job {j.writes:.1f}, JobSet {s.writes:.1f}"),
            self.row("burst, events a job (apart)", c.writes_apart, "", None, None,
                     f"Job {j.writes_apart:.1f}, JobSet {s.writes_apart:.1f}"),
            self.row("latency, created to both pods", c.created_ms, "ms", MOST, j.created_ms, f"Job {j.created_ms:.1f}"),
            self.row("latency, last pod ended to Complete", c.complete_ms, "ms", MOST, 30.0, f"Job {j.complete_ms:.1f}"),
            self.row("restart, time until quiet", c.restart_seconds, "s", MOST, j.restart_seconds, f"Job {j.restart_seconds:.2f}"),
            self.row("restart, CPU until quiet", c.restart_cpu, "s", MOST, j.restart_cpu, f"Job {j.restart_cpu:.2f}"),
        ]
        self.notes = [f"RSS of the operator with {c.pods:,} pods, libraries and all: {c.settled_rss:.1f} MiB",
                      f"restarts, s/s of CPU: Cloister {c.restarts}, Job {j.restarts}"]

    @staticmethod
    def row(what, measured, unit, sense, limit, peer):
        is_kept = sense is None or (measured <= limit if sense == MOST else measured >= limit)
        form = f"{{:.{0 if unit == 'B' else 2 if unit == 's' else 1}f}} {unit}"
        bound = f"{sense} {form.format(limit).strip()}" if sense else "-"
        return (what, form.format(measured).strip(), peer, bound, ("kept" if is_kept else "MISSED") if sense else "")

    def print(self):
        rows = [("", "Cloister", "peer", "limit", "verdict"), *self.rows]
        widths = [max(len(row[i]) for row in rows) for i in range(5)]
        print()
        for row in rows:
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
        print(*self.notes, sep="\n")
        return 1 if any(row[4] == "MISSED" for row in self.rows) else 0

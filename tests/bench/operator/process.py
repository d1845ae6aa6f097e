"""Processes that are measured: CPU seconds and anonymous memory, as the kernel counts them."""
import ctypes
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
SETTLED_SPAN, SETTLED_CPU = 2.0, 0.04
MIB = 1024 * 1024


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Process:
    def __init__(self, command, log, **options):
        self.command, self.log, self.options = [str(word) for word in command], Path(log), options
        self.popen = None

    def start(self):
        with open(self.log, "ab") as log:
            self.began = time.monotonic()
            self.popen = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                          preexec_fn=die_with_parent, **self.options)
        return self

    def stop(self, number=signal.SIGTERM):
        if self.popen is not None and self.popen.poll() is None:
            self.popen.send_signal(number)
            try:
                self.popen.wait(10)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()

    def cpu(self):
        """Seconds of user and system time so far, all threads, also those that have ended."""
        if self.popen.poll() is not None:
            raise RuntimeError(f"{self.command[0]} ended with {self.popen.returncode}: see {self.log}")
        fields = Path(f"/proc/{self.popen.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self, kind="RssAnon"):
        """MiB of that kind, a line of /proc/PID/status."""
        for line in Path(f"/proc/{self.popen.pid}/status").read_text().splitlines():
            if line.startswith(kind + ":"):
                return int(line.split()[1]) * 1024 / MIB
        raise RuntimeError(f"no {kind} in /proc/{self.popen.pid}/status")

    def wait_until_quiet(self, timeout=120):
        """Waits until two seconds cost next to nothing; returns how long it was busy since its start, and its CPU then."""
        samples = []
        while True:
            now, used = time.monotonic(), self.cpu()
            samples.append((now, used))
            while now - samples[0][0] > SETTLED_SPAN:
                first = samples.pop(0)
                if used - first[1] <= SETTLED_CPU:
                    return first[0] - self.began, first[1]
            if now - self.began > timeout:
                raise RuntimeError(f"{self.command[0]} is not quiet after {timeout} s")
            time.sleep(0.02)


class Peak(threading.Thread):
    """The highest anonymous memory of a process while the block runs."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.process, self.highest, self.is_over = process, 0.0, False

    def run(self):
        while not self.is_over:
            self.highest = max(self.highest, self.process.memory())
            time.sleep(0.002)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.is_over = True
        self.join()

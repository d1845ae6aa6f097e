"""The cluster's cgroup directories, on cgroup v1 (one tree for each controller) and v2 (one tree)."""
import os
import time
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")


def is_v1():
    return not (ROOT / "cgroup.controllers").exists()


def trees():
    """The top of each hierarchy."""
    if not is_v1():
        return [ROOT]
    return sorted({p.resolve() for p in ROOT.iterdir() if p.is_dir() and (p / "cgroup.procs").exists()})


def enable_controllers(directory):
    """v2: a child has only the controllers that its parent passes on."""
    wanted = (directory / "cgroup.controllers").read_text().split()
    (directory / "cgroup.subtree_control").write_text(" ".join(f"+{c}" for c in wanted))


def leave_root():
    """v2 in a container: processes may not stay beside child groups that have controllers."""
    if (ROOT / "cgroup.type").exists():  # only a group that is not the machine's root has this file
        (ROOT / "cloister-init").mkdir(exist_ok=True)
        for pid in (ROOT / "cgroup.procs").read_text().split():
            try:
                (ROOT / "cloister-init/cgroup.procs").write_text(pid)
            except OSError:
                pass  # it has ended


def make(path):
    """Makes the group /A/B in every hierarchy, usable as a kubelet's root."""
    if not is_v1():
        leave_root()
        enable_controllers(ROOT)
    for tree in trees():
        directory = tree
        for part in path.strip("/").split("/"):
            parent, directory = directory, directory / part
            directory.mkdir(exist_ok=True)
            for name in ("cpuset.cpus", "cpuset.mems"):
                if is_v1() and (directory / name).exists():
                    (directory / name).write_text((parent / name).read_text())
            if not is_v1():
                enable_controllers(directory)


def kill(path):
    """Kills what still runs below the group."""
    for tree in trees():
        for procs in (tree / path.strip("/")).rglob("cgroup.procs"):
            for pid in procs.read_text().split():
                try:
                    os.kill(int(pid), 9)
                except (OSError, ValueError):
                    pass


def remove(path):
    """Removes the group and all below it; waits a little for processes that are just ending."""
    for tree in trees():
        top = tree / path.strip("/")
        for _ in range(100):
            for directory, _, _ in os.walk(top, topdown=False):
                try:
                    os.rmdir(directory)
                except OSError:
                    pass
            if not top.exists():
                break
            time.sleep(0.05)

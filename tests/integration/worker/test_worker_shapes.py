"""Checkpoints of unusual shapes: what programs do with files of which the kernel tells little, or nothing."""
import resource
import time

import pytest
from test_worker_checkpoints import NAME

from kit.cloud import BUCKET
from kit.cluster import wait_for
from kit.worker import FOLDER, committed, data_file, encrypt

WAIT = "while [ ! -e /cloister/run/{0} ]; do sleep 0.1; done; "
PUT = "echo {1} > .t; mv .t {0}; "
LIBC = "import ctypes, os\nlibc = ctypes.CDLL(None)\n"


def python(code):
    return f"python3 -c '{code}'; "


LINKAT = 'fd = os.open(".", os.O_TMPFILE | os.O_RDWR)\nos.write(fd, b"1")\nlibc.linkat(-100, b"/proc/self/fd/%d" % fd, -100, b"a", 0x400)\n'
UNWATCHED = ('os.mkdir(".w")\nopen(".w/a", "w").write("1")\nos.rename(".w/a", "a")\nos.makedirs(".w/d/e")\nopen(".w/d/e/f", "w").write("1")\n'
             'os.rename(".w/d", "d")\nos.rmdir(".w")')
MAP = 'import mmap\nf = open("a", "r+b")\nm = mmap.mmap(f.fileno(), 0)\nm[0:1] = b"2"\nm.close()\nf.close()'
# What a program does that fails two seconds later, and what the next attempt finds.
SHAPES = {
    "a hard link": (PUT.format("a", 1) + "ln a b; " + PUT.format("c", 1), ["a=1", "b=1", "c=1"]),
    "hard links in a directory": (PUT.format("a", 1) + "mkdir .d; ln a .d/b; mv .d d; ", ["a=1", "d/b=1"]),
    "a name for a file that had none": (python(LIBC + LINKAT + "os.close(fd)") + "sleep 2.5; " + PUT.format("c", 1), ["a=1", "c=1"]),
    "the same while it is open": (python(LIBC + LINKAT + 'open(".t", "w").write("1")\nos.rename(".t", "c")\nos.kill(os.getppid(), 9)'), ["c=1"]),
    "a file that is truncated by its name": ("echo 12 > a; " + python('import os\nos.truncate("a", 1)') + "sleep 2.5; " + PUT.format("c", 1),
                                             ["a=1", "c=1"]),
    "renames out of a directory before it is watched": (python("import os\n" + UNWATCHED), ["a=1", "d/e/f=1"]),
    "two files that change places": (PUT.format("a", 1) + "echo 2 > .t; " + python(LIBC + 'libc.renameat2(-100, b".t", -100, b"a", 2)'), ["a=2"]),
    "two directories that change places": (
        "mkdir .d .e; echo 1 > .d/x; mv .d d; echo 2 > .e/y; sleep 1; " + python(LIBC + 'libc.renameat2(-100, b".e", -100, b"d", 2)') +
        "sleep 1; echo 3 > .e/x; " + PUT.format("c", 1), ["c=1", "d/y=2"]),
    "a file renamed into a directory that was named": ("mkdir run; echo 1 > run/a; " + NAME.format("run") + "sleep 2; " + PUT.format("run/b", 2),
                                                       ["run/a=1", "run/b=2"]),
    "everything, with a marker": ("echo 1 > s0; echo 1 > .metadata; ", [".metadata=1", "s0=1"]),
    "a file beside the marker of everything": ("echo 1 > s0; echo 1 > .metadata; sleep 1; " + PUT.format("best", 2), [".metadata=1", "best=2", "s0=1"]),
    "a name that is used again and again": ("for i in 1 2 3 4 5 6 7 8; do echo $i > .t; mv .t a; rm a; done; " + PUT.format("a", 9), ["a=9"]),
    "a link that is swapped": ("mkdir .d; echo 1 > .d/f; mv .d s-1; ln -s s-1/f .l; mv -T .l a; mkdir .d; echo 2 > .d/f; mv .d s-2; ln -s s-2/f .l; "
                               "mv -T .l a; ", ["a=2", "s-1/f=1", "s-2/f=2"]),
    "a file that becomes a directory and a file again": (PUT.format("a", 1) + "rm a; mkdir .t; echo 2 > .t/x; mv .t a; rm -r a; " + PUT.format("a", 3),
                                                         ["a=3"]),
}


@pytest.fixture
def spec(cloud, tmp_path, prefix):
    path, _ = data_file(tmp_path, 1000)
    return encrypt(cloud, prefix, path)


@pytest.fixture
def run(worker, spec):
    def start(script, attempt=1):
        w = worker(spec, attempt=attempt, pod=f"pod-{attempt}")
        w.start_trainer(f"CLOISTER_PROGRESS=/cloister/run/progress; cd /cloister/checkpoints; {script} sleep 2; exit 3")
        return w
    return start


def contents(worker, spec, attempt=2):
    """What the next attempt finds, with what is in it."""
    w = worker(spec, attempt=attempt, pod="last")
    w.start_trainer("cd /cloister/restore && find . ! -type d | sed 's,^[.]/,,' | LC_ALL=C sort | while read f; do echo $f=$(cat $f); done")
    code, message = w.finish()
    assert code == 0, message
    return w.log("trainer").split()


@pytest.mark.parametrize("shape", SHAPES)
def test_the_next_attempt_finds_what_the_program_had(worker, run, spec, shape):
    script, found = SHAPES[shape]
    first = run(script)
    assert first.finish()[0] != 0
    assert contents(worker, spec) == found, first.log("agent")


def stored(cloud, prefix):
    return sorted(n.rsplit("/", 1)[1] for n in cloud.api.objects(BUCKET, prefix=f"{prefix}/ckpt/{FOLDER}") if "/data/" in n)


@pytest.mark.parametrize("then, found, uploads", [(python(MAP), ["a=2", "b=1"], ["a", "a", "b"]), (": >> a; ", ["a=1", "b=1"], ["a", "b"])],
                         ids=["written through a mapping", "opened only"])
def test_a_stored_file_is_stored_again_when_it_has_changed(cloud, worker, run, spec, prefix, then, found, uploads):
    first = run(PUT.format("a", 1) + WAIT.format("go") + then + PUT.format("b", 1))
    wait_for("the first checkpoint", lambda: committed(cloud, prefix, "a"), 30)
    (first.directory / "run/go").touch()
    assert first.finish()[0] == 3
    assert (contents(worker, spec), stored(cloud, prefix)) == (found, uploads)


@pytest.mark.parametrize("then, found", [("", ["c/.metadata=1", "c/s0=1", "c/s1=1"]),
                                         ("echo 2 > c/s1; echo 2 > c/.metadata; ", ["c/.metadata=2", "c/s0=2", "c/s1=2"])], ids=["half", "whole"])
def test_a_marker_that_is_older_than_its_files_completes_nothing_when_the_agent_restarts(cloud, worker, run, spec, prefix, then, found):
    first = run("mkdir c; for f in s0 s1 .metadata; do echo 1 > c/$f; done; " + WAIT.format("go") + "echo 2 > c/s0; touch /cloister/run/half; " +
                WAIT.format("on") + then + PUT.format("other", 1))
    wait_for("the first checkpoint", lambda: committed(cloud, prefix, "c"), 30)
    (first.directory / "run/go").touch()
    wait_for("half of the second", lambda: (first.directory / "run/half").exists(), 30)
    first.kill_agent()
    first.start_agent()
    wait_for("the agent", lambda: "resuming after a restart" in first.log("agent"), 30)
    time.sleep(1)
    (first.directory / "run/on").touch()
    assert first.finish()[0] == 3
    assert contents(worker, spec) == [*found, "other=1"]


def test_what_is_deleted_or_renamed_after_the_agent_was_restarted_stays_so(cloud, worker, run, spec, prefix):
    first = run("".join(PUT.format(f"s-{n}", n) for n in (1, 2, 3, 4)) + PUT.format("junk", 1) + WAIT.format("go") +
                "mv s-2 kept; rm junk s-1; " + PUT.format("s-9", 9) + "sleep 13;")
    wait_for("the first checkpoint", lambda: committed(cloud, prefix, "junk"), 30)
    first.kill_agent()
    first.start_agent()
    wait_for("the agent", lambda: "resuming after a restart" in first.log("agent"), 30)
    time.sleep(1)
    (first.directory / "run/go").touch()
    assert first.finish()[0] == 3
    assert contents(worker, spec) == ["kept=2", "s-3=3", "s-4=4", "s-9=9"]


SLOW = "i=0; while [ ! -e /cloister/run/go ]; do i=$((i+1)); {0}sleep 1.5; done; "
# Programs that save faster than the agent can store.
FAST = {
    "one name": SLOW.format("echo $i > .t; mv .t step; "),
    "the one before is removed": SLOW.format("echo $i > .t; mv .t step-$i; rm -f step-$((i-1)); "),
    "a log beside it": SLOW.format("echo $i >> log.csv; [ $((i%6)) != 1 ] || { echo $i > .t; mv .t step-$i; }; "),
}


@pytest.mark.parametrize("way", FAST)
def test_a_program_that_saves_faster_than_the_agent_stores_has_checkpoints(cloud, run, prefix, way):
    cloud.api.faults([{"match": "POST /upload/.*data/(step|.t)", "times": 1000, "delay_seconds": 4}])
    first = run(FAST[way])

    def manifests():
        return [n for n in cloud.api.objects(BUCKET, prefix=f"{prefix}/ckpt/{FOLDER}") if n.endswith("/manifest")]
    wait_for("two commits while the program runs", lambda: len(manifests()) >= 2, 40)
    (first.directory / "run/go").touch()
    assert first.finish()[0] == 3


# What one attempt leaves, what the next one does, and what the third finds.
ATTEMPTS = {
    "a file becomes a directory": (PUT.format("best", 1), "mkdir .t; echo 2 > .t/x; mv .t best; ", ["best/x=2"]),
    "a directory becomes a file": ("mkdir .t; echo 1 > .t/x; mv .t best; ", PUT.format("best", 2), ["best=2"]),
    "a directory around one": ("mkdir -p run/c-1; echo 1 > run/c-1/a; " + NAME.format("run/c-1"),
                               "mkdir -p run/c-1; echo 2 > run/c-1/a; " + NAME.format("run"), ["run/c-1/a=2"]),
    "a directory in one": ("mkdir -p run/c-1; echo 1 > run/c-1/a; echo 1 > run/b; " + NAME.format("run"),
                           "mkdir -p run/c-1; echo 2 > run/c-1/a; " + NAME.format("run/c-1"), ["run/b=1", "run/c-1/a=2"]),
    "files in one": ("mkdir run; echo 1 > run/a; " + NAME.format("run"), "mkdir run; sleep 1; " + PUT.format("run/b", 2) + PUT.format("run/a", 2),
                     ["run/a=2", "run/b=2"]),
    "a file beside the marker of everything": ("echo 1 > s0; echo 1 > .metadata; ", PUT.format("step-2", 2), [".metadata=1", "s0=1", "step-2=2"]),
}


@pytest.mark.parametrize("way", ATTEMPTS)
def test_an_attempt_can_change_the_shape_of_what_it_restored(worker, run, spec, way):
    one, two, found = ATTEMPTS[way]
    for attempt, script in ((1, one), (2, two)):
        assert run(script, attempt).finish()[0] == 3
    assert contents(worker, spec, 3) == found


def test_a_directory_has_more_files_than_the_agent_may_open(worker, run, spec):
    """The directory appears under its name before it is watched."""
    script = ('import os\nos.mkdir(".d")\nos.mkdir(".d/sub")\nopen(".d/sub/x", "w").close()\n'
              'for i in range(1100): open(f".d/{i}", "w").close()\nos.rename(".d", "d")')
    first = run("touch /cloister/run/up; " + WAIT.format("go") + python(script))
    wait_for("the trainer", lambda: (first.directory / "run/up").exists(), 30)
    resource.prlimit(first.pid("agent"), resource.RLIMIT_NOFILE, (64, 64))
    (first.directory / "run/go").touch()
    assert first.finish(180)[0] == 3
    assert len(contents(worker, spec)) == 1101

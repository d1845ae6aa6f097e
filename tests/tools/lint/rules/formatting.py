"""The C code is formatted as clang-format writes it."""
import re
import subprocess

from tree import Problem


def problems(tree, _):
    if not tree.c_files:
        return
    done = subprocess.run(["clang-format", "--dry-run", "-Werror", *tree.c_files], cwd=tree.root, capture_output=True,
                          text=True)
    for path in sorted(set(re.findall(r"^([^:\n]+):\d+:\d+: error", done.stderr, re.M))):
        yield Problem(path, 0, "not formatted; run 'make fmt'")

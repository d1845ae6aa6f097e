"""A header starts by saying what it is for. (units.py checks that it compiles on its own.)"""
from tree import Problem


def problems(tree, _):
    for path in tree.c_files:
        if path.endswith(".h") and not tree.text(path).startswith("/*"):
            yield Problem(path, 1, "starts without saying what it is for")

"""A header starts with what it is for. (That it compiles alone shows where it is read: units.py.)"""
from tree import Problem


def problems(tree, _):
    for path in tree.c_files:
        if path.endswith(".h") and not tree.text(path).startswith("/*"):
            yield Problem(path, 1, "starts without saying what it is for")

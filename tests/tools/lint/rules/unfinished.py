"""Unfinished work is not committed."""
import re

from tree import Problem

MARK = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")


def problems(tree, _):
    for path in tree.files:
        if not path.endswith((".c", ".h", ".py", ".sh")):
            continue
        for number, line in tree.lines(path):
            if MARK.search(line):
                yield Problem(path, number, "unfinished work is not committed")

"""A file holds at most 400 lines, a function 60: what is larger is split by idea."""
from tree import Problem

MAX_FILE, MAX_FUNCTION = 400, 60


def problems(tree, _):
    for path in tree.product:
        start, length = None, tree.text(path).count("\n")
        if length > MAX_FILE:
            yield Problem(path, 0, f"{length} lines, more than {MAX_FILE}: split it by idea")
        for number, line in tree.lines(path):
            if line == "{":
                start = number
            elif line == "}" and start is not None:
                if number - start - 1 > MAX_FUNCTION:
                    yield Problem(path, start, f"function of {number - start - 1} lines, more than {MAX_FUNCTION}")
                start = None

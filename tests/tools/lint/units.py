"""
Parses the C files with libclang, in several processes.

libclang has the version of Debian's clang, because it uses that compiler's headers. Rules collect what they need in the
process that parsed the file, as plain tuples: cursors cannot be sent to another process.
"""
import os
import subprocess
from concurrent.futures import ProcessPoolExecutor
from ctypes import byref, c_uint
from dataclasses import dataclass

try:
    from clang.cindex import Cursor, Diagnostic, Index, conf
except ModuleNotFoundError:
    raise SystemExit("libclang is in the tests' venv: run 'make lint'") from None
from tree import ROOTS, Problem


@dataclass
class Unit:
    path: str  # relative to the root of the tree
    source: bytes
    top: list[Cursor]  # the declarations of this file itself, not those of its headers
    nodes: list[tuple[Cursor, list[Cursor]]]  # every cursor of the file, with its children

    def offset(self, location):
        """The offset of a location in the file. An argument of a macro has its own; the rest of a macro has that of its use."""
        offset = c_uint()
        conf.lib.clang_getFileLocation(location, None, None, None, byref(offset))
        return offset.value

    def start(self, cursor):
        return self.offset(cursor.extent.start)

    def line(self, cursor):
        return self.source.count(b"\n", 0, self.start(cursor)) + 1

    def text(self, cursor):
        return self.source[self.start(cursor):self.offset(cursor.extent.end)].decode(errors="replace")

    def between(self, left, right):
        """The source from the end of one cursor to the start of another."""
        return self.source[self.offset(left.extent.end):self.start(right)].decode(errors="replace")


def arguments(root):
    headers = subprocess.run(["clang", "-print-file-name=include"], check=True, capture_output=True,
                             text=True).stdout.strip()
    options = ["-std=c17", "-D_GNU_SOURCE", '-DCLOISTER_VERSION="0"', "-isystem", headers]
    for folder in ROOTS:
        options += ["-iquote", str(root / folder)]
    return options


def problems_of(parsed, path, root):
    for found in parsed.diagnostics:
        if found.severity >= Diagnostic.Error:
            place = os.path.relpath(found.location.file.name, root) if found.location.file else path
            yield Problem(place, found.location.line, f"does not compile: {found.spelling}")


def nodes_below(top):
    nodes, pending = [], list(reversed(top))
    while pending:
        cursor = pending.pop()
        below = list(cursor.get_children())
        nodes.append((cursor, below))
        pending.extend(reversed(below))
    return nodes


def read_unit(job):
    """Returns the compiler errors of a file and what each collector yields for it."""
    root, path, options, collectors = job
    full = str(root / path)
    alone = ["-xc", "-include", "stddef.h"] if path.endswith(".h") else []
    parsed = Index.create().parse(full, args=[*options, *alone])
    problems = list(problems_of(parsed, path, root))
    top = [c for c in parsed.cursor.get_children() if c.location.file and c.location.file.name == full]
    unit = Unit(path, (root / path).read_bytes(), top, nodes_below(top))
    return problems, [list(collect(unit)) for collect in collectors]


def collect(tree, collectors):
    """Returns the compiler errors of all C files, and for each collector a list of what it yielded for them."""
    options = arguments(tree.root)
    jobs = [(tree.root, path, options, collectors) for path in tree.c_files]
    problems, collected = [], [[] for _ in collectors]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for bad, parts in pool.map(read_unit, jobs, chunksize=4):
            problems += bad
            for whole, part in zip(collected, parts):
                whole += part
    return sorted(set(problems)), [sorted(whole) for whole in collected]

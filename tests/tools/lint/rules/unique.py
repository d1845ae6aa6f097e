"""In the product a tag (of a struct, union or enum) and a header's file name stand once."""
from pathlib import Path

from clang.cindex import CursorKind
from tree import ROOTS, Problem

TAGGED = {CursorKind.STRUCT_DECL, CursorKind.UNION_DECL, CursorKind.ENUM_DECL}


def collect(unit):
    """(tag, file, line)"""
    if unit.path.split("/")[0] not in ROOTS:
        return
    for cursor, _ in unit.nodes:
        if cursor.kind in TAGGED and cursor.is_definition() and cursor.spelling.isidentifier():
            yield cursor.spelling, unit.path, cursor.location.line


def problems(tree, collected):
    places = {}
    for tag, path, line in collected:
        places.setdefault(f"the tag '{tag}'", []).append((path, line))
    for path in tree.product:
        if path.endswith(".h"):
            places.setdefault(f"the header's name {Path(path).name}", []).append((path, 0))
    for what, where in sorted(places.items()):
        (path, line), *others = sorted(set(where))
        if others:
            yield Problem(path, line, f"{what} stands again in " + ", ".join(f"{p}:{n}" if n else p for p, n in others))

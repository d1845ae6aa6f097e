"""In the product, each tag (of a struct, union or enum) and each header's file name exists once."""
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


def twice(places):
    """Name -> (its first place, the others), of what has several."""
    return {name: (first, others) for name, (first, *others) in ((n, sorted(set(p))) for n, p in sorted(places.items())) if others}


def problems(tree, collected):
    tags, headers = {}, {}
    for tag, path, line in collected:
        tags.setdefault(tag, []).append((path, line))
    for path in tree.product:
        if path.endswith(".h"):
            headers.setdefault(Path(path).name, []).append(path)
    for tag, ((path, line), others) in twice(tags).items():
        yield Problem(path, line, f"the tag '{tag}' is also defined in " + ", ".join(f"{p}:{n}" for p, n in others))
    for name, (path, others) in twice(headers).items():
        yield Problem(path, 0, f"another header is named {name}: " + ", ".join(others))

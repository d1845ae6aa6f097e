"""A public name of NAME.c is declared in NAME.h, or in an internal header (*_int.h) of its folder."""
import re

from clang.cindex import CursorKind, LinkageKind, StorageClass
from tree import ROOTS, Problem, folder_of

INTERNAL = re.compile(r"_int\.h$")
KINDS = {CursorKind.FUNCTION_DECL, CursorKind.VAR_DECL}


def collect(unit):
    """("defines" or "declares", name, file, line) of each public function and object."""
    for top in unit.top:
        if top.kind not in KINDS or top.linkage != LinkageKind.EXTERNAL:
            continue
        if unit.path.endswith(".h"):
            yield "declares", top.spelling, unit.path, top.location.line
        elif top.is_definition() or top.kind == CursorKind.VAR_DECL and top.storage_class != StorageClass.EXTERN:
            yield "defines", top.spelling, unit.path, top.location.line


def problems(tree, collected):
    headers, defined = {}, {name for kind, name, _, _ in collected if kind == "defines"}
    for kind, name, path, line in collected:
        if kind == "declares":
            headers.setdefault(name, set()).add(path)
            if name not in defined:
                yield Problem(path, line, f"{name} is declared but never defined")
    for kind, name, path, line in collected:
        # Only the product: the simulation's rig replaces functions that the product's headers declare.
        if kind != "defines" or name == "main" or path.split("/")[0] not in ROOTS:
            continue
        own, declared = path.removesuffix(".c") + ".h", headers.get(name, set())
        if not any(h == own or folder_of(h) == folder_of(path) and INTERNAL.search(h) for h in declared):
            where = ", ".join(sorted(declared)) or "no header"
            yield Problem(path, line, f"{name} is declared in {where}, not in {own} or a *_int.h beside it")

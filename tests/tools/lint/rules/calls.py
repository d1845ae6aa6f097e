"""No circular calls between files: if one file calls another, that one does not call back, not even through a third."""
from clang.cindex import CursorKind, LinkageKind
from tree import ROOTS, Problem


def collect(unit):
    """("defines", function, file, line) and ("uses", function, file, line) of what is public."""
    if not unit.path.endswith(".c") or unit.path.split("/")[0] not in ROOTS:
        return
    for top in unit.top:
        if top.kind == CursorKind.FUNCTION_DECL and top.is_definition() and top.linkage == LinkageKind.EXTERNAL:
            yield "defines", top.spelling, unit.path, top.location.line
    for cursor, _ in unit.nodes:
        meant = cursor.referenced if cursor.kind == CursorKind.DECL_REF_EXPR else None
        if meant is not None and meant.kind == CursorKind.FUNCTION_DECL and meant.linkage == LinkageKind.EXTERNAL:
            yield "uses", cursor.spelling, unit.path, cursor.location.line


def graph_of(collected):
    """File -> {file that it calls: (function, line)}. A program's own function hides one of the library."""
    homes = {}
    for kind, function, path, _ in collected:
        if kind == "defines":
            homes.setdefault(function, []).append(path)
    graph = {}
    for kind, function, path, line in collected:
        if kind == "uses" and function in homes:
            there = sorted(homes[function], key=lambda home: home.split("/")[0] != path.split("/")[0])[0]
            if there != path:
                graph.setdefault(path, {}).setdefault(there, (function, line))
    return graph


def way(graph, start, end):
    """The shortest way from one file to another, both included, or None."""
    before, pending = {start: None}, [start]
    for here in pending:
        if here == end:
            trail = []
            while here is not None:
                trail.append(here)
                here = before[here]
            return trail[::-1]
        for there in sorted(graph.get(here, {})):
            if there not in before:
                before[there] = here
                pending.append(there)
    return None


def problems(tree, collected):
    graph = graph_of(collected)
    told = set()
    for path in sorted(graph):
        for there in sorted(graph[path]):
            back = way(graph, there, path)
            if back is None or frozenset(back) in told:
                continue
            told.add(frozenset(back))
            circle = [path, *back]
            calls = ", ".join(f"{a} calls {graph[a][b][0]}() of {b}" for a, b in zip(circle, circle[1:]))
            yield Problem(path, graph[path][there][1], f"circular calls: {calls}")

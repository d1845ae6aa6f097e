"""A function, or a pointer to one, takes at most six parameters."""
from clang.cindex import CursorKind, TypeKind
from tree import Problem

MAX_PARAMETERS = 6
POINTERS = {CursorKind.FIELD_DECL, CursorKind.TYPEDEF_DECL, CursorKind.VAR_DECL, CursorKind.PARM_DECL}


def parameters(cursor):
    kind = cursor.type.get_canonical()
    if kind.kind == TypeKind.POINTER:
        kind = kind.get_pointee()
    return len(kind.argument_types()) if kind.kind == TypeKind.FUNCTIONPROTO else 0


def collect(unit):
    """(file, line, name, number of parameters) of each definition; what only declares a function says the same."""
    for cursor, _ in unit.nodes:
        if cursor.kind in POINTERS or cursor.kind == CursorKind.FUNCTION_DECL and cursor.is_definition():
            yield unit.path, cursor.location.line, cursor.spelling, parameters(cursor)


def problems(tree, collected):
    for path, line, name, count in collected:
        if count > MAX_PARAMETERS:
            yield Problem(path, line, f"{name} takes {count} parameters, more than {MAX_PARAMETERS}")

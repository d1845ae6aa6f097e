"""
Pointers and characters are compared and never used as truth values: p == NULL, p != NULL, *s == '\\0', *s != '\\0'.
Booleans and numbers may be tested as they are.
"""
import re

from clang.cindex import CursorKind, TypeKind
from tree import Problem

TRANSPARENT = {CursorKind.UNEXPOSED_EXPR, CursorKind.PAREN_EXPR}
NOTHING = {"pointer": "NULL", "character": "'\\0'"}
CHARACTERS = {TypeKind.CHAR_S, TypeKind.SCHAR}


def bare(cursor):
    """The expression within parentheses and implicit conversions."""
    while cursor.kind in TRANSPARENT:
        inside = list(cursor.get_children())
        if len(inside) != 1:
            break
        cursor = inside[0]
    return cursor


def kind_of(cursor):
    kind = bare(cursor).type.get_canonical().kind
    if kind in (TypeKind.POINTER, TypeKind.CONSTANTARRAY):
        return "pointer"
    return "character" if kind in CHARACTERS else None


def condition_of_for(unit, cursor, parts):
    """The expression between the two semicolons of a for."""
    start, end = unit.start(cursor), unit.start(parts[-1])
    ends = [start + m.start() for m in re.finditer(rb";", unit.source[start:end])]
    return [p for p in parts[:-1] if len(ends) > 1 and ends[0] < unit.start(p) < ends[1]]


def operator_of(unit, cursor, parts):
    """The operator of a logical expression or a comparison, and the constant on its right, if that is one."""
    if cursor.kind != CursorKind.BINARY_OPERATOR or len(parts) != 2:
        return None, None
    found = re.match(r"[)\s]*(&&|\|\||==|!=)", unit.between(*parts))
    if not found:
        return None, None
    constant = re.match(rb"(NULL|0|'\\0')(?!['\w.])", unit.source[unit.start(parts[1]):][:5])
    return found[1], constant and constant[1].decode()


def conditions(unit, cursor, parts):
    """The expressions below a cursor that are used as truth values."""
    kind = cursor.kind
    if kind in (CursorKind.IF_STMT, CursorKind.WHILE_STMT, CursorKind.CONDITIONAL_OPERATOR):
        return parts[:1]
    if kind == CursorKind.DO_STMT:
        return parts[-1:]
    if kind == CursorKind.FOR_STMT:
        return condition_of_for(unit, cursor, parts)
    if kind == CursorKind.UNARY_OPERATOR:
        # (void)!f() discards a result that the compiler wants to be checked.
        start = unit.start(cursor)
        return parts if unit.source[start:start + 1] == b"!" and not unit.source[:start].endswith(b"(void)") else []
    if kind in (CursorKind.UNEXPOSED_EXPR, CursorKind.CSTYLE_CAST_EXPR):
        return parts[-1:] if cursor.type.get_canonical().kind == TypeKind.BOOL else []
    return parts if operator_of(unit, cursor, parts)[0] in ("&&", "||") else []


def constant(unit, cursor):
    """The source of an expression that is a constant."""
    text = unit.text(cursor)
    return text if text in ("NULL", "0", "'\\0'", '""') else None


def is_emptiness(unit, left, value):
    """Whether a comparison tests for an empty string in another way than by *s."""
    if value == "0" and left.kind == CursorKind.CALL_EXPR:
        given = [constant(unit, bare(a)) for a in left.get_arguments()]
        return left.spelling == "strlen" or left.spelling == "strcmp" and '""' in given
    if value == "'\\0'" and left.kind == CursorKind.ARRAY_SUBSCRIPT_EXPR:
        return constant(unit, bare(list(left.get_children())[-1])) == "0"
    return False


def misfit(unit, cursor, parts):
    """What is wrong with a comparison for NULL or emptiness, or None."""
    operator, value = operator_of(unit, cursor, parts)
    if operator not in ("==", "!="):
        return None
    left = bare(parts[0])
    if constant(unit, left) in ("NULL", "'\\0'"):
        return "put the constant on the right of == and !="
    if value == "0" and kind_of(left) is not None:
        return f"compare a {kind_of(left)} with {NOTHING[kind_of(left)]}, not with 0"
    return "test whether a string is empty with *s == '\\0'" if is_emptiness(unit, left, value) else None


def collect(unit):
    """(file, line, what is wrong)"""
    for cursor, parts in unit.nodes:
        wrong = misfit(unit, cursor, parts)
        if wrong is not None:
            yield unit.path, unit.line(cursor), wrong
        for tested in conditions(unit, cursor, parts):
            kind = kind_of(tested)
            if kind is not None:
                yield (unit.path, unit.line(tested),
                       f"compare the {kind} {unit.text(bare(tested))} with {NOTHING[kind]} instead of testing its truth")


def problems(tree, collected):
    for found in sorted(set(collected)):
        yield Problem(*found)

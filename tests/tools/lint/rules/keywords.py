"""No name is a keyword of C++: readers and editors would take it for one."""
from tree import Problem

KEYWORDS = set("""
    alignas alignof and and_eq asm bitand bitor bool catch char8_t char16_t char32_t class co_await co_return co_yield
    compl concept const_cast consteval constexpr constinit decltype delete dynamic_cast explicit export false friend
    mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public reinterpret_cast
    requires static_assert static_cast template this thread_local throw true try typeid typename using virtual wchar_t
    xor xor_eq
""".split())


def collect(unit):
    for cursor, _ in unit.nodes:
        if cursor.kind.is_declaration() and cursor.spelling in KEYWORDS:
            yield unit.path, cursor.location.line, cursor.spelling


def problems(tree, collected):
    for path, line, name in collected:
        yield Problem(path, line, f"the name {name} is a keyword of C++")

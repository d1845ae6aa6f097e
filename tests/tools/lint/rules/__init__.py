"""
The rules, one per module. Each has problems(tree, collected). A rule about the meaning of C also has collect(unit), which
runs in the process that parsed the file; `collected` is what it yielded for all files.
"""
import units
from rules import (calls, chart, declarations, formatting, headers, includes, keywords, mentions, signatures, sizes, truth,
                   unfinished, unique)

RULES = [includes, calls, declarations, signatures, keywords, truth, unique, sizes, headers, formatting, mentions, unfinished,
         chart]


def check(tree, rules=RULES):
    """{name of the rule: its problems}"""
    collecting = [rule for rule in rules if hasattr(rule, "collect")]
    broken, collected = units.collect(tree, [rule.collect for rule in collecting])
    of = dict(zip(collecting, collected))
    found = {rule.__name__.split(".")[-1]: list(rule.problems(tree, of.get(rule))) for rule in rules}
    return {"compiles": broken, **found}

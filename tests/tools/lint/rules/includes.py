"""Which folder may include which, which folders do no I/O, and which folders may use which library."""
import re

from tree import ROOTS, Problem, folder_of

# Folder -> rank. A folder includes itself and lower ranks.
RANKS = {
    "lib/base": 0, "lib/os": 1, "lib/data": 1, "lib/kobj": 2, "lib/net": 2, "lib/crypt": 2,
    "lib/kube": 3, "lib/gcp": 3, "lib/seal": 4, "lib/agentapi": 5, "operator/api": 6,
    "operator/core/model": 7, "operator/core/verdict": 8, "operator/core/render": 8, "operator/core/plan": 9,
    "operator/shell/cache": 10, "operator/shell/metrics": 11, "operator/shell/events": 12,
    "operator/shell/notify": 13, "operator/shell/reconcile": 14, "operator/shell/reports": 15, "operator": 16,
    "worker/volume": 1, "worker/checkpoint": 5, "worker/agent": 6, "worker": 7, "worker/exec": 6, "client": 6,
}
# Programs never include each other; pure folders do no I/O.
PURE_LIB = {"lib/base", "lib/data", "lib/kobj", "lib/agentapi"}
PURE = {
    "lib/kobj": {"lib/base", "lib/data"}, "lib/crypt": {"lib/base", "lib/data"}, "lib/data": {"lib/base"},
    "lib/agentapi": {"lib/base", "lib/data"},
    "operator/api": PURE_LIB,
    "operator/core/model": PURE_LIB | {"operator/api"},
    "operator/core/verdict": PURE_LIB | {"operator/api", "operator/core/model"},
    "operator/core/render": PURE_LIB | {"operator/api", "operator/core/model"},
    "operator/core/plan": PURE_LIB | {"operator/api", "operator/core/model", "operator/core/verdict", "operator/core/render"},
    "worker/exec": set(), "worker/volume": {"lib/base"},
}
# cloister-exec links no library: of ours it knows these constants only, which for that reason include nothing.
CONSTANTS = {"lib/agentapi/gate_protocol.h", "lib/agentapi/pod.h"}
# Third-party header -> the folders that wrap it, or below which it may stand.
CONFINED = {
    r"curl/": {"lib/net"}, r"event2?/|event\.h": {"lib/os", "lib/net"}, r"yaml\.h": {"lib/data"},
    r"openssl/": {"lib/base", "lib/crypt", "lib/net"},
    r"jansson\.h": {"lib/data", "lib/kobj", "lib/kube", "lib/gcp", "lib/seal", "lib/agentapi", "operator/api", "operator/core",
                    "operator/shell", "operator", "worker/agent", "client"},
}

INCLUDE = re.compile(r'#include ([<"])([^>"]+)[>"]')


class Law:
    """Judges includes one by one and remembers them: file -> [(file, line)]."""

    def __init__(self, tree):
        self.tree, self.graph = tree, {}

    def resolve(self, include, path):
        """The tree's file that #include "base/err.h" means, or None."""
        for root in [folder_of(path), *ROOTS]:
            candidate = f"{root}/{include}"
            if (self.tree.root / candidate).exists():
                return candidate
        return None

    def judge_ours(self, path, include, line):
        """What is wrong with the include of one of the tree's files, or None."""
        target, folder = self.resolve(include, path), folder_of(path)
        if path in CONSTANTS:
            return f"includes {include}, but cloister-exec links nothing"
        if target is None:
            return f"no such header: {include}"
        self.graph[path].append((target, line))
        there, allowed = folder_of(target), PURE.get(folder)
        if there == folder:
            return None
        if there not in RANKS:
            return f"{there} has no rank; give it one in {__name__}"
        if allowed is not None and there not in allowed and not (folder == "worker/exec" and target in CONSTANTS):
            return f"{folder} is pure and may not include {there}"
        if RANKS[there] >= RANKS[folder]:
            return f"{folder} may not include {there}: its rank is not lower"
        if there.split("/")[0] not in ("lib", folder.split("/")[0]):
            return f"{folder.split('/')[0]} may not include {there.split('/')[0]}"
        return None

    def judge_theirs(self, path, include):
        folder = folder_of(path)
        for pattern, where in CONFINED.items():
            if re.match(pattern, include) and not any(folder == w or folder.startswith(w + "/") for w in where):
                return f"{include} is confined to {', '.join(sorted(where))}"
        return None

    def problems_of(self, path):
        folder = folder_of(path)
        if folder not in RANKS:
            yield Problem(path, 0, f"folder {folder} has no rank; give it one in {__name__}")
            return
        self.graph[path] = []
        for number, line in self.tree.lines(path):
            found = INCLUDE.match(line)
            if found:
                ours = found[1] == '"'
                wrong = self.judge_ours(path, found[2], number) if ours else self.judge_theirs(path, found[2])
                if wrong is not None:
                    yield Problem(path, number, wrong)
        if path.endswith(".c") and folder != "worker/exec":
            included = [i for _, i in INCLUDE.findall(self.tree.text(path)) if not i.endswith(".def")]
            if not included or included[-1] != "base/banned.h":
                yield Problem(path, 0, 'the last include must be "base/banned.h"')


def cycles(graph):
    done = set()

    def visit(node, trail):
        for target, line in graph.get(node, []):
            if target in trail:
                yield Problem(node, line, "include cycle: " + " -> ".join([*trail[trail.index(target):], target]))
            elif target not in done:
                yield from visit(target, [*trail, target])
        done.add(node)

    for node in graph:
        if node not in done:
            yield from visit(node, [node])


def problems(tree, _):
    law = Law(tree)
    for path in tree.product:
        yield from law.problems_of(path)
    yield from cycles(law.graph)

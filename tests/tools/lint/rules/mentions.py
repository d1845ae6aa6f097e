"""
Every file that is mentioned exists. A mention is a word, in any file of the tree, that starts like a path of this tree
or ends like the name of a source or a document.

A mention may leave out leading folders (base/err.h) or the suffix of a source (lib/base/err), and it may be a pattern
(t_*.c, t_NAME.c, base/{err,view}.h). Headers of other projects are known because some file includes them.
"""
import os
import re
from fnmatch import fnmatchcase
from itertools import product
from pathlib import Path

from tree import Problem

SOURCES = ("c", "h", "py", "def", "md", "sh")
FOREIGN = {"train.py"}  # the user's own program, in examples
PART = r"[\w.*{},-]"
BEFORE = r"(?<![\w./:$})\\-])"  # not the rest of a longer path, of an address, or of what a variable starts
NAME = re.compile(rf"{BEFORE}((?:\.\.?/)*(?:{PART}+/)*[\w*{{}},-]*[\w*}}]\.(?:{'|'.join(SOURCES)}))(?![\w/-]|\.[\w{{\"'])")
PLACEHOLDER = re.compile(r"(?<![A-Za-z])(NAME|TOPIC)(?![A-Za-z])")
ADDRESS = re.compile(r"\b\w+://\S+")
INCLUDE = re.compile(r"\s*#\s*include\s*<([^>]+)>")


def alternatives(pattern):
    """The names that a pattern with braces stands for."""
    parts = re.split(r"\{([^{}]*)\}", pattern)
    return ["".join(choice) for choice in product(*(p.split(",") if i % 2 else [p] for i, p in enumerate(parts)))]


class Names:
    """The ways to name a file or folder of the tree."""

    def __init__(self, tree):
        self.foreign = set(FOREIGN)
        self.endings = set()
        for path in [*tree.files, *tree.folders]:
            parts = path.split("/")
            self.endings.update("/".join(parts[i:]) for i in range(len(parts)))
        for path in tree.c_files:
            for _, line in tree.lines(path):
                included = INCLUDE.match(line)
                if included:
                    self.foreign |= {included[1], included[1].split("/")[-1]}

    def knows(self, name, folder):
        if name in self.foreign or name in self.endings:
            return True
        beside = os.path.normpath(os.path.join(folder, name))
        if beside in self.endings or any(f"{name}.{ending}" in self.endings for ending in SOURCES):
            return True
        pattern = PLACEHOLDER.sub("*", name)
        return "*" in pattern and any(fnmatchcase(e, pattern) and e.count("/") == name.count("/") for e in self.endings)


def mentions(line, top):
    """The words of a line that look like names of files."""
    line = ADDRESS.sub("", line)
    for found in [*NAME.finditer(line), *top.finditer(line)]:
        # A comma outside of braces separates.
        for word in re.split(r",(?![^{}]*\})", found[1]):
            word = word.rstrip("./-")
            if word and word.count("{") == word.count("}") and not re.search(r"\{[^,}]*\}", word):
                yield word


def problems(tree, _):
    names = Names(tree)
    tops = "|".join(sorted({f.split("/")[0] for f in tree.folders if not f.startswith(".")}))
    top = re.compile(rf"{BEFORE}((?:{tops})/{PART}[\w.*{{}},/-]*)")
    for path in tree.files:
        folder = str(Path(path).parent)
        for number, line in tree.lines(path):
            if line.lstrip().startswith("#include"):
                continue
            for name in sorted(set(mentions(line, top))):
                if not all(names.knows(n, folder) for n in alternatives(name)):
                    yield Problem(path, number, f"{name} does not exist")

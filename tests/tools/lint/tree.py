"""A source tree: the files that git tracks or would track, and their contents."""
import subprocess
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

ROOTS = ("lib", "operator", "worker", "client")  # the product's C; each is a directory of the quoted includes


class Problem(NamedTuple):
    path: str
    line: int
    text: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.text}" if self.line else f"{self.path}: {self.text}"


class Tree:
    """Paths are strings relative to the root, sorted."""

    def __init__(self, root):
        self.root = Path(root).resolve()
        self.texts = {}

    @cached_property
    def files(self):
        listed = subprocess.run(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=self.root, check=True,
                                capture_output=True, text=True).stdout
        return sorted(p for p in set(listed.split("\0")) if p and (self.root / p).is_file())

    @cached_property
    def folders(self):
        return {str(parent) for p in self.files for parent in Path(p).parents} - {"."}

    @cached_property
    def c_files(self):
        return [p for p in self.files if p.endswith((".c", ".h"))]

    @cached_property
    def product(self):
        return [p for p in self.c_files if p.split("/")[0] in ROOTS]

    def text(self, path):
        if path not in self.texts:
            self.texts[path] = (self.root / path).read_text(errors="replace")
        return self.texts[path]

    def lines(self, path):
        return enumerate(self.text(path).split("\n"), 1)


def folder_of(path):
    return str(Path(path).parent)

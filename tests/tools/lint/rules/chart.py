"""The chart carries the CRD of crds/ as it is: it cannot read outside its own folder."""
from pathlib import Path

from tree import Problem


def problems(tree, _):
    for crd in (p for p in tree.files if p.startswith("crds/")):
        copy = f"charts/cloister/files/{Path(crd).name}"
        if copy not in tree.files or tree.text(copy) != tree.text(crd):
            yield Problem(copy, 0, f"differs from {crd}; copy it")

"""The reference pages say what the sources say."""
import re

from docs.generate import ROOT, api_reference, reasons, stale, table


def test_the_reference_pages_are_up_to_date():
    assert stale() == [], "run make docs"


def test_every_field_and_reason_is_described():
    empty = [line for line in api_reference().splitlines() if line.startswith("| `") and line.rstrip().endswith("|  |")]
    assert not empty, empty
    assert "`KeyAccessDenied`" in reasons() and "`OutOfMemory`" in reasons()


def test_the_pages_name_metrics_that_exist():
    known = {row[2] for row in table("operator/shell/metrics/metrics.def", "METRIC_ROW")}
    pattern = r"\b(?:cloister|controller_runtime|workqueue|rest_client|leader_election|process)_[a-z_]+\b"
    named = {re.sub(r"_(bucket|sum|count)$", "", n) for n in re.findall(pattern, (ROOT / "docs/operations.md").read_text())}
    assert len(named) > 5 and named <= known, named - known

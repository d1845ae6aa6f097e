"""The reference pages say what the sources say."""
from docs.generate import api_reference, reasons, stale


def test_the_reference_pages_are_up_to_date():
    assert stale() == [], "run make docs"


def test_every_field_and_reason_is_described():
    empty = [line for line in api_reference().splitlines() if line.startswith("| `") and line.rstrip().endswith("|  |")]
    assert not empty, empty
    assert "`KeyAccessDenied`" in reasons() and "`OutOfMemory`" in reasons()

"""What every rung written in Python has: failures that fixtures know of, measured figures, the longest modules first."""
import pytest

# A run lasts as long as its last module, so these begin first.
LONGEST = ["test_fencing", "test_failures", "test_bad_input", "test_operator_faults", "test_reports", "test_faults",
           "test_fault_matrix", "test_leader"]


def place_of(item):
    return LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST)


def pytest_collection_modifyitems(items):
    items.sort(key=place_of)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    report = (yield).get_result()
    if report.when == "call" and report.failed:
        item.failed = True


@pytest.fixture
def figure(record_property):
    """Takes a measured figure in words; the run prints all of them at its end."""
    def take(words):
        record_property("figure", words)
    return take


def pytest_terminal_summary(terminalreporter):
    for report in terminalreporter.stats.get("passed", []) + terminalreporter.stats.get("failed", []):
        for name, words in report.user_properties:
            if name == "figure" and report.when == "call":
                terminalreporter.write_line(f"measured: {words}")

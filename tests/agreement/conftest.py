"""bash run.sh agreement --write: if all tests pass, write the differences that they measure into tests/README.md."""

import pytest

from tests.benchmarks import machine
from tests.support import agreement_table, page_tables
from tests.support.both_tensorflows import MAJORS, version


def pytest_addoption(parser):
    parser.addoption("--write", action="store_true", help="write the differences into tests/README.md")


@pytest.fixture(scope="session")
def record(request):
    """A function of (quantity, whether 2.21 uses oneDNN, relative difference) that records the largest difference."""
    found = {}

    def record(name, onednn, value):
        found[name, onednn] = max(value, found.get((name, onednn), 0.0))

    yield record
    if request.config.getoption("--write") and not request.session.testsfailed:
        versions = " and ".join(version(major) for major in MAJORS)
        text = f"{agreement_table.table(found)}\n\n{machine.conditions()}: TensorFlow {versions}."
        page_tables.write(agreement_table.PAGE, "agreement", {agreement_table.REGION: text})

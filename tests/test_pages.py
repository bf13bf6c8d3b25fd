"""The tables on the pages are those that their commands write: each region has the headings of its command."""

import os

import pytest

from tests import matrix
from tests.agreement import accuracy, construct_table
from tests.benchmarks import jpeg
from tests.board import start
from tests.browser import deletion, learned, randomised, tables, ties
from tests.support import agreement_table, page_tables, readme
from tests.support.program import ROOT

SCREENSHOTS = tables.PAGE
START = ("command", "TensorFlow 1.15.5", "TensorFlow 2.21.0")
# `tests.browser.latency` is not imported, because TensorFlow 1.15's environment has no browser.
DASHBOARD, LATENCY = os.path.join(ROOT, "legacy_graph", "board", "README.md"), ("median", "95th percentile")
TABLES = [
    (agreement_table.PAGE, "agreement", [agreement_table.HEADING]),
    (accuracy.PAGE, "accuracy", [accuracy.HEADING]),
    (matrix.PAGE, "matrix", [matrix.HEADING]),
    (construct_table.PAGE, "construct_table", [construct_table.HEADING]),
    (jpeg.PAGE, "jpeg", [jpeg.HEADING]),
    (start.PAGE, "start", [START]),
    (DASHBOARD, "latency", [("picture", *LATENCY), ("what was done", *LATENCY)]),
    (SCREENSHOTS, "screenshots", [learned.HEADING, tables.CONTROL, tables.OCCLUSION, tables.CURVES]),
    (SCREENSHOTS, "deletion", [deletion.HEADING] * 2),
    (SCREENSHOTS, "randomised", [randomised.HEADING] * 2),
    (SCREENSHOTS, "ties", [ties.SHARES, ties.LATTICE]),
]


@pytest.mark.parametrize("page, command, headings", TABLES, ids=[command for _, command, _ in TABLES])
def test_each_region_has_the_table_of_its_command(page, command, headings):
    content = "\n".join(page_tables.regions(readme.read(page), command).values())
    assert page_tables.headings(content) == ["| " + " | ".join(heading) + " |" for heading in headings]


def test_each_row_of_a_table_has_a_cell_for_each_column():
    for page in readme.READMES:
        for table in page_tables.tables(readme.prose(page)):
            assert len({line.count("|") - line.count(r"\|") for line in table.splitlines()}) == 1, (page, table)

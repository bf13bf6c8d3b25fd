"""The tables in tests/README.md and in the page of the dashboard are those that their commands write."""

import os
import re

import pytest

from tests import matrix
from tests.agreement import accuracy
from tests.support import agreement_table, page_tables, readme
from tests.support.program import ROOT

PAGE = readme.read(agreement_table.PAGE)


def rows(command):
    """The rows of the table that a command writes, as lists of cells, without the heading."""
    (content,) = page_tables.regions(PAGE, command).values()
    assert "Measured on" in content
    return [line.strip("| ").split(" | ") for line in content.splitlines() if line.startswith("| ")][2:]


@pytest.mark.parametrize(
    "command, heading",
    [("agreement", agreement_table.HEADING), ("accuracy", accuracy.HEADING), ("matrix", matrix.HEADING)],
)
def test_each_region_has_the_table_of_its_command(command, heading):
    (content,) = page_tables.regions(PAGE, command).values()
    assert page_tables.headings(content) == ["| " + " | ".join(heading) + " |"]


def test_every_difference_is_within_the_limit_of_its_test():
    found = {row[0]: [float(figure) for figure in row[1:] if figure.strip()] for row in rows("agreement")}
    assert list(found) == agreement_table.QUANTITIES
    for name, figures in found.items():
        assert figures and max(figures) <= agreement_table.LIMITS.get(name, agreement_table.LIMIT), name


def test_every_whole_run_has_an_accuracy():
    found = rows("accuracy")
    assert [row[1] for row in found] == [f"`{command}`" for command in accuracy.COMMANDS]
    assert all(re.fullmatch(r"0\.\d{4}", row[3]) for row in found)


def test_the_matrix_has_only_supported_pythons():
    assert {row[0] for row in rows("matrix")} <= set(matrix.VERSIONS)


def test_the_page_of_the_dashboard_has_the_measured_latency():
    """`tests.browser.latency` is not imported here, because TensorFlow 1.15's environment has no browser."""
    page = readme.read(os.path.join(ROOT, "legacy_graph", "board", "README.md"))
    content = page_tables.regions(page, "latency")["latency"]
    assert page_tables.headings(content) == ["| projection | median | 95th percentile |"]
    assert len(re.findall(r"\| \d+ ms \| \d+ ms \|", content)) == 2

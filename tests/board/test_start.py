"""The processor time until TensorBoard's first answer: the measurement and the table of the page."""

import sys

from tests.board import start
from tests.support import page_tables, readme

OURS, THEIRS = start.COMMANDS


def table():
    return start.table(
        ("1.15.5", "2.21.0"), {(major, name): [9.0, int(major), 0.5] for major in "12" for name in start.COMMANDS}
    )


def test_the_command_answers(tmp_path):
    assert start.measure(sys.executable, start.COMMANDS[OURS], str(tmp_path)) > 0


def test_the_table_has_the_medians():
    assert table().splitlines()[2:] == [f"| {name} | 1.0 s | 2.0 s |" for name in (OURS, THEIRS)]


def test_the_page_has_the_table():
    (content,) = page_tables.regions(readme.read(start.PAGE), "start").values()
    assert page_tables.headings(content) == page_tables.headings(table())
    assert [line.split(" | ")[0] for line in content.splitlines() if " s |" in line] == [f"| {OURS}", f"| {THEIRS}"]
    assert "Measured on" in content

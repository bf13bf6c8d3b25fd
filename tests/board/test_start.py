"""The processor time until TensorBoard's first answer: the measurement and the table of the page."""

import sys

from tests.board import start

OURS, THEIRS = start.COMMANDS


def table():
    return start.table(
        ("1.15.5", "2.21.0"), {(major, name): [9.0, int(major), 0.5] for major in "12" for name in start.COMMANDS}
    )


def test_the_command_answers(tmp_path):
    assert start.measure(sys.executable, start.COMMANDS[OURS], str(tmp_path)) > 0


def test_the_table_has_the_medians():
    assert table().splitlines()[2:] == [f"| {name} | 1.0 s | 2.0 s |" for name in (OURS, THEIRS)]

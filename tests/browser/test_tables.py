"""The tables of the screenshots: the curves computed without numpy, and the control that `features` prints."""

import json
import re
import shutil

import pytest

from legacy_graph.__main__ import main
from tests.browser import curves, tables
from tests.support import page_tables, readme


def test_the_curves_have_the_ranges_of_the_measurements():
    content = page_tables.regions(readme.read(tables.PAGE), "screenshots")["curves"]
    with open(curves.MEASURED) as file:
        measured = json.load(file)
    assert content == tables.curves(measured) + "\n"
    for cells in [line.strip("| ").split(" | ") for line in content.splitlines()[2:]]:
        at = measured["updates"].index(int(cells[0].replace(",", "")))
        for what, ours, limit in (("loss", cells[2], 0.051), ("accuracy", cells[4], 0.0051)):
            means = [sum(seed[what][at]) / len(seed[what][at]) for seed in measured["seeds"]]
            assert [float(end) for end in ours.split(" to ")] == pytest.approx([min(means), max(means)], abs=limit)


def test_the_control_is_what_features_prints(trained, tmp_path, capsys):
    logdir, printed = str(tmp_path / "log"), []
    shutil.copytree(trained.logdir, logdir)
    for layer in tables.LAYERS:
        assert main(["features", "--logdir", logdir, "--layer", layer, "--top", "2", "--control", "random"]) == 0
        found = re.search(r"random: (\S+) .*: (\S+) learned, (\S+) random", capsys.readouterr().out, re.DOTALL)
        printed.append(f"| {layer} | {' | '.join(found.groups())} |")
    assert "\n".join(printed) in tables.control(logdir)

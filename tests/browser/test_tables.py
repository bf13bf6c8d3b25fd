"""The page of the screenshots has the tables of its command, and its sentences agree with them."""

import json
import os
import re
import shutil

import pytest

from legacy_graph.__main__ import main
from tests.browser import curves, tables
from tests.support import page_tables, readme
from tests.support.program import ROOT

PAGE = readme.read(tables.PAGE)
REGIONS = page_tables.regions(PAGE, "screenshots")


def test_the_curves_have_the_ranges_of_the_measurements():
    """Computed here without numpy, together with the claims of the sentences below the table."""
    with open(curves.MEASURED) as file:
        measured = json.load(file)
    assert REGIONS["curves"] == tables.curves(measured) + "\n"
    outside, lower = [], []
    for cells in [line.strip("| ").split(" | ") for line in REGIONS["curves"].splitlines()[2:]]:
        at = measured["updates"].index(int(cells[0].replace(",", "")))
        for what, program, ours in (("loss", *cells[1:3]), ("accuracy", *cells[3:])):
            groups = [seed[what][at] for seed in measured["seeds"]]
            means = [sum(one) / len(one) for one in groups]
            limit = {"loss": 0.051, "accuracy": 0.0051}[what]
            assert [float(end) for end in ours.split(" to ")] == pytest.approx([min(means), max(means)], abs=limit)
            if not all(min(one) <= float(program) <= max(one) for one in groups):
                outside.append((what, cells[0]))
                lower += [value for one in groups for value in one if value < float(program)]
    assert outside == [("loss", "1")]
    assert f"only one of our 200 groups has a lower one, {lower[0]:.0f}." in PAGE and len(lower) == 1


def test_both_pages_have_the_same_control():
    assert page_tables.headings(REGIONS["control"]) == ["| " + " | ".join(tables.CONTROL) + " |"]
    figures = re.findall(r"^\| (conv\d) \| (0\.\d\d) \| 0\.\d\d \| 0\.\d\d \|$", REGIONS["control"], re.MULTILINE)
    assert [layer for layer, _ in figures] == list(tables.LAYERS)
    dashboard = " ".join(readme.read(os.path.join(ROOT, "legacy_graph", "board", "README.md")).split())
    assert " and ".join(f"{figure} in {layer}" for layer, figure in figures) in dashboard


def test_the_control_is_what_features_prints(trained, tmp_path, capsys):
    logdir, printed = str(tmp_path / "log"), []
    shutil.copytree(trained.logdir, logdir)
    for layer in tables.LAYERS:
        assert main(["features", "--logdir", logdir, "--layer", layer, "--top", "2", "--control", "random"]) == 0
        found = re.search(r"random: (\S+) .*: (\S+) learned, (\S+) random", capsys.readouterr().out, re.DOTALL)
        printed.append(f"| {layer} | {' | '.join(found.groups())} |")
    assert "\n".join(printed) in tables.control(logdir)

"""The tables of the benchmark: targets, the page, the limit of the machine, and the state after Ctrl-C."""

import re

import pytest

from legacy_graph.config import Config
from tests.benchmarks import __main__ as bench
from tests.benchmarks import layers, machine, report, tables
from tests.support import page_tables
from tests.support.program import SAMPLE

COSTS = dict.fromkeys(["bare", "scalars", "histograms", "images", "test", "checkpoint"], 10.0)


def page(path=report.PAGE):
    with open(path, encoding="utf-8") as file:
        return page_tables.regions(file.read(), report.COMMAND)


@pytest.mark.parametrize(
    "rounds_found, target, said",
    [
        ([0.7, 0.8, 0.85], "<= 0.9", "met"),
        ([0.7, 0.8, 0.95], "<= 0.9", "met, but rounds overlap the target"),
        ([0.85, 0.95, 0.99], "<= 0.9", "missed, but rounds overlap the target"),
        ([0.91, 0.95, 0.99], "<= 0.9", "missed"),
        ([3.9, 5.0, 5.1], ">= 4", "met, but rounds overlap the target"),
        ([4.1, 5.0, 5.1], ">= 4", "met"),
        ([0.9], "<= 0.9", "met in a single round"),
    ],
)
def test_the_verdict_names_rounds_that_overlap_the_target(rounds_found, target, said):
    assert report.ratio(rounds_found, [1.0] * len(rounds_found)).verdict(target) == said


def test_a_ratio_is_taken_round_by_round():
    assert report.ratio([2.0, 9.0, 1.0], [1.0, 3.0, 2.0]) == (2.0, 0.5, 3.0)


def test_the_ratio_of_all_steps_by_hand():
    """4 steps at 2 and 3 seconds each would take 8 and 12 seconds; all took 10 and 9, that is 1.25 and 0.75."""
    text = tables.steps(4, [((2.0, 3.0), (10.0, 9.0))])
    assert re.findall(r"([\d.]+) \| [\d.]+ to", text) == ["1.250", "0.750"]
    assert "| <= 1.2 | 1.250 | 1.250 to 1.250 | missed" in text


def test_passes_of_an_occlusion_by_hand():
    """Two images of 1 + 4 passes: 10 passes in 0.1, 0.08, 0.4 and 0.05 seconds."""
    spent = dict(zip(["ours", "bare", "captum", "captum, many patches at once"], [[0.1], [0.08], [0.4], [0.05]]))
    text = tables.occlusion({2: spent}, 4)
    assert "| 2 | 10 | 100 | 125 | 25 | 200 |" in text
    assert re.findall(r"([\d.]+) \| [\d.]+ to", text) == ["0.800", "4.000", "0.500"]
    assert re.findall(r"(missed|met) in", text) == ["missed", "met"]


def test_shares_of_the_dashboards_by_hand():
    """10 ms of each output, every 10, 100, 333.3 and 1,000 steps of 10 ms: 10, 1, 0.3, 0.1 %, and 1 % of the test."""
    text = tables.dashboards(COSTS, Config())
    assert re.findall(r"([\d.]+)% \|$", text, re.MULTILINE) == "10.00 1.00 0.30 0.10 1.00 11.40 12.40".split()


def test_bytes_of_a_step_by_hand():
    """3,136 x 1,024 weights of 4 bytes: two reads, one write; 50 inputs and outputs likewise. Adam: seven arrays."""
    assert layers.step_bytes("fc1", 50) == 3 * 12845056 + 3 * 50 * (3136 + 1024) * 4
    assert layers.step_bytes("conv1", 50) == 2 * (3200 + 50 * (3136 + 100352))
    assert layers.step_bytes("Adam", 50) == 91689752


def test_after_ctrl_c_the_page_is_marked_as_incomplete(monkeypatch, tmp_path, capsys):
    copy = tmp_path / "page.md"
    copy.write_text(
        "<!-- bench: machine -->\n<!-- end -->\n<!-- bench: steps -->\nold\n<!-- end -->\n"
        "<!-- bench: scan -->\nold\n<!-- end -->\n"
    )

    def stopped(settings, effort, say, record):
        record("steps", "new")
        raise KeyboardInterrupt

    monkeypatch.setattr(bench, "_measure", stopped)
    monkeypatch.setattr(machine, "describe", lambda batch: "Measured on a machine.")
    monkeypatch.setattr("sys.argv", ["bench", "--data-dir", SAMPLE, "--page", str(copy)])
    assert bench.main() == bench.INTERRUPTED
    found = page(copy)
    assert (found["steps"], found["scan"]) == ("new\n", report.NOT_MEASURED + "\n")
    assert found["machine"].startswith("Measured on a machine. **Incomplete: stopped** after")
    assert "new" in capsys.readouterr().out

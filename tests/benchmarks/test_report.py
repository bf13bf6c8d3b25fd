"""The tables of the benchmark: targets, the page, the limit of the machine, and the state after Ctrl-C."""

import re

import pytest

from legacy_graph.config import Config
from tests.benchmarks import __main__ as bench
from tests.benchmarks import layers, machine, report, tables, training
from tests.benchmarks.ways import WAYS
from tests.benchmarks.workers import Measured, Settings, Unavailable
from tests.support import page_tables
from tests.support.program import SAMPLE

SETTINGS = Settings("", "", 0)
COSTS = dict.fromkeys(["bare", "scalars", "histograms", "images", "test", "checkpoint"], 10.0)


def rounds(unavailable=()):
    every = {way: [0.03, 0.04] for way in [*WAYS, "bare b", "bare c"] if way not in unavailable}
    return training.Rounds(every, every, dict.fromkeys(every, 1e9), dict.fromkeys(unavailable, "no compiler"))


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


def test_a_region_that_was_not_measured_says_so(tmp_path):
    copy = tmp_path / "page.md"
    copy.write_text("a\n<!-- bench: one -->\nold\n<!-- end -->\nb\n<!-- bench: two -->\nold\n<!-- end -->\n")
    report.write(copy, {"one": "new"})
    assert page(copy) == {"one": "new\n", "two": report.NOT_MEASURED + "\n"}


def test_a_program_that_does_not_run_has_a_row_with_the_reason():
    assert "does not run here: no compiler" in tables.training(rounds(["h"]))
    assert "b / h" in tables.ratios(rounds()) and "b / h" not in tables.ratios(rounds(["h"]))


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
    """10 ms of each output, every 10, 100, 200 and 500 steps of 10 ms: 10, 1, 0.5 and 0.2 %, and 1 % of the test."""
    text = tables.dashboards(COSTS, Config())
    assert re.findall(r"([\d.]+)% \|$", text, re.MULTILINE) == "10.00 1.00 0.50 0.20 1.00 11.70 12.70".split()


def test_bytes_of_a_step_by_hand():
    """3,136 x 1,024 weights of 4 bytes: two reads, one write; 50 inputs and outputs likewise. Adam: seven arrays."""
    assert layers.step_bytes("fc1", 50) == 3 * 12845056 + 3 * 50 * (3136 + 1024) * 4
    assert layers.step_bytes("conv1", 50) == 2 * (3200 + 50 * (3136 + 100352))
    assert layers.step_bytes("Adam", 50) == 91689752


def test_the_limit_is_the_larger_of_arithmetic_and_memory():
    assert layers.limit("fc1", 50, 1e11, 1e10) == pytest.approx(50 * 3 * 2 * 3136 * 1024 / 1e11)
    assert layers.limit("fc1", 50, 1e11, 1e9) == pytest.approx(41031168 / 1e9)
    parts = [layers.limit(part, 50, 1e11, 1e10) for part in ("conv1", "conv2", "fc1", "fc2", "Adam")]
    assert layers.step_limit(50, 1e11, 1e10) == pytest.approx(sum(parts))


class FakeWorker:
    """Returns at once. `torch.compile` is unavailable; the user presses Ctrl-C in the second round."""

    products = 0

    def __init__(self, target, settings):
        self.target = target
        if target.endswith("compiled"):
            raise Unavailable("no compiler")

    def __call__(self, amount):
        FakeWorker.products += self.target == "ours:product"
        if FakeWorker.products == 3:  # each round has two products
            raise KeyboardInterrupt
        bare = self.target in ("ours:whole", "ours:untested")
        value = (amount * 0.02, amount * 0.04) if bare else None
        return Measured(amount * 0.03, amount * 0.06, value, 1e9)

    def close(self):
        pass


def test_after_ctrl_c_the_complete_rounds_are_kept(monkeypatch):
    recorded = {}
    monkeypatch.setattr(training, "Worker", FakeWorker)
    with pytest.raises(KeyboardInterrupt):
        training.measure(SETTINGS, 5, 1, lambda _: None, recorded.__setitem__)
    assert set(recorded) == {"training", "ratios"}
    assert "Median of 1 rounds" in recorded["training"] and "no compiler" in recorded["training"]
    assert "| a. ours, the bare training step | 30.0 | 1.00 | 60.0 |" in recorded["training"]
    assert "| c. ours, the default run without the test curve | 10.0 | 0.33 | 20.0 |" in recorded["training"]
    assert "without the test curve | <= 1.05 | 0.500 |" in recorded["ratios"]


def test_after_ctrl_c_the_page_is_marked_as_incomplete(monkeypatch, tmp_path, capsys):
    copy = tmp_path / "page.md"
    copy.write_text("<!-- bench: machine -->\n<!-- end -->\n<!-- bench: batches -->\nold\n<!-- end -->\n")

    def stopped(settings, effort, say, record):
        record("batches", "new")
        raise KeyboardInterrupt

    monkeypatch.setattr(bench, "_measure", stopped)
    monkeypatch.setattr(machine, "describe", lambda batch: "Measured on a machine.")
    monkeypatch.setattr("sys.argv", ["bench", "--data-dir", SAMPLE, "--page", str(copy)])
    assert bench.main() == bench.INTERRUPTED
    found = page(copy)
    assert found["batches"] == "new\n"
    assert found["machine"].startswith("Measured on a machine. **Incomplete: stopped** after")
    assert "new" in capsys.readouterr().out

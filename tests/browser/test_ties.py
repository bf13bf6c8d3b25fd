"""The tables of tied pool windows: the pixels of the background, the means, and one run."""

import os

import numpy as np

from tests.browser import ties
from tests.support import page_tables
from tests.support.program import SAMPLE


def test_only_black_pixels_are_in_the_reach_of_the_background():
    images = np.zeros((2, 13, 12), np.uint8)
    images[1, 1, 11] = 9
    expected = np.zeros(images.shape, bool)
    expected[0, 5:8, 5:7] = True
    expected[1, 5:8, 5] = expected[1, 7, 6] = True
    np.testing.assert_array_equal(ties.background(images), expected)


def test_each_mean_is_relative_to_the_largest_magnitude():
    images, values = np.zeros((1, 12, 12), np.uint8), np.zeros((1, 12, 12, 1))
    values[0, 5:7, 5:7, 0] = [[1, 2], [3, 4]]
    values[0, 0, 0, 0] = -8
    row = str(ties.lattice(images, {"first": values})).splitlines()[-1]
    assert row == "| `first` | +0.500 | +0.375 | +0.250 | +0.125 |"


def test_without_the_lattice_all_means_are_equal(trained, tmp_path, monkeypatch):
    page = tmp_path / "README.md"
    page.write_text("<!-- ties: ties -->\n<!-- end -->\n")
    monkeypatch.setattr(ties, "PAGE", str(page))
    monkeypatch.setattr(ties, "FOLDER", str(tmp_path))
    ties.main(trained.logdir, SAMPLE)
    lattice = page_tables.tables(page.read_text())[1]
    found = {cells[0]: cells[1:] for cells in (line.strip("| ").split(" | ") for line in lattice.splitlines())}
    assert len(set(found["`first`"])) > 1 and len(set(found["`shared`"])) == 1
    assert sorted(os.listdir(str(tmp_path))) == ["README.md", "ties.png"]


def test_a_tie_of_zeros_is_counted_apart():
    rows = ties.shares({"conv1": np.array([[0, 1], [2, 2]])}).rows
    assert rows == [("conv1", "75.0%", "50.0%")]

"""The text on the page that deconv publishes."""

import numpy as np
import pytest

from legacy_graph.visualize import image_grid, image_report
from legacy_graph.visualize.image_grid import CURVE
from legacy_graph.visualize.reading import Reading


@pytest.fixture
def lines(monkeypatch):
    """The lines of text that are drawn."""
    lines, render = [], image_grid.render_text
    monkeypatch.setattr(
        image_grid, "render_text", lambda line, *rest, **more: lines.append(line) or render(line, *rest, **more)
    )
    return lines


def test_a_layer_with_many_maps_says_how_many_are_shown(lines):
    maps, places = np.arange(100.0).reshape(100, 1, 1), np.zeros([100, 2], int)
    projections = {"wide": {"gradient": np.ones([2, 2])}}
    strongest, seen = {"wide": maps[:, 0, 0]}, np.zeros([2, 2], np.uint8)
    reading = Reading((0, 1), None, {"wide": maps}, {"wide": places}, strongest, projections, {}, seen)
    image_report.draw("title", reading, ["legend"], "")
    assert "wide: 64 strongest of 100 feature maps, white is 99" in lines


@pytest.mark.parametrize("row, method, told", [
    ("c", "gradient", (True, False)), ("c", "occlusion", (False, False)), ("class", "occlusion", (False, True)),
])  # fmt: skip
def test_the_text_describes_the_pictures_that_are_there(row, method, told, lines):
    """Occlusion alone is no projection; only some pages have the picture of the class."""
    maps, places, seen = np.ones([1, 2, 2]), np.zeros([1, 2], int), np.zeros([2, 2], np.uint8)
    projections = {row: {method: np.ones([2, 2])}}
    reading = Reading((0, 1), None, {"c": maps}, {"c": places}, {"c": np.ones(1)}, projections, {}, seen)
    image_report.draw("title", reading, ["note"], "")
    text = " ".join(lines)
    assert (image_report.ALL_MAPS in text, image_report.COVERED_CLASS in text) == told


def test_a_signal_and_its_projections_are_curves():
    """One row of 40 values. The projection is 0 but for one value, which is drawn at the upper border."""
    projection = np.zeros([1, 40])
    projection[0, 20] = 2
    maps, places = np.ones([3, 1, 40]), np.zeros([3, 2], int)
    projections, signal = {"c": {"gradient": projection}}, np.arange(40, dtype=np.uint8)[None]
    reading = Reading((0, 1), None, {"c": maps}, {"c": places}, {"c": np.ones(3)}, projections, {}, signal)
    images = image_report.draw("title", reading, ["legend"], "").images
    assert images["input"].shape == images["c/gradient"].shape == CURVE
    black = np.argwhere(images["c/gradient"] == 0)
    assert black[:, 0].min() <= 3
    assert abs(black[black[:, 0] <= 3, 1].mean() - CURVE[1] * 20.5 / 40) < 4
    assert not (images["input"] == 0).any()
    assert images["c/maps"].shape[0] == 3 * image_report.ROW + 4  # the lines of the grid are two pixels


def test_a_row_of_a_single_picture_leaves_no_empty_area():
    """Such rows share a line; the last one stands beside the text if the line above it is wider."""

    def height(*rows):
        maps, values = np.ones([1, 1, 1]), np.ones([28, 28])
        projections = {f"c/map {number}": dict.fromkeys(methods, values) for number, methods in enumerate(rows)}
        places, seen = {"c": np.zeros([1, 2], int)}, np.zeros([28, 28], np.uint8)
        reading = Reading((0, 1), None, {"c": maps}, places, {"c": np.ones(1)}, projections, {}, seen)
        images = image_report.draw("title", reading, ["word"] * 30, "").images
        return len(images["picture"]), len(images["input"])

    single, several = ["gradient"], ["gradient", "deconvnet", "guided", "occlusion"]
    (page, side) = height(single)
    assert height(single, single, single)[0] == page
    assert height(several, single)[0] - height(several)[0] < 20 < side

"""The text on the page that deconv publishes."""

import numpy as np
import pytest

from legacy_graph.article.deconv import TIES_IN_WORDS
from legacy_graph.config import FIRST, METHODS, SHARED
from legacy_graph.visualize import image_grid, image_report
from legacy_graph.visualize.curves import CURVE
from legacy_graph.visualize.reading import CONV1, Reading

# Of the drawn lines, those below the projections.
LEGEND = """
The output of all feature maps of a layer, projected to the pixels with the kernels of the network.
Mid grey is 0. White and black are plus and minus the number above the picture: the 99th percentile
of the magnitudes. Larger magnitudes are clipped.
What a ReLU passes backward by each method:
    gradient: the signal where the ReLU's output is positive
    deconvnet: the positive part of the signal
    guided backpropagation: the positive part of the signal where the ReLU's output is positive
For conv1 the methods give the same picture, because the output of conv1 is never negative.
""".strip().splitlines()
TIES = {
    FIRST: ["If several values of a pool window are the maximum, the first one gets the signal, as in",
            "tf.gradients."],
    SHARED: ["If several values of a pool window are the maximum, each of them gets an equal share of the signal."],
}  # fmt: skip


@pytest.fixture
def lines(monkeypatch):
    """The lines of text that are drawn."""
    lines, render = [], image_grid.render_text
    monkeypatch.setattr(
        image_grid, "render_text", lambda line, *rest, **more: lines.append(line) or render(line, *rest, **more)
    )
    return lines


@pytest.mark.parametrize("ties", [FIRST, SHARED])
def test_the_page_of_a_digit_explains_its_pictures(lines, ties):
    activations = {"conv1": np.full([32, 28, 28], 0.5), "conv2": np.full([64, 14, 14], 2.0)}
    projections = {layer: {method: np.full([28, 28], -3.0) for method in METHODS} for layer in activations}
    places = {"conv1": np.zeros([32, 2], int), "conv2": np.zeros([64, 2], int)}
    strongest = {layer: maps.max(axis=(1, 2)) for layer, maps in activations.items()}
    reading = Reading((0, 1), None, activations, places, strongest, projections)
    notes = CONV1, TIES_IN_WORDS[ties]
    image_report.draw("mine.png", np.zeros([28, 28], np.uint8), reading, notes, "", ", as it is")
    text = LEGEND + TIES[ties]
    place = lines.index(text[0])
    assert lines[place : place + len(text)] == text
    assert set(lines) - set(text) == {
        "mine.png", "input of the network, 28 x 28 pixels, as it is",
        "conv1: 32 feature maps, white is 0.5", "conv2: 64 feature maps, white is 2",
        *(f"conv{number}: {method}, \u00b13" for number in (1, 2) for method in METHODS.values()),
    }  # fmt: skip


def test_a_layer_with_many_maps_says_how_many_are_shown(lines):
    maps, places = np.arange(100.0).reshape(100, 1, 1), np.zeros([100, 2], int)
    projections = {"wide": {"gradient": np.ones([2, 2])}}
    reading = Reading((0, 1), None, {"wide": maps}, {"wide": places}, {"wide": maps[:, 0, 0]}, projections)
    image_report.draw("title", np.zeros([2, 2], np.uint8), reading, ["legend"], "")
    assert "wide: 64 strongest of 100 feature maps, white is 99" in lines


def test_a_signal_and_its_projections_are_curves():
    """One row of 40 values. The projection is 0 but for one value, which is drawn at the upper border."""
    projection = np.zeros([1, 40])
    projection[0, 20] = 2
    maps, places = np.ones([3, 1, 40]), np.zeros([3, 2], int)
    reading = Reading((0, 1), None, {"c": maps}, {"c": places}, {"c": np.ones(3)}, {"c": {"gradient": projection}})
    signal = np.arange(40, dtype=np.uint8)[None]
    images = image_report.draw("title", signal, reading, ["legend"], "").images
    assert images["input"].shape == images["c/gradient"].shape == CURVE
    black = np.argwhere(images["c/gradient"] == 0)
    assert black[:, 0].min() <= 3
    assert abs(black[black[:, 0] <= 3, 1].mean() - CURVE[1] * 20.5 / 40) < 4
    assert not (images["input"] == 0).any()
    assert images["c/maps"].shape[0] == 3 * image_report.ROW + 4  # the lines of the grid are two pixels

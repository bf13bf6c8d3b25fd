"""The view "Your network" for a graph of signals: its curves, against TensorFlow itself and numpy."""

import io

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image

from legacy_graph.board.graph_network import GraphNetwork
from legacy_graph.board.open_graph import Asked
from legacy_graph.commands.graph_model import open_graph
from legacy_graph.commands.tensorboard import split_words
from tests.board.site import pixels
from tests.support.graph_files import constant, graph_of, run, write_frozen

LONG, MAPS = 40, 3
SHOWN = 64  # pixels of a spot: its receptive field of three, and those around it
HIGH, WIDE = 84, 252  # pixels of a curve
BLACK, DARK = 1, 200  # below this grey: a projection; any curve (the line of zero is lighter where a curve is shrunk)
TENSORS = {"one": "relu_one", "two": "two"}  # label of a layer -> its values


def two_rows(x):
    """A 1-D convolution with a ReLU, and one without."""
    one = tf.nn.relu(tf.nn.conv1d(x, constant([3, 1, MAPS]), 1, "SAME", name="one"), name="relu_one")
    return tf.nn.conv1d(one, constant([5, MAPS, MAPS]), 2, "SAME", name="two")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_frozen(tmp_path_factory.mktemp("graph") / "model.pb", two_rows, shape=(None, LONG, 1))


@pytest.fixture(scope="module")
def network(path):
    return GraphNetwork(open_graph(split_words(["--graph", str(path), "--range", "0,255"])[0]))


@pytest.fixture(scope="module")
def signal():
    return np.random.RandomState(1).randint(0, 256, LONG).astype(np.uint8)


@pytest.fixture(scope="module")
def posted(signal):
    file = io.BytesIO()
    Image.fromarray(signal[None]).save(file, "PNG")
    return file.getvalue()


def values_of(signals, label):
    """The values of a layer for signals, float32 [n, positions, MAPS], by TensorFlow."""
    fed = {"images": np.array(signals)[..., None].astype(np.float32)}
    return run(graph_of(two_rows, shape=(None, LONG, 1)), TENSORS[label], fed)


def assert_curve(tile, heights, below=DARK):
    """The curve through points at evenly spaced columns, at heights between 0 (lower edge) and 1; nothing beside it."""
    tall, wide = tile.shape
    columns = ((np.arange(len(heights)) + 0.5) * wide / len(heights)).astype(int)
    rows = np.rint((2 + (1 - np.asarray(heights)) * (HIGH - 5)) * tall / HIGH).astype(int)
    for at, (column, row) in enumerate(zip(columns, rows)):
        dark = np.flatnonzero(tile[:, column] < below)
        assert np.abs(dark - row).min() <= 1
        near = rows[max(0, at - 1) : at + 2]
        assert near.min() - 2 <= dark.min() and dark.max() <= near.max() + 2


def window(row, at):
    """The part of a row that is shown of the spot at a position; zeros are outside."""
    return np.pad(row, SHOWN, "constant")[SHOWN + at - 1 - (SHOWN - 3) // 2 :][:SHOWN]


@pytest.mark.parametrize("label, signed", [("one", False), ("two", True)])
def test_the_maps_are_curves(network, posted, signal, label, signed):
    found = network.read(posted, Asked(label, None, "gradient", "number", 0))
    values = values_of([signal], label)[0]
    scale = np.percentile(np.abs(values[values != 0]), 99.5)
    assert found["curves"] and found["signed"] == signed and found["maps_scale"] == pytest.approx(scale, rel=1e-4)
    tiles = pixels(found["tiles"]).reshape(MAPS, HIGH // 2, WIDE // 2)
    for tile, curve in zip(tiles, values.T / scale):
        assert_curve(tile, (np.clip(curve, -1, 1) + 1) / 2 if signed else np.clip(curve, 0, 1))


def test_the_spot_is_a_curve_over_the_signal(network, posted, signal):
    """The gradient of the strongest value times this value, in the three pixels of its receptive field."""
    found = network.read(posted, Asked("one", None, "gradient", "number", 0))
    values = values_of([signal], "one")[0]
    at, number = np.unravel_index(values.argmax(), values.shape)
    assert (found["map"], found["place"], found["drawn"], found["patch"]) == (number, [0, at], "curve", None)
    back = np.zeros(LONG)
    back[at - 1 : at + 2] = constant([3, 1, MAPS])[:, 0, number] * values[at, number]
    assert found["scale"] == pytest.approx(np.percentile(np.abs(back[back != 0]), 98), rel=1e-4)
    heights = (np.clip(window(back, at) / found["scale"], -1, 1) + 1) / 2
    assert_curve(pixels(found["projection"])[..., 0], heights, BLACK)
    assert found["sides"] == [1, SHOWN] and found["widened"]
    (top, height), (left, width) = found["frame"]
    assert (top, height, width) == (0, HIGH, pytest.approx(SHOWN * WIDE / LONG))
    assert left + width / 2 == pytest.approx((at + 0.5) * WIDE / LONG, abs=WIDE / LONG)
    inputs = pixels(found["input"])[..., 0]
    low, high = signal.min(), signal.max()
    assert inputs.min() == 160 and inputs.shape == (HIGH, WIDE)
    assert_curve(inputs, (signal.astype(float) - low) / (high - low))


def test_the_occlusion_is_a_curve(network, posted, signal):
    """A patch of two pixels at each pixel, covered with black; the value of a pixel is the mean over its patches."""
    values = values_of([signal], "one")[0]
    at, number = np.unravel_index(values.argmax(), values.shape)
    found = network.cover(posted, Asked("one", int(number), "gradient", "number", 0), "fine")
    covered = np.repeat(signal[None], LONG - 1, 0)
    for left, row in enumerate(covered):
        row[left : left + 2] = 0
    fall = values[at, number] - values_of(covered, "one")[:, at, number]
    falls = np.array([fall[max(0, pixel - 1) : pixel + 1].mean() for pixel in range(LONG)])
    assert found["scale"] == pytest.approx(np.abs(falls).max(), rel=1e-4)
    heights = (window(falls, at) / np.abs(falls).max() + 1) / 2
    assert_curve(pixels(found["heat"])[..., 0], heights, BLACK)

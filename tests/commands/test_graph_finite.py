"""Weights, values and images that are not finite are refused by `features --graph` and `deconv --graph`."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph import __main__
from tests.support.graph_commands import RANGE, SIDES, words, write_graph_and_photos
from tests.support.graph_models import Maker, ends, model_of
from tests.support.published import assert_refused


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A frozen graph and a folder of five photos."""
    return write_graph_and_photos(tmp_path_factory.mktemp("finite"))


def broken(value, factor):
    """Two layers; one weight of the first is multiplied by `factor`."""
    kernel = np.random.RandomState(0).normal(size=(3, 3, 3, 4)).astype("f")
    kernel[0, 0, 0, 1] *= factor
    value = tf.nn.relu(tf.nn.conv2d(value, tf.constant(kernel), [1, 1, 1, 1], "SAME"))
    return ends(tf.nn.relu(Maker().convolve(value, 4)))


WEIGHTS = "--graph: expected finite weights, found NaN or infinite values in Const"
PROJECTIONS = "Conv2D_1: expected finite projections, found NaN or infinite values"


@pytest.mark.parametrize("factor, expected", [(np.nan, WEIGHTS), (np.inf, WEIGHTS), (1e30, PROJECTIONS)])
def test_values_that_are_not_finite_are_refused(folder, capsys, factor, expected):
    (folder / "broken.pb").write_bytes(model_of(lambda x: broken(x, factor), SIDES).graph_def.SerializeToString())
    for command, more in (("features", ["--top", "2"]), ("deconv", [])):
        asked = [*words(folder, command, "broken.pb", logdir="none"), *RANGE, *more]
        assert_refused(capsys, asked, expected)
    assert not (folder / "none").exists()


def hidden(value):
    """The sums of the first layer are minus infinity. Its ReLU makes 0 of them, and all that follows is finite."""
    value = tf.nn.relu(tf.nn.conv2d(value, tf.fill([3, 3, 3, 4], -3e38), [1, 1, 1, 1], "SAME"))
    return ends(tf.nn.relu(Maker().convolve(value, 4)))


def test_an_overflow_before_a_relu_is_refused(folder, capsys):
    (folder / "hidden.pb").write_bytes(model_of(hidden, SIDES).graph_def.SerializeToString())
    expected = "operation Conv2D: expected finite values, found NaN or infinite values; check --range, and the weights"
    for command, more in (("features", ["--top", "2"]), ("deconv", [])):
        asked = [*words(folder, command, "hidden.pb", logdir="none"), "--range", "0,1", *more]
        assert_refused(capsys, asked, expected)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_arrays_that_are_not_finite_are_refused(folder, capsys, value):
    array = np.random.RandomState(0).rand(3, *SIDES, 3).astype("f")
    array[1, 2, 3, 0] = value
    np.save(str(folder / "broken.npy"), array)
    asked = [*words(folder, logdir="none"), "--images", str(folder / "broken.npy"), "--top", "2"]
    expected = "--images: expected finite values after preprocessing, found NaN or infinite values in image 1 "
    assert_refused(capsys, asked, expected)


NOTE = "Not all images are checked for an overflow that a ReLU hides: only the first 16 images and those on the sheet."


def hides_large_values(value):
    """As `hidden`, with weights of -4: only an image with values above 3e36 overflows."""
    value = tf.nn.relu(tf.nn.conv2d(value, tf.fill([3, 3, 3, 4], -4.0), [1, 1, 1, 1], "SAME"))
    return ends(tf.nn.relu(Maker().convolve(value, 4)))


@pytest.mark.parametrize("value, noted", [(1, False), (3e30, False), (3e33, True), (3e37, True)])
def test_the_sheet_says_that_not_all_images_are_checked(folder, capsys, value, noted):
    """Image 17 is not checked: it is not among the first 16, and not on the sheet. The bound has a margin of 1e4."""
    (folder / "large.pb").write_bytes(model_of(hides_large_values, SIDES).graph_def.SerializeToString())
    array = -np.random.RandomState(0).rand(18, *SIDES, 3).astype("f")
    array[17] = value
    np.save(str(folder / "large.npy"), array)
    asked = [*words(folder, graph="large.pb", logdir="large"), "--images", str(folder / "large.npy"), "--top", "2"]
    assert __main__.main(asked) == 0
    assert (NOTE in capsys.readouterr().out) == noted

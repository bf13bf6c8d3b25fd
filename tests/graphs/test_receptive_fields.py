"""The receptive field against perturbation: each pixel of a small image is changed by itself."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.article.receptive_field import Field
from legacy_graph.graphs.load import load_model
from tests.support.graph_files import constant, images, run, write_frozen

SIDE = 8


def convolve(x, size=3):
    return tf.nn.conv2d(x, constant([size, size, int(x.shape[-1]), 2]), [1] * 4, "VALID", name="conv")


def swapped(x):
    """Rows become columns."""
    return convolve(tf.transpose(x, [0, 2, 1, 3]))


def mirrored_above(x):
    """The first window contains the two places above the image, but not pixel 2, which is reflected there."""
    return convolve(tf.pad(x, [[0, 0], [2, 0], [0, 0], [0, 0]], "REFLECT"))


def blocks_of_channels(x):
    """Blocks of rows and channels; the columns of the image are the depth, which repeats for each place in a block."""
    blocks = tf.space_to_depth(tf.transpose(x, [0, 1, 3, 2]), 2)
    return convolve(tf.transpose(blocks, [0, 1, 3, 2]), size=1)


def columns_as_channels(x):
    """A convolution whose channels are the columns of the image, so that each value depends on all of them."""
    mixed = tf.nn.conv2d(tf.transpose(x, [0, 1, 3, 2]), constant([1, 1, SIDE, 2]), [1] * 4, "VALID")
    return convolve(tf.transpose(mixed, [0, 1, 3, 2]), size=1)


def mean_vector(x):
    """The mean of the image as a vector, which becomes an image of one pixel."""
    return convolve(tf.reshape(tf.reduce_mean(x, [1, 2]), [-1, 1, 1, 4]), size=1)


def means_of_rows(x):
    """The columns are summed up; the rows stay apart, while their axis moves."""
    return convolve(tf.expand_dims(tf.reduce_mean(x, 2), 2), size=1)


def load(tmp_path, build):
    """The layer, and whether a pixel changes a position, [pixel row, pixel column, row, column]."""
    model = load_model(write_frozen(tmp_path / "model.pb", build, shape=(None, SIDE, SIDE, 4)))
    changed = np.repeat(images(1, SIDE, SIDE, 4), SIDE**2 + 1, 0)
    for number in range(SIDE**2):
        changed[number, number // SIDE, number % SIDE] += 5
    values = run(model.graph_def, model.layers[-1].start, {"images": changed})
    return model.layers[-1], (values[:-1] != values[-1:]).any(3).reshape(SIDE, SIDE, *values.shape[1:3])


@pytest.mark.parametrize("build", [swapped, mirrored_above, blocks_of_channels, columns_as_channels])
def test_a_field_contains_every_pixel_that_counts_or_is_unknown(build, tmp_path):
    layer, reach = load(tmp_path, build)
    assert reach.any()
    for row, column, *place in np.argwhere(reach) if layer.fields else ():
        for pixel, field, at in zip((row, column), layer.fields, place):
            assert 0 <= pixel - field.begin - at * field.step < field.size, (row, column, place)


def test_the_mean_as_a_vector_depends_on_all_pixels(tmp_path):
    layer, reach = load(tmp_path, mean_vector)
    assert reach.all() and layer.fields == (Field(SIDE, 0, 0),) * 2


def test_the_mean_of_a_row_depends_on_this_row(tmp_path):
    layer, reach = load(tmp_path, means_of_rows)
    assert layer.fields == (Field(1, 1, 0), Field(SIDE, 0, 0))
    assert (reach == np.eye(SIDE, dtype=bool)[:, None, :, None]).all()

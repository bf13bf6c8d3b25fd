"""Graphs that combine the images of a batch are refused; operations on other axes are not."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.errors import UserError
from legacy_graph.graphs.load import load_model
from tests.support.graph_files import constant, images, run, write_frozen


def convolution(x):
    return tf.nn.conv2d(x, constant([3, 3, 3, 4]), [1, 1, 1, 1], "SAME", name="conv")


def mean(axes):
    return lambda x: convolution(x - tf.reduce_mean(x, axes, keepdims=True, name="mean"))


def mean_over_computed_axes(x):
    return convolution(x - tf.reduce_mean(x, tf.range(tf.rank(x)), name="mean"))


def mean_over_axes_of_values(x):
    axes = tf.cast(x[0, 0, 0, 0], tf.int32, name="axes")
    return convolution(x - tf.reduce_mean(x, axes, keepdims=True, name="mean"))


def norm(x):
    return convolution(x / tf.nn.l2_loss(x, name="norm"))


def joined(x):
    return convolution(tf.concat([x, 2 * x], -4, name="joined"))


def softmax(x):
    return convolution(tf.nn.softmax(x, axis=-4))


def along_the_images(operation):
    """An operation along the last axis, where the images are."""
    return lambda x: convolution(tf.transpose(operation(tf.transpose(x, [1, 2, 3, 0])), [3, 0, 1, 2]))


def reversed_batch(x):
    return convolution(x + tf.reverse(x, [0], name="reversed"))


def segments(x):
    whole = tf.zeros([tf.shape(x)[0]], tf.int32)
    return convolution(x - tf.math.unsorted_segment_sum(x, whole, 1, name="segments"))


def rows_of_two_images(x):
    rows = tf.reshape(x, [-1, 504], name="rows")
    return convolution(tf.reshape(rows[:, ::-1], tf.shape(x)))


def numbered(x):
    """Each image is multiplied by its number in the batch."""
    numbers = tf.cast(tf.range(tf.shape(x)[0]), tf.float32)
    return convolution(tf.multiply(x, numbers[:, None, None, None], name="numbered"))


def rows_of_14(x):
    """14 rows are two for each image only if there are seven."""
    return convolution(tf.reshape(tf.nn.softmax(tf.reshape(x, [14, -1], name="rows")), [-1, 12, 12, 3]))


def divided(x):
    """By the number of all values of the batch."""
    return convolution(tf.divide(x, tf.cast(tf.size(x), tf.float32), name="divided"))


def turned(x):
    """The rows of the images and the images change places."""
    return convolution(tf.transpose(x, [1, 0, 2, 3]))


def gram(x):
    rows = tf.reshape(x, [-1, 432])
    products = tf.matmul(rows, rows, transpose_b=True, name="gram")
    return convolution(x * tf.reduce_sum(products, 1)[:, None, None, None])


def tiled(x):
    return convolution(tf.tile(x, [2, 1, 1, 1], name="tiled")[: tf.shape(x)[0]])


# {construct: operation that the message names}
REFUSED = {
    "mean, axis 0": (mean(0), "Mean (mean)"),
    "mean, axis -4": (mean(-4), "Mean (mean)"),
    "mean, axes 1 and -4": (mean([1, -4]), "Mean (mean)"),
    "mean, computed axes": (mean_over_computed_axes, "Mean (mean)"),
    "mean, axes of values": (mean_over_axes_of_values, "StridedSlice"),
    "norm": (norm, "L2Loss (norm)"),
    "joined": (joined, "ConcatV2 (joined)"),
    "softmax": (softmax, "Softmax"),
    "log softmax": (along_the_images(tf.nn.log_softmax), "LogSoftmax"),
    "response norm": (along_the_images(tf.nn.lrn), "LRN"),
    "strongest": (along_the_images(lambda x: tf.nn.top_k(x, tf.shape(x)[3])[0]), "TopKV2"),
    "reversed": (reversed_batch, "ReverseV2 (reversed)"),
    "reversed slice": (lambda x: convolution(x[::-1]), "StridedSlice"),
    "first image": (lambda x: convolution(x - x[:1]), "StridedSlice"),
    "every second image": (lambda x: convolution(tf.concat([x[::2], x[1::2]], 0)), "StridedSlice"),
    "einsum": (lambda x: convolution(x - tf.einsum("bhwc->hwc", x)[None]), "operation"),
    "segments": (segments, "UnsortedSegmentSum (segments)"),
    "rows of two images": (rows_of_two_images, "Reshape (rows)"),
    "rows of several images": (rows_of_14, "Reshape (rows)"),
    "first images": (lambda x: convolution(x[:16]), "StridedSlice"),
    "seven images": (lambda x: convolution(tf.slice(x, [0] * 4, [7, -1, -1, -1], name="seven")), "Slice (seven)"),
    "number of images": (divided, "RealDiv (divided)"),
    "numbered": (numbered, "Mul (numbered)"),
    "turned": (turned, "Conv2D (conv)"),
    "gram": (gram, "MatMul (gram)"),
    "tiled": (tiled, "Tile (tiled)"),
    "towers": (lambda x: tf.concat([convolution(part) for part in tf.split(x, 2, name="towers")], 0), "Split (towers)"),
    "fixed batch": (lambda x: convolution(tf.reshape(x, [32, 6, 24, 3], name="fixed")), "Reshape (fixed)"),
    "halves": (lambda x: convolution(tf.reshape(x, [-1, 6, 12, 3])), "layer conv"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_images_that_are_combined_are_refused(case, tmp_path):
    construct, name = REFUSED[case]
    with pytest.raises(UserError) as refused:
        load_model(write_frozen(tmp_path / "model.pb", construct))
    assert name in refused.value.subject


def other_axes(x):
    """Each operation of the refused graphs, on other axes; an embedding reads a constant at its axis 0."""
    x = x - tf.reduce_mean(x, tf.range(1, tf.rank(x)), keepdims=True) - tf.reduce_mean(x, -1, keepdims=True)
    x = tf.reverse(tf.nn.softmax(x, axis=1), [-2]) + tf.add_n(tf.unstack(tf.stack([x, x], 1), axis=1))
    x = tf.reduce_sum(tf.stack([x, x[:, ::-1]], axis=0), 0)
    x += tf.tile(constant([1, 12, 12, 3]), [tf.shape(x)[0], 1, 1, 1])
    x /= tf.cast(tf.size(x) // tf.shape(x)[0], tf.float32) + tf.fill(tf.shape(x), 2.0)
    x = tf.transpose(tf.nn.softmax(tf.transpose(x, [3, 1, 2, 0]), 1), [3, 1, 2, 0])
    x += tf.einsum("bhwc,cd->bhwd", x, tf.constant(constant([3, 3])))
    rows = tf.reshape(tf.matmul(tf.reshape(x, [-1, 3]), constant([3, 3])), [-1, 12, 36])
    x += tf.reshape(tf.matmul(rows, rows, transpose_b=True) @ rows, tf.shape(x))
    x *= tf.reduce_mean(x, [1, 2])[:, None, None, :]
    x = tf.concat(tf.split(x, 3, -1), 3) + tf.gather(constant([4]), tf.cast(x > 0, tf.int32))[..., :3]
    return convolution(x)


def test_other_axes_are_allowed(tmp_path):
    """The values of an image do not depend on the other images."""
    model = load_model(write_frozen(tmp_path / "model.pb", other_axes))
    batch = images(3, 12, 12, 3)
    whole, alone = [run(model.graph_def, "conv", {"images": one}) for one in (batch, batch[:1])]
    np.testing.assert_allclose(whole[:1], alone, rtol=1e-5, atol=1e-6)


def test_a_layer_beside_a_fixed_batch_is_loaded(tmp_path):
    """The note does not speak of the number of images that the check assumes."""

    def both(x):
        halves = [tf.nn.relu(tf.nn.conv2d(half, constant([3, 3, 3, 4]), [1] * 4, "SAME")) for half in tf.split(x, 2)]
        return tf.concat(halves, 0) + convolution(x)

    model = load_model(write_frozen(tmp_path / "model.pb", both))
    assert [layer.name for layer in model.layers] == ["conv"]
    (note,) = [note for note in model.notes if "Split" in note]
    assert "7" not in note and "--input" in note

"""Graphs that combine the images of a batch are refused; operations on other axes are not."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.errors import UserError
from legacy_graph.graphs.load import load_model
from tests.support.graph_files import constant, images, run, write_frozen

APART, EXPORT = "expected an operation within each image", "export the graph for inference"
BATCH = "the batch axis"


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


def reversed_batch(x):
    return convolution(x + tf.reverse(x, [0], name="reversed"))


def stacked(axis):
    return lambda x: convolution(tf.reduce_sum(tf.stack([x, x], axis, name="stacked"), axis))


REFUSED = {
    "mean, axis 0": (mean(0), f"operation Mean (mean): {APART}, found {BATCH}; {EXPORT}"),
    "mean, axis -4": (mean(-4), f"operation Mean (mean): {APART}, found {BATCH}; {EXPORT}"),
    "mean, axes 1 and -4": (mean([1, -4]), f"operation Mean (mean): {APART}, found {BATCH}; {EXPORT}"),
    "mean, computed axes": (mean_over_computed_axes, f"operation Mean (mean): {APART}, found {BATCH}; {EXPORT}"),
    "mean, axes of values": (
        mean_over_axes_of_values, f"operation Mean (mean): {APART}, found unknown axes; {EXPORT}"
    ),
    "norm": (norm, f"operation L2Loss (norm): {APART}, found a sum over the batch axis; {EXPORT}"),
    "joined": (joined, f"operation ConcatV2 (joined): {APART}, found {BATCH}; {EXPORT}"),
    "softmax": (softmax, "operation Transpose (transpose): "
                f"{APART}, found an order of the axes in which the batch may not be first; {EXPORT}"),
    "reversed": (reversed_batch, f"operation ReverseV2 (reversed): {APART}, found {BATCH}; {EXPORT}"),
    "stacked, axis 0": (stacked(0), f"operation Pack (stacked): {APART}, found {BATCH}; {EXPORT}"),
    "stacked, axis -5": (stacked(-5), f"operation Pack (stacked): {APART}, found {BATCH}; {EXPORT}"),
    "halves": (lambda x: convolution(tf.reshape(x, [-1, 6, 12, 3])), "layer conv: expected one result for each image, "
               "found 14 for 7 images; use --input to name a node after the operation that changes the batch"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_images_that_are_combined_are_refused(case, tmp_path):
    construct, line = REFUSED[case]
    with pytest.raises(UserError) as refused:
        load_model(write_frozen(tmp_path / "model.pb", construct))
    assert str(refused.value) == line


def other_axes(x):
    """Each operation of the refused graphs, on other axes; an embedding reads a constant at its axis 0."""
    x = x - tf.reduce_mean(x, tf.range(1, tf.rank(x)), keepdims=True) - tf.reduce_mean(x, -1, keepdims=True)
    x = tf.reverse(tf.nn.softmax(x, axis=1), [-2]) + tf.add_n(tf.unstack(tf.stack([x, x], 1), axis=1))
    x = tf.concat(tf.split(x, 3, -1), 3) + tf.gather(constant([4]), tf.cast(x > 0, tf.int32))[..., :3]
    return convolution(x)


def test_other_axes_are_allowed(tmp_path):
    """The values of an image do not depend on the other images."""
    model = load_model(write_frozen(tmp_path / "model.pb", other_axes))
    batch = images(3, 12, 12, 3)
    whole, alone = [run(model.graph_def, "conv", {"images": one}) for one in (batch, batch[:1])]
    np.testing.assert_allclose(whole[:1], alone, rtol=1e-5, atol=1e-6)

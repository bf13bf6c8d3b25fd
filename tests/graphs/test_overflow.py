"""The bound of all values between the images and a layer: by hand, and against the values of every construct."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.graphs import backward, overflow
from tests.support.construct_differences import load_construct
from tests.support.constructs import CONSTRUCTS, response_norm, selu
from tests.support.graph_models import CHANNELS, SIDES, ends, model_of


def bound_of(model, layer, images):
    """(bound for the magnitude of the images, largest magnitude of any value on the path); None without a bound."""
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
        back = backward.import_backward(model, layer, backward.GRADIENT)
        bound = overflow.build_bound(back.images, back.path)
        if bound is None:
            return None
        values = [tf.reduce_max(tf.abs(operation.outputs[0])) for operation in back.path.operations]
        one = {back.images: images[:1], bound.magnitude: np.abs(images).max()}
        return session.run(bound.value, one), max(session.run(values, {back.images: images}))


def by_hand(value):
    """For pixels of -2 the values are 8 - 8 + 8 = 8, 7, -7, -12. The bounds of their magnitudes are 24, 25, 25, 30."""
    value = tf.nn.conv2d(value, tf.constant([-4.0, 4, -4], shape=[1, 1, 3, 1]), [1, 1, 1, 1], "SAME")
    return ends(tf.nn.relu(-(value - 1.0) - 5.0))


def test_the_bound_by_hand():
    model = model_of(by_hand)
    assert bound_of(model, model.layers[0], np.full((1, *SIDES, CHANNELS), -2, "f")) == (30, 12)


def masked(value):
    """The mask of one image says nothing about another image."""
    value *= tf.cast(value > 1, tf.float32)
    return ends(tf.nn.relu(tf.nn.conv2d(value, tf.fill([1, 1, CHANNELS, 1], 1e30), [1, 1, 1, 1], "SAME")))


def bicubic(value):
    """The weights of a bicubic resize are partly negative."""
    value = tf.image.resize_bicubic(value, [side * 2 for side in SIDES])
    return convolved(value)


def convolved(value):
    return ends(tf.nn.relu(tf.nn.conv2d(value, tf.ones([1, 1, CHANNELS, 1]), [1] * 4, "SAME")))


def quotient(value):
    """Pixels near 0 give large values."""
    return convolved(2.0 / value)


def steep(value):
    """A LeakyReLU whose values below 0 are larger than those above."""
    return convolved(tf.nn.leaky_relu(value, 2.0))


@pytest.mark.parametrize("build", [masked, bicubic, quotient, steep])
def test_there_is_no_bound(build):
    model = model_of(build)
    assert bound_of(model, model.layers[0], np.zeros((1, *SIDES, CHANNELS), "f")) is None


def test_a_bound_that_is_no_number_is_infinite():
    """The bound of the values is 24, and asin(24) is NaN."""
    model = model_of(lambda value: ends(tf.nn.relu(tf.asin(by_hand(value).convolution.outputs[0]))))
    assert bound_of(model, model.layers[0], np.full((1, *SIDES, CHANNELS), -2, "f"))[0] == np.inf


@pytest.mark.parametrize("construct", CONSTRUCTS.values(), ids=CONSTRUCTS)
def test_no_value_is_above_the_bound(construct):
    """The last two images are constant, 3 and -3: one of them gives values near the bound."""
    model = load_construct(construct)
    images = np.random.RandomState(5).normal(size=(4, *SIDES, CHANNELS)).astype("f")
    images[2:] = 3 * np.array([1, -1])[:, None, None, None]
    found = bound_of(model, model.layers[-1], images)
    assert (found is not None) == (construct not in (selu, response_norm))
    if found is not None:
        assert found[1] <= found[0] < 1e4 * found[1]

"""The fully connected layers, projected to the pixels: against numpy and against TensorFlow's gradients."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.article import network
from legacy_graph.article.deconv import deconvolve
from legacy_graph.article.dense import all_layers
from legacy_graph.config import DECONVNET, GRADIENT, GUIDED

UNITS = {"fc1": 5, "fc2": 2}  # a unit of each layer to project; the logit of 2 is below 0 for both images


@pytest.fixture(scope="module")
def values():
    """Projections of one unit by each method, and the tensors for a projection by hand, of two random images."""
    with tf.Graph().as_default(), tf.Session() as session:
        net = network.build(seed=1)
        layers = all_layers(net)
        unit = {name: tf.constant([number, number], tf.int64) for name, number in UNITS.items()}
        fetches = {
            (name, method): deconvolve(layers, name, unit[name], method=method)
            for name in UNITS
            for method in (DECONVNET, GRADIENT, GUIDED)
        }
        signal = tf.placeholder(tf.float32, [2, 7, 7, 64])
        conv2 = net.layers[1]._replace(output=signal)
        fetches["below"] = deconvolve([net.layers[0], conv2], "conv2")
        for name, layer in zip(UNITS, layers[2:]):
            kept = layer.output[:, 0, 0, UNITS[name]]
            fetches[name, "tf"] = tf.gradients(kept, net.layers[0].input, kept)[0]
            fetches[name, "output"], fetches[name, "kernel"] = layer.output, layer.kernel
        fetches["logits"], fetches["hidden"] = net.probabilities.op.inputs[0], net.features
        session.run(tf.global_variables_initializer())
        images = np.random.RandomState(0).rand(2, 784).astype(np.float32)
        feed = {net.images: images, net.keep_prob: 1.0, signal: np.zeros([2, 7, 7, 64])}
        first = session.run(fetches, feed)

        def project_below(array):
            return session.run(fetches["below"], {**feed, signal: array})

        yield first, project_below


def test_the_layers_have_the_values_of_the_network(values):
    found, _ = values
    np.testing.assert_array_equal(found["fc1", "output"][:, 0, 0], found["hidden"])
    np.testing.assert_array_equal(found["fc2", "output"][:, 0, 0], found["logits"])


@pytest.mark.parametrize("name", UNITS)
def test_the_gradient_is_that_of_tensorflow(values, name):
    found, _ = values
    expected = found[name, "tf"]
    assert np.abs(expected).max() > 0
    np.testing.assert_allclose(found[name, GRADIENT], expected, atol=1e-5 * np.abs(expected).max())


def test_the_deconvnet_of_a_logit_is_that_of_numpy(values):
    """A logit's signal goes through fc2 transposed, a ReLU, fc1 transposed; below fc1 as conv2's signal does."""
    found, project_below = values
    unit = UNITS["fc2"]
    hidden = found["logits"][:, unit, None] * found["fc2", "kernel"][0, 0, :, unit]  # [2, 1024]
    weights = found["fc1", "kernel"].reshape(-1, 1024)
    signal = (np.maximum(hidden, 0) @ weights.T).reshape(2, 7, 7, 64)
    expected = project_below(signal)
    assert np.abs(expected).max() > 0
    np.testing.assert_allclose(found["fc2", DECONVNET], expected, atol=1e-5 * np.abs(expected).max())

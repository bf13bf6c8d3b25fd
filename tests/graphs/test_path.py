"""Which sums contain an activation that the deconvnet and guided backpropagation do not define."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.config import GRADIENT, METHODS
from legacy_graph.graphs.backward import allowed_methods
from tests.support.construct_differences import run_projection
from tests.support.graph_files import images
from tests.support.graph_models import CHANNELS, SIDES, Maker, ends, model_of


def model_with(combine):
    """A convolution, its combination with ReLUs, and a second convolution with a ReLU."""

    def build(value):
        make = Maker()
        value = combine(make.convolve(value, 4), make.convolve(value, 4))
        return ends(tf.nn.relu(make.convolve(value, 5)))

    return model_of(build)


def repeated(x, other):
    value = tf.nn.relu(x)
    return tf.add_n([value, value, other])


def doubled(x, other):
    return 2 * tf.nn.relu(x) + other


def scaled(x, other):
    value = tf.nn.relu(x)
    return 0.5 * value - value + other


def prelu(x, other):
    return tf.nn.relu(x) - 0.2 * tf.nn.relu(-x) + other


def leaky(x, other):
    return tf.add_n([tf.nn.relu(x), 0.2 * x, other])


@pytest.mark.parametrize("combine", [repeated, doubled, scaled, prelu, leaky])
def test_a_sum_is_linear_if_its_terms_passed_the_same_relus(combine):
    model = model_with(combine)
    expected = (GRADIENT,) if combine in (prelu, leaky) else tuple(METHODS)
    assert allowed_methods(model, model.layers[-1]) == expected


@pytest.mark.parametrize("combine", [lambda x, _: x * tf.cast(x > 0, tf.float32), lambda x, _: 2.0 / x])
def test_a_factor_that_depends_on_the_images_is_an_activation(combine):
    """For example a ReLU that is written as a product: only the gradient is defined, as for other activations."""
    model = model_with(combine)
    assert allowed_methods(model, model.layers[-1]) == (GRADIENT,)


@pytest.mark.parametrize("method", METHODS)
def test_a_sum_with_a_repeated_term_equals_a_product(method):
    pixels = images(2, *SIDES, CHANNELS)
    projections = []
    for combine in (repeated, doubled):
        model = model_with(combine)
        projections.append(run_projection(model, model.layers[-1], method, pixels)[1])
    np.testing.assert_allclose(*projections, rtol=1e-5, atol=1e-6 * np.abs(projections[0]).max())
    assert projections[0].any()

"""`features`, `model.project` and `deconv` run the same operations: a spot has the same projection everywhere.

TensorFlow multiplies a kernel by the factors of the batch norm after it if nothing else reads the convolution. Rounding
then differs, and a ReLU can pass other signals.
"""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.data.images import from_array
from legacy_graph.visualize import layer_probes, reading, top_activations
from legacy_graph.visualize.probe import OpenProbe
from tests.support.graph_models import Maker, ends, measured_model_of, model_of

SIDES, METHOD = (32, 32), "guided"


def normalised(value):
    """Convolutions with batch norm and ReLU."""
    make = Maker()
    for _ in range(6):
        kernel = make.constant(3, 3, int(value.shape[3]), 16)
        value = tf.nn.relu(make.batch_norm(tf.nn.conv2d(value, kernel, 1, "SAME"), fused=False))
    return ends(value, value)


@pytest.fixture(scope="module", params=[model_of, measured_model_of], ids=["complete images", "crops"])
def model(request):
    """Projections on crops need the receptive field, which the first model does not have."""
    return request.param(normalised, SIDES)


@pytest.fixture(scope="module")
def images():
    return from_array(np.random.RandomState(0).normal(0, 1, [12, *SIDES, 3]).astype(np.float32), None, "noise")


@pytest.fixture(scope="module")
def found(model, images):
    """(spots of all maps as `features` finds them; their projections before and after a check of the values)."""
    with tf.Graph().as_default(), tf.Session() as session:
        probe = layer_probes.graph_probe(model, model.layers[0], METHOD)
        opened = OpenProbe(session, probe, images)
        spots = top_activations.collect(opened, np.arange(16), 2)
        others = [top_activations.project(opened, *spots.spots)]
        top_activations.check_values(opened, spots.images.ravel())
        others.append(top_activations.project(opened, *spots.spots))
    return spots, others


def test_a_check_of_the_values_does_not_change_a_projection(found):
    spots, others = found
    assert (spots.images >= 0).all() and spots.projections.any(axis=(2, 3, 4)).mean() > 0.9
    for projections in others:
        np.testing.assert_array_equal(projections.reshape(spots.projections.shape), spots.projections)


def test_a_control_with_the_learned_kernel_has_a_signal_of_1(model, images, found):
    spots, _ = found
    with tf.Graph().as_default(), tf.Session() as session:
        probe = layer_probes.graph_probe(model, model.layers[0], METHOD)
        kernel = session.run(probe.layer.kernel)
        control = top_activations.project(OpenProbe(session, probe, images), *spots.spots, kernel)
    expected = spots.projections / spots.activations[:, :, None, None, None]
    np.testing.assert_allclose(control.reshape(expected.shape), expected, atol=1e-5 * np.abs(expected).max())


def test_a_spot_of_deconv_is_that_of_features(model, images, found):
    spots, _ = found
    reader = reading.graph_reader(model, model.layers[0], METHOD)
    with tf.Session(graph=reader.graph) as session:
        readings = list(reading.read_images(session, reader, images, maps=range(16)))
    for row, number in enumerate(spots.maps):
        for image, expected in zip(spots.images[row], spots.projections[row]):
            projection = readings[image].projections[f"last/map {number}, spot"][METHOD]
            np.testing.assert_allclose(projection, expected, atol=2e-6 * np.abs(expected).max())

"""Towers in one process: the sum of their shares equals the network that computes the complete batch."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.article import network
from legacy_graph.config import DECONVNET, FIRST
from legacy_graph.data import mnist
from legacy_graph.data.images import Preprocessing, from_array
from legacy_graph.training.checkpoints import restore_weights
from legacy_graph.visualize import layer_probes, top_activations
from legacy_graph.visualize.probe import OpenProbe
from tests.support.graph_commands import two_layers
from tests.support.graph_models import model_of
from tests.support.program import SAMPLE

STEPS, BATCH, HERE = 10, 10, ""  # HERE: the device of the process itself


@pytest.fixture(scope="module")
def digits():
    return mnist.load(SAMPLE)


def losses(data, begins):
    """The losses of `STEPS` steps with dropout and one more tower per row in `begins`; the figures of one digit."""
    with tf.Graph().as_default(), tf.Session() as session:
        net = network.build(seed=3, towers=[(HERE, begin) for begin in begins])
        train = network.training(net, 1e-3)
        session.run(tf.global_variables_initializer())
        batches = mnist.batches(data.train, BATCH, 3)
        found = [session.run([net.loss, train], network.feed(net, *next(batches), 0.5))[0] for _ in range(STEPS)]
        one = mnist.scale_pixels(data.test.images[:1]), mnist.one_hot(data.test.labels[:1])
        return found, session.run([net.loss, net.accuracy], network.feed(net, *one))


@pytest.fixture(scope="module")
def alone(digits):
    return losses(digits, [])


def test_towers_train_like_one_network(digits, alone):
    together, of_one_digit = losses(digits, [4, 7])
    np.testing.assert_allclose(together, alone[0], rtol=1e-5)
    np.testing.assert_allclose(of_one_digit, alone[1], rtol=1e-4)  # the later towers get no digit


def test_a_tower_with_wrong_rows_has_another_dropout_mask(digits, alone):
    """Shows that the comparison above can fail: the second tower gets the dropout mask of the first rows."""
    assert abs(losses(digits, [0])[0][0] / alone[0][0] - 1) > 1e-3


def assert_same_scan(session, probe, images):
    """With all scanners of the probe as with the first one."""
    opened = OpenProbe(session, probe._replace(chunk=13), images)
    alone = opened._replace(probe=opened.probe._replace(scanners=probe.scanners[:1]))
    assert len(probe.scanners) == 3
    for expected, found in zip(top_activations.scan(alone, 9), top_activations.scan(opened, 9)):
        np.testing.assert_array_equal(found, expected)


def test_towers_scan_the_articles_network_like_one_network(trained, digits):
    with tf.Graph().as_default() as graph, tf.Session() as session:
        probe = layer_probes.features_probe("conv2", FIRST, DECONVNET, [HERE] * 2)
        graph.finalize()
        restore_weights(session, trained.logdir)
        images = from_array(digits.test.images[:100].reshape(-1, 28, 28, 1), Preprocessing(0, 1), "digits")
        assert_same_scan(session, probe, images)


def test_towers_scan_a_loaded_graph_like_one_network():
    model = model_of(two_layers)
    photos = np.random.RandomState(0).randint(0, 256, [60, *model.input_shape]).astype(np.uint8)
    with tf.Graph().as_default() as graph, tf.Session() as session:
        probe = layer_probes.graph_probe(model, model.layers[0], DECONVNET, [HERE] * 2)
        graph.finalize()
        assert_same_scan(session, probe, from_array(photos, Preprocessing(-1, 1), "photos"))

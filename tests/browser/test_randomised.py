"""The curves of random layers: the means by hand, the control of the command `features`, numpy, and the page."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.article import network
from legacy_graph.article.receptive_field import Field
from legacy_graph.config import DECONVNET, GUIDED, SHARED
from legacy_graph.data import images, mnist
from legacy_graph.training.checkpoints import restored_session
from legacy_graph.visualize.layer_probes import article_probe
from legacy_graph.visualize.probe import OpenProbe
from legacy_graph.visualize.reading import article_reader
from legacy_graph.visualize.sanity_check import compare, project_random, random_kernel
from legacy_graph.visualize.top_activations import collect
from tests.browser import deletion, randomised
from tests.support.program import SAMPLE


@pytest.fixture(scope="module")
def pictures():
    return deletion.as_pictures(mnist.scale_pixels(mnist.load(SAMPLE).test.images))


@pytest.fixture(scope="module")
def reader():
    return article_reader(randomised.LAYERS, SHARED)


def test_the_layers_become_random_from_the_top():
    assert randomised.stages("conv2") == [("conv2",), ("conv2", "conv1")]
    assert randomised.stages("fc2")[-1] == ("fc2", "fc1", "conv2", "conv1")


def test_empty_projections_are_left_out_of_the_mean():
    """Of three pairs, one is in the same order, one nearly so, 1 - 6 * 4 / (5 * 24), and one is empty."""
    trained = np.array([[1, 2, 3, 4, 5]] * 3, float).reshape(3, 1, 5, 1)
    random = np.array([[1, 2, 3, 4, 5], [2, 1, 4, 3, 5], [0] * 5], float).reshape(3, 1, 5, 1)
    fields = Field(1, 0, 0), Field(5, 0, 0)
    mean, left_out = randomised.correlate(trained, random, np.zeros([3, 2], int), fields)
    assert (mean, left_out) == (pytest.approx(0.9), 1)


def test_one_random_layer_is_the_control_of_the_features(trained, reader, pictures):
    with restored_session(reader.graph, trained.logdir) as (session, _):
        found = randomised.compare(session, reader, "conv2", pictures)["conv2",]
    with tf.Graph().as_default() as graph:
        net = network.build()
        probes = {method: article_probe(net, "conv2", SHARED, method) for method in (DECONVNET, GUIDED)}
    source = images.from_array(pictures, None, "digits")
    with restored_session(graph, trained.logdir) as (session, _):
        for method, probe in probes.items():
            opened = OpenProbe(session, probe, source)
            learned = collect(opened, np.arange(64), 9)
            control = compare(learned, project_random(opened, learned), probe.fields)
            assert found[method] == (pytest.approx(control.rank_correlation, abs=1e-4), control.empty)


def test_random_dense_layers_change_the_logits_as_in_numpy(trained, reader, pictures):
    with restored_session(reader.graph, trained.logdir) as (session, _):
        feed = {reader.images: pictures[:5], **randomised.random_weights(reader, ("fc2", "fc1"))}
        below, logits = session.run([reader.layers[name].output for name in ("conv2", "fc2")], feed)
        biases = session.run(reader.graph.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES)[5::2])
    features = np.maximum(below.reshape(5, -1) @ random_kernel([3136, 1024]) + biases[0], 0)
    np.testing.assert_allclose(logits[:, 0, 0], features @ random_kernel([1024, 10]) + biases[1], rtol=1e-3, atol=1e-2)

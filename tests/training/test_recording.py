"""At which steps a run writes what, and what it computes from one pass over the test digits."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.article import network
from legacy_graph.config import Config, is_image_step
from legacy_graph.data import mnist
from legacy_graph.training import recording
from legacy_graph.visualize import layer_probes


def image_steps(last, every=None):
    return [step for step in range(last + 1) if is_image_step(step, every)]


def test_image_steps_are_dense_at_the_beginning():
    """At most ten in the default run: TensorBoard's own command shows ten pictures of a tag."""
    assert image_steps(Config().steps) == [0, 20, 200, 500, 1000, 2000]
    assert image_steps(40000)[6:] == [*range(4000, 20001, 2000), 40000]
    later = [step for step in range(10**6, 2 * 10**6, 1000) if is_image_step(step, None)]
    assert later == list(range(10**6, 2 * 10**6, 200000))


def test_an_interval_replaces_the_default_steps():
    assert image_steps(1000, 300) == [0, 300, 600, 900]
    assert image_steps(3, 1) == [0, 1, 2, 3]


@pytest.mark.parametrize("every", [None, 7])
def test_everything_is_due_at_the_last_step_and_at_step_0(every):
    config = Config(steps=33, image_every=every)
    assert recording.due(33, config) == recording.due(0, config) == (True, True, True, True)
    assert recording.due(20, config) == (True, False, every is None, False)


@pytest.fixture(scope="module")
def tested(data):
    """A session of an untrained network with probes, and 11 test digits, more than a chunk."""
    with tf.Graph().as_default(), tf.Session() as session:
        net = network.build(seed=2)
        probes = [layer_probes.article_probe(net, layer.name) for layer in net.layers]
        session.run(tf.global_variables_initializer())
        yield session, net, probes, mnist.Digits(data.test.images[:11], data.test.labels[:11])


def test_an_evaluation_in_chunks_equals_one_pass(tested, monkeypatch):
    session, net, probes, digits = tested
    images = mnist.scale_pixels(digits.images)
    outputs = session.run([layer.output for layer in net.layers], {net.images: images})
    probabilities = session.run(net.probabilities, {net.images: images, net.keep_prob: 1.0})
    monkeypatch.setattr(recording, "CHUNK", 4)
    found = recording.evaluate(session, net, digits, probes)
    for strongest, output in zip(found.strongest, outputs):
        np.testing.assert_allclose(strongest, output.max((1, 2)), rtol=1e-5)
    right = probabilities[np.arange(11), digits.labels]
    assert found.loss == pytest.approx(-np.log(right).mean(), rel=1e-5)
    assert found.accuracy == pytest.approx((probabilities.argmax(1) == digits.labels).mean())
    assert recording.evaluate(session, net, digits)[:2] == found[:2]
    untested = recording.evaluate(session, net, digits, probes, tested=False)
    assert np.isnan(untested[:2]).all()
    for strongest, expected in zip(untested.strongest, found.strongest):
        np.testing.assert_array_equal(strongest, expected)

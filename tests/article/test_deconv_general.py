"""`deconvolve`, one map and one spot at a time, in two networks: against TensorFlow's gradients, and numpy loops."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.article import deconv, network
from legacy_graph.article.layer import layers_up_to
from legacy_graph.config import METHODS
from legacy_graph.data import mnist
from tests.support import second_network
from tests.support.program import SAMPLE

LAYERS = [shape.name for shape in second_network.SHAPES]


@tf.RegisterGradient("ReluLettingPositivePass")
def positive_passes(_, gradient):
    return tf.nn.relu(gradient)


@tf.RegisterGradient("ReluLettingPositivePassWhereItFired")
def positive_passes_where_it_fired(operation, gradient):
    return tf.nn.relu(gradient) * tf.cast(operation.outputs[0] > 0, tf.float32)


OVERRIDES = {
    "gradient": {},
    "deconvnet": {"Relu": "ReluLettingPositivePass"},
    "guided": {"Relu": "ReluLettingPositivePassWhereItFired"},
}


class Bench:
    """One graph: a network, our way back from a layer, and TensorFlow's."""

    def __init__(self, images, layers, name, method):
        self.layer = layers_up_to(layers, name)[-1]
        self.images, self.first = images, layers[0].input
        self.maps, self.positions = tf.placeholder(tf.int32, [None]), tf.placeholder(tf.int32, [None, 2])
        self.signal = tf.placeholder(tf.float32, [None, None, None, None])
        self.ours = deconv.deconvolve(layers, name, maps=self.maps, positions=self.positions, method=method)
        self.theirs = tf.gradients(self.layer.output, self.first, self.signal)[0]
        self.session = tf.Session()
        self.session.run(tf.global_variables_initializer())
        tf.get_default_graph().finalize()

    def difference(self, images, maps, positions):
        """The largest difference of all, relative to the largest value of the projection it is in."""
        output = self.session.run(self.layer.output, {self.images: images})
        signal = np.zeros_like(output)
        for image, (channel, (y, x)) in enumerate(zip(maps, positions)):
            signal[image, y, x, channel] = output[image, y, x, channel]
        ours = self.session.run(self.ours, {self.images: images, self.maps: maps, self.positions: positions})
        theirs = self.session.run(self.theirs, {self.images: images, self.signal: signal})
        return relative(ours, theirs)


def relative(ours, theirs):
    assert ours.shape == theirs.shape
    assert theirs.any()
    gaps, sizes = [np.abs(values).reshape(len(values), -1).max(axis=1) for values in (ours - theirs, theirs)]
    assert not gaps[sizes == 0].any()
    return float((gaps[sizes > 0] / sizes[sizes > 0]).max())


@pytest.fixture(scope="module")
def digits():
    return mnist.load(SAMPLE).test.images


def second(method, numbers):
    images = tf.placeholder(tf.float32, (None,) + second_network.SIDES + (second_network.CHANNELS,))
    with tf.get_default_graph().gradient_override_map(OVERRIDES[method]):
        return images, second_network.build(images, numbers)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["conv1", "conv2"])
def test_articles_feature_maps_equal_tensorflows_gradient(digits, name, method):
    """Each map at three random spots; every fourth image is blank or all of one grey, so that windows tie."""
    with tf.Graph().as_default() as graph:
        with graph.gradient_override_map(OVERRIDES[method]):
            net = network.build(seed=1)
        bench = Bench(net.images, net.layers, name, method)
        _, height, width, channels = bench.layer.output.shape.as_list()
    random = np.random.RandomState(0)
    maps = np.tile(np.arange(channels), 3)
    images = mnist.scale_pixels(digits[random.permutation(1000)[: len(maps)]])
    images[::8], images[4::8] = 0, 0.5
    positions = np.stack([random.randint(0, side, len(maps)) for side in (height, width)], axis=1)
    largest = bench.difference(images, maps, positions)
    print(f"{name}, {method}: largest relative difference to tf.gradients {largest:.2g}")
    assert largest <= 1e-5


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", LAYERS)
def test_second_network_positions_equal_tensorflows_gradient(name, method):
    random = np.random.RandomState(0)
    with tf.Graph().as_default():
        bench = Bench(*second(method, second_network.real_numbers(2)), name, method)
    spots = list(np.ndindex(*bench.layer.output.shape.as_list()[1:]))
    images = random.normal(0, 1, (len(spots),) + second_network.SIDES + (3,)).astype("f")
    largest = bench.difference(images, [c for _, _, c in spots], [(y, x) for y, x, _ in spots])
    print(f"{name}, {method}: largest relative difference to tf.gradients {largest:.2g}")
    assert largest <= 1e-5


@pytest.fixture(scope="module")
def walks():
    """The loops' way forward: kind of numbers -> image -> layers."""
    found = {}
    for kind in ("real_numbers", "whole_numbers"):
        numbers = getattr(second_network, kind)(3)
        images = np.random.RandomState(1).randint(0, 2, (8,) + second_network.SIDES + (3,)).astype("f")
        found[kind] = [second_network.forward(image, numbers) for image in images]
    return found


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("kind, ties, gap", [
    ("real_numbers", "first", 1e-5), ("whole_numbers", "first", 0), ("whole_numbers", "shared", 1e-5),
])  # fmt: skip
def test_the_second_network_agrees_with_numpy_loops(walks, name, method, kind, ties, gap):
    random = np.random.RandomState(2)
    walked = [walk[: LAYERS.index(name) + 1] for walk in walks[kind]]
    tops = [walk[-1].output for walk in walked]
    # In every second image the strongest spot, in the others any.
    numbers = [top.argmax() if number % 2 else random.randint(top.size) for number, top in enumerate(tops)]
    spots = [np.unravel_index(number, top.shape) for number, top in zip(numbers, tops)]
    expected = []
    for walk, top, spot in zip(walked, tops, spots):
        signal = np.zeros_like(top)
        signal[spot] = top[spot]
        expected.append(second_network.backward(walk, signal, method, ties))
    y, x, maps = [list(places) for places in zip(*spots)]
    with tf.Graph().as_default(), tf.Session() as session:
        images, layers = second(method, getattr(second_network, kind)(3))
        ours = deconv.deconvolve(layers, name, maps, np.stack([y, x], axis=1), method, ties)
        feed = {images: [walk[0].input for walk in walked]}
        ours, output = session.run([ours, layers[LAYERS.index(name)].output], feed)
    np.testing.assert_allclose(output, tops, rtol=1e-4, atol=1e-6)
    largest = relative(ours, np.array(expected))
    print(f"{name}, {method}, {kind}, {ties}: largest relative difference to loops {largest:.2g}")
    assert largest <= gap


def test_with_whole_numbers_windows_tie_and_are_dead(walks):
    """What the exact agreement above is worth: in many windows the maximum stands twice, or is zero all over."""
    pooled = [layer for walk in walks["whole_numbers"] for layer in walk if layer.shape.pool > 1]
    assert sum(layer.ties for layer in pooled) > 20
    assert sum(layer.dead for layer in pooled) > 50


def test_one_graph_serves_every_batch_size():
    """In the caller's graph and session, finalised: an operation more would raise."""
    with tf.Graph().as_default() as graph, tf.Session() as session:
        images, layers = second("deconvnet", second_network.real_numbers(0))
        maps, positions = tf.placeholder(tf.int64, [None]), tf.placeholder(tf.int64, [None, 2])
        back = [deconv.deconvolve(layers, name, maps, positions) for name in LAYERS]
        graph.finalize()
        before = len(graph.get_operations())
        for batch in (1, 2, 7, 50, 2):
            feed = {images: np.ones((batch, 13, 11, 3)), maps: [1] * batch, positions: [[1, 0]] * batch}
            assert [got.shape for got in session.run(back, feed)] == [(batch, 13, 11, 3)] * 3
        assert len(graph.get_operations()) == before


def test_from_the_first_layer_the_three_methods_are_the_same():
    """What a layer puts out is positive, and has fired: there is nothing yet to differ in."""
    with tf.Graph().as_default(), tf.Session() as session:
        images, layers = second("gradient", second_network.real_numbers(0))
        back = [deconv.deconvolve(layers, "first", method=method) for method in METHODS]
        higher = [deconv.deconvolve(layers, "third", method=method) for method in METHODS]
        feed = {images: np.random.RandomState(0).rand(3, 13, 11, 3)}
        one, other, third = session.run(back, feed)
        differ = session.run(higher, feed)
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(one, third)
    assert not np.allclose(differ[0], differ[1])
    assert not np.allclose(differ[1], differ[2])


def test_the_full_name_of_a_method_is_accepted():
    with tf.Graph().as_default(), tf.Session() as session:
        images, layers = second("gradient", second_network.real_numbers(0))
        back = [deconv.deconvolve(layers, "third", method=method) for method in ("guided", "guided backpropagation")]
        short, full = session.run(back, {images: np.random.RandomState(0).rand(1, 13, 11, 3)})
    assert short.any()
    np.testing.assert_array_equal(short, full)


def test_an_unknown_method_is_told_with_the_known_ones():
    with tf.Graph().as_default(), pytest.raises(ValueError, match="gradient, deconvnet, guided.* found 'magic'"):
        deconv.deconvolve(second("gradient", second_network.real_numbers(0))[1], "first", method="magic")

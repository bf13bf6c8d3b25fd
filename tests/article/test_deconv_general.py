"""`deconvolve`, one map and one spot at a time, in two networks: against TensorFlow's gradients, and numpy."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.article import deconv, network
from legacy_graph.article.layer import layers_up_to
from legacy_graph.config import METHODS
from legacy_graph.data import mnist
from tests.support import second_network
from tests.support.graph_walker import Walker
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
    assert bench.difference(images, maps, positions) <= 1e-5


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", LAYERS)
def test_second_network_positions_equal_tensorflows_gradient(name, method):
    random = np.random.RandomState(0)
    with tf.Graph().as_default():
        bench = Bench(*second(method, second_network.real_numbers(2)), name, method)
    spots = list(np.ndindex(*bench.layer.output.shape.as_list()[1:]))
    images = random.normal(0, 1, (len(spots),) + second_network.SIDES + (3,)).astype("f")
    assert bench.difference(images, [c for _, _, c in spots], [(y, x) for y, x, _ in spots]) <= 1e-5


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("kind, ties, gap", [
    ("real_numbers", "first", 1e-5), ("whole_numbers", "first", 0), ("whole_numbers", "shared", 1e-5),
])  # fmt: skip
def test_the_second_network_agrees_with_numpy(name, method, kind, ties, gap):
    """With whole numbers, whose sums are exact, many windows tie or are zero everywhere."""
    random = np.random.RandomState(2)
    pictures = np.random.RandomState(1).randint(0, 2, (8,) + second_network.SIDES + (3,)).astype("f")
    with tf.Graph().as_default() as graph:
        images, layers = second(method, getattr(second_network, kind)(3))
        end = layers[LAYERS.index(name)].output
        walker = Walker(graph.as_graph_def(), images.op.name, pictures)
        tops = walker.value(end.op.name)
        # In every second image the strongest spot, in the others any.
        numbers = [top.argmax() if number % 2 else random.randint(top.size) for number, top in enumerate(tops)]
        y, x, maps = np.unravel_index(numbers, tops.shape[1:])
        signal, spots = np.zeros_like(tops), (np.arange(len(tops)), y, x, maps)
        signal[spots] = tops[spots]
        ours = deconv.deconvolve(layers, name, maps, np.stack([y, x], axis=1), method, ties)
        with tf.Session() as session:
            ours, output = session.run([ours, end], {images: pictures})
    np.testing.assert_allclose(output, tops, rtol=1e-4, atol=1e-6)
    assert relative(ours, walker.project(end.op.name, signal, method, ties == "shared")) <= gap


def test_many_windows_of_the_whole_numbers_tie_or_are_zero():
    """So that the test above pins both."""
    pictures = np.random.RandomState(1).randint(0, 2, (8,) + second_network.SIDES + (3,)).astype("f")
    with tf.Graph().as_default(), tf.Session() as session:
        images, layers = second("gradient", second_network.whole_numbers(3))
        pooled = [layer for layer in layers if layer.pool > 1]
        relus = session.run([layer.relu for layer in pooled], {images: pictures})
    ties = dead = 0
    for relu in relus:
        for image, y, x, channel in np.ndindex(len(relu), relu.shape[1] // 2, relu.shape[2] // 2, relu.shape[3]):
            window = relu[image, 2 * y : 2 * y + 2, 2 * x : 2 * x + 2, channel]
            dead += window.max() == 0
            ties += window.max() > 0 and (window == window.max()).sum() > 1
    assert ties > 20 and dead > 50


def test_the_full_name_of_a_method_is_accepted():
    with tf.Graph().as_default(), tf.Session() as session:
        images, layers = second("gradient", second_network.real_numbers(0))
        back = [deconv.deconvolve(layers, "third", method=method) for method in ("guided", "guided backpropagation")]
        short, full = session.run(back, {images: np.random.RandomState(0).rand(1, 13, 11, 3)})
    assert short.any()
    np.testing.assert_array_equal(short, full)

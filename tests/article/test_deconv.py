"""反池化, 反激活, 反卷积, against values worked out by hand, an identity, and TensorFlow's own gradients."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.article import deconv, network, summaries
from legacy_graph.article.layer import Layer
from legacy_graph.article.shapes import conv2d_transpose
from legacy_graph.data import mnist
from tests.support.program import SAMPLE


@tf.RegisterGradient("DeconvnetRelu")
def deconvnet_relu(_, gradient):
    """The ReLU of the incoming gradient: with it, backpropagation walks the deconvnet's way."""
    return tf.nn.relu(gradient)


@pytest.fixture(scope="module")
def digits():
    return mnist.scale_pixels(mnist.load(SAMPLE).test.images)


# Two images of 4 x 4 with one channel. The second has a tie, and a window of zeros.
BEFORE = np.array(
    [
        [[1, 2, 0, 0], [3, 4, 0, 5], [9, 0, 1, 0], [0, 8, 0, 2]],
        [[7, 7, 0, 0], [7, 1, 0, 0], [0, 6, 0, 3], [6, 0, 3, 0]],
    ],
    np.float32,
)[..., None]
SIGNAL = np.array([[[10, 20], [30, 40]], [[50, 60], [70, 80]]], np.float32)[..., None]
AFTER = np.array(
    [
        [[0, 0, 0, 0], [0, 10, 0, 20], [30, 0, 0, 0], [0, 0, 0, 40]],
        # Of equal values the first counts, row by row: also of the four zeros.
        [[50, 0, 60, 0], [0, 0, 0, 0], [0, 70, 0, 80], [0, 0, 0, 0]],
    ],
    np.float32,
)[..., None]


def layer_of(relu, pool=2, padding="SAME"):
    window = [1, pool, pool, 1]
    pooled = tf.nn.max_pool(relu, window, window, padding)
    return Layer("layer", None, None, None, relu, pooled, pool=pool, pool_padding=padding)


def test_unpool_by_hand():
    with tf.Graph().as_default(), tf.Session() as session:
        switches = deconv.switches(layer_of(tf.constant(BEFORE)))
        got, places = session.run([deconv.unpool(tf.constant(SIGNAL), switches, [2, 4, 4, 1]), switches])
    # [place in a window, image, row of windows, column of windows]
    assert np.stack(places)[..., 0].tolist() == [
        [[[0, 0], [1, 0]], [[1, 1], [0, 0]]],
        [[[0, 0], [0, 0]], [[1, 1], [1, 1]]],
        [[[0, 0], [0, 0]], [[1, 1], [1, 1]]],
        [[[1, 1], [0, 1]], [[0, 1], [0, 0]]],
    ]
    np.testing.assert_array_equal(got, AFTER)


def test_unrelu_asks_the_signal_alone():
    with tf.Graph().as_default(), tf.Session() as session:
        assert session.run(deconv.unrelu(tf.constant([-2.0, 0.0, 3.0]))).tolist() == [0, 0, 3]


@pytest.mark.parametrize(
    "stride, padding, size", [(1, "SAME", (14, 14)), (2, "SAME", (13, 14)), (2, "VALID", (13, 12))]
)
def test_conv2d_transpose_is_the_adjoint_of_the_convolution(stride, padding, size):
    """<conv(x), y> = <x, deconv(y)>, for every x and y, with the same kernel."""
    random = np.random.RandomState(1)
    x, kernel = random.randn(4, size[0], size[1], 3), random.randn(5, 5, 3, 6)
    with tf.Graph().as_default(), tf.Session() as session:
        forward = tf.nn.conv2d(tf.constant(x), tf.constant(kernel), [1, stride, stride, 1], padding)
        y = random.randn(*forward.shape.as_list())
        back = conv2d_transpose(tf.constant(y), tf.constant(kernel), list(x.shape), stride, padding)
        forward, back = session.run([forward, back])
    assert (forward * y).sum() == pytest.approx((x * back).sum(), rel=1e-12)


@pytest.mark.parametrize("batch", [1, 7, 50])
@pytest.mark.parametrize("name", ["conv1", "conv2"])
def test_whole_chain_is_the_gradient_under_the_deconvnet_relu(digits, name, batch):
    with tf.Graph().as_default() as graph, tf.Session() as session:
        with graph.gradient_override_map({"Relu": "DeconvnetRelu"}):
            net = network.build(seed=3)
        layer = net.layers[["conv1", "conv2"].index(name)]
        ours = deconv.deconvolve(net.layers, name)
        theirs = tf.gradients(layer.output, net.layers[0].input, layer.output)[0]
        session.run(tf.global_variables_initializer())
        ours, theirs = session.run([ours, theirs], {net.images: digits[:batch]})
    assert ours.shape == (batch, 28, 28, 1)
    assert np.abs(theirs).max() > 0
    assert np.abs(ours - theirs).max() <= 1e-5 * np.abs(theirs).max()


def test_a_dead_layer_projects_to_nothing(digits):
    """With every bias far below zero no map lights up; what comes down is zero, not NaN, and its picture mid grey."""
    with tf.Graph().as_default(), tf.Session() as session:
        net = network.build()
        back = [deconv.deconvolve(net.layers, layer.name) for layer in net.layers]
        grey = summaries.on_one_scale(back[1])
        session.run(tf.global_variables_initializer())
        for variable in tf.trainable_variables():
            if "bias" in variable.name:
                variable.load(np.full(variable.shape.as_list(), -1000, "f"), session)
        first, second, grey = session.run(back + [grey], {net.images: digits[:3]})
    assert not first.any()
    assert not second.any()
    assert (grey == 128).all()


def test_one_map_and_one_place_alone(digits):
    """With one spot kept, only pixels that it can see may light up: in layer one 5 x 5 around where it stood."""
    with tf.Graph().as_default(), tf.Session() as session:
        net = network.build()
        maps, positions = tf.placeholder(tf.int32, [None]), tf.placeholder(tf.int32, [None, 2])
        back = deconv.deconvolve(net.layers, "conv1", maps, positions)
        kept = deconv.select_activations(net.layers[0].output, maps, positions)
        session.run(tf.global_variables_initializer())
        feed = {net.images: digits[:2], maps: [4, 31], positions: [[5, 6], [7, 7]]}
        back, kept, full = session.run([back, kept, net.layers[0].output], feed)
    expected = np.zeros_like(full)
    expected[0, 5, 6, 4], expected[1, 7, 7, 31] = full[0, 5, 6, 4], full[1, 7, 7, 31]
    np.testing.assert_array_equal(kept, expected)
    assert kept[0].any()
    # The maximum stood in rows 10-11 and columns 12-13; a 5 x 5 kernel reaches two pixels further.
    seen = np.zeros([28, 28], bool)
    seen[8:14, 10:16] = True
    assert back[0, ..., 0].any()
    assert not back[0, ..., 0][~seen].any()


@pytest.mark.parametrize("words, line", [
    ({"name": "conv3"}, "expected one of conv1, conv2, found 'conv3'"),
    ({"method": "magic"}, "gradient, deconvnet, guided.* found 'magic'"),
    ({"ties": "last"}, "ties: expected one of first, shared, found 'last'"),
])  # fmt: skip
def test_unknown_names_are_told_with_the_known_ones(words, line):
    with tf.Graph().as_default(), pytest.raises(ValueError, match=line):
        deconv.deconvolve(network.build().layers, **{"name": "conv1", **words})

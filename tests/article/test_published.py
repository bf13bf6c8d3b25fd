"""第一层卷积, 第二层反卷积, as published: the shapes of the listing, and a numpy loop."""

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.article import network, published
from legacy_graph.data import mnist
from tests.support.program import SAMPLE


def transpose(value, kernel, side, stride):
    """conv2d_transpose in numpy: every value paints the kernel, times itself, over the pixels it came from."""
    pad = max((value.shape[1] - 1) * stride + 5 - side, 0) // 2
    canvas = np.zeros([len(value), side + 8, side + 8, kernel.shape[2]])
    for y in range(value.shape[1]):
        for x in range(value.shape[2]):
            top, left = 4 + y * stride - pad, 4 + x * stride - pad
            canvas[:, top : top + 5, left : left + 5] += np.einsum("bc,hwoc->bhwo", value[:, y, x], kernel)
    return canvas[:, 4 : 4 + side, 4 : 4 + side]


def test_the_published_block_against_a_numpy_loop():
    images = mnist.scale_pixels(mnist.load(SAMPLE).test.images[:2])
    with tf.Graph().as_default(), tf.Session() as session:
        net = network.build(seed=0)
        trainable = len(tf.trainable_variables())
        reversed_ = published.reverse(*net.layers)
        kernels = [variable for variable in tf.global_variables() if variable.name.startswith("reverse_conv1/")]
        session.run(tf.global_variables_initializer())
        got = session.run(
            {"reversed": reversed_, "kernels": kernels, "linear": [layer.linear for layer in net.layers]},
            {net.images: images},
        )
        assert len(tf.trainable_variables()) == trainable  # no optimizer will ever touch them
    by_shape = [kernel.shape for kernel in got["kernels"]]
    assert sorted(by_shape) == [(5, 5, 1, 32), (5, 5, 1, 32), (5, 5, 32, 64)]
    of_conv2, second, first = got["kernels"]
    conv1, conv2 = [linear.astype("d") for linear in got["linear"]]
    assert (conv1 < 0).any()  # before the ReLU
    np.testing.assert_allclose(got["reversed"][0], transpose(conv1, first, 28, 1), rtol=1e-3, atol=1e-3)
    between = transpose(conv2, of_conv2, 14, 1)
    np.testing.assert_allclose(got["reversed"][1], transpose(between, second, 28, 2), rtol=1e-3, atol=1e-2)
    assert np.abs(first - second).max() > 0.1  # three kernels of their own

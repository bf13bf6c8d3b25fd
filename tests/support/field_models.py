"""Small graphs whose receptive fields pass repeated pixels and operations along an axis."""

import tensorflow.compat.v1 as tf

from tests.support.graph_files import constant


def convolve(x, stride=1, size=3, name=None):
    kernel = constant([size, size, int(x.shape[-1]), 4], size + stride)
    return tf.nn.relu(tf.nn.conv2d(x, kernel, stride, "SAME"), name=name)


def pyramid(x):
    """A feature pyramid; nearest neighbours are repeated by Pack and Reshape, as in TensorFlow's object detection."""

    def double(value):
        _, height, width, channels = value.shape.as_list()
        value = tf.stack([tf.stack([value] * 2, axis=3)] * 2, axis=2)
        return tf.reshape(value, [-1, 2 * height, 2 * width, channels])

    first = convolve(x)
    second = convolve(first, 2)
    top = convolve(convolve(second, 2), size=1)
    middle = double(top) + convolve(second, size=1)
    return convolve(double(middle) + convolve(first, size=1))


def along_axes(x):
    """Operations along one axis: rows are rolled and summed, channels are reversed, columns stay apart."""
    x = tf.cumsum(tf.roll(convolve(x), 2, 1), 1, exclusive=True)
    return convolve(tf.reverse(x, [3]))


MODELS = {"pyramid": pyramid, "along_axes": along_axes}

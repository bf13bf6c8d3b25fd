"""Small graphs as the loader would give them, built here without it."""

from typing import Callable, NamedTuple, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.graphs.model import ConvLayer, Model

SIDES, CHANNELS = (11, 9), 3


class Ends(NamedTuple):
    """What a builder returns: the nodes of its last layer."""

    convolution: tf.Operation
    activation: tf.Operation
    start: tf.Tensor


def model_of(build: Callable[[tf.Tensor], Ends], sides: Tuple[int, int] = SIDES, channels: int = CHANNELS) -> Model:
    """The graph that `build` makes of a placeholder, with one layer named "last"."""
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.float32, [None, *sides, channels], "pixels")
        ends = build(images)
    activation = ends.activation and ends.activation.name
    shape = tuple(ends.start.shape.as_list()[1:])
    layer = ConvLayer(
        ends.convolution.name, "last", ends.convolution.type, activation, ends.start.op.name, shape, 0, None
    )
    return Model(graph.as_graph_def(), "pixels", (*sides, channels), [layer], [])


class Maker:
    """Layers with seeded random constants, in any precision."""

    def __init__(self, dtype=tf.float32):
        self.dtype, self.random = dtype, np.random.RandomState(0)

    def constant(self, *shape, scale=0.4):
        return tf.constant(self.random.normal(0, scale, shape), self.dtype)

    def convolve(self, value, channels, window=3, stride=1, padding="SAME", dilation=1):
        kernel = self.constant(window, window, value.shape.as_list()[3], channels)
        return tf.nn.conv2d(
            value, kernel, [1, stride, stride, 1], padding, dilations=[1, dilation, dilation, 1]
        ) + self.constant(channels, scale=0.1)  # fmt: skip

    def depthwise(self, value, multiplier=2, stride=1):
        kernel = self.constant(3, 3, value.shape.as_list()[3], multiplier)
        return tf.nn.depthwise_conv2d(value, kernel, [1, stride, stride, 1], "SAME")

    def transposed(self, value, channels):
        _, height, width, depth = value.shape.as_list()
        shape = tf.stack([tf.shape(value)[0], 2 * height, 2 * width, channels])
        return tf.nn.conv2d_transpose(value, self.constant(3, 3, channels, depth), shape, [1, 2, 2, 1])

    def batch_norm(self, value, fused=True):
        """In inference mode. The fused operation exists in float32 only."""
        channels = value.shape.as_list()[3]
        scale, offset, mean = [self.constant(channels) for _ in range(3)]
        variance = tf.constant(self.random.uniform(0.5, 2, channels), self.dtype)
        if fused and self.dtype == tf.float32:
            return tf.nn.fused_batch_norm(value, scale, offset, mean, variance, is_training=False)[0]
        return tf.nn.batch_normalization(value, mean, variance, offset, scale, 0.001)


def pool(value, window=2, stride=2, padding="SAME", kind=tf.nn.max_pool):
    return kind(value, [1, window, window, 1], [1, stride, stride, 1], padding)


def ends(start: tf.Tensor, activation: tf.Tensor = None) -> Ends:
    """The layer that `start` belongs to: its convolution is the nearest one above it."""
    waiting = [start.op]
    while waiting:
        operation = waiting.pop(0)
        if operation.type in ("Conv2D", "DepthwiseConv2dNative", "Conv2DBackpropInput"):
            return Ends(operation, None if activation is None else activation.op, start)
        waiting += [tensor.op for tensor in operation.inputs]
    raise ValueError("no convolution above " + start.name)

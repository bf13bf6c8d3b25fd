"""Small graphs as the loader would give them, built here without it."""

from typing import Callable, NamedTuple, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.inspect import measure_layers
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
    return Model(Graph(graph.as_graph_def()), "pixels", (*sides, channels), [layer], [])


def measured_model_of(build: Callable[[tf.Tensor], Ends], sides: Tuple[int, int] = SIDES) -> Model:
    """As `model_of`, with the receptive field and the parameters of the layer."""
    model = model_of(build, sides)
    model.graph.input = model.input
    return model._replace(layers=measure_layers(model.graph, model.layers))


class Maker:
    """Layers with seeded random constants.

    Args:
        plain: write each construct in the operations of `graph_walker`: NHWC, without functions, switches, dropout and
            blocks. The values are the same.
    """

    def __init__(self, plain=False):
        self.plain, self.random = plain, np.random.RandomState(0)
        self.layout = "NHWC"

    def constant(self, *shape, scale=0.4):
        return tf.constant(self.random.normal(0, scale, shape), tf.float32)

    def convolve(self, value, channels, window=3, stride=1, padding="SAME", dilation=1):
        kernel = self.constant(window, window, self._channels(value), channels)
        strides, rates = self._sides(stride), self._sides(dilation)
        linear = tf.nn.conv2d(value, kernel, strides, padding, data_format=self.layout, dilations=rates)
        return tf.nn.bias_add(linear, self.constant(channels, scale=0.1), self.layout)

    def convolve_row(self, value, channels, stride=1):
        """A 1-D convolution of [B, W, C]."""
        kernel = self.constant(5, value.shape.as_list()[2], channels)
        return tf.nn.bias_add(tf.nn.conv1d(value, kernel, stride, "SAME"), self.constant(channels, scale=0.1))

    def pool_row(self, value, window, axis, kind=tf.nn.max_pool):
        """A 1-D pool of [B, W, C], over [B, W, 1, C] as Keras writes it (axis 2) or over [B, 1, W, C] (axis 1)."""
        sides = [1, window, 1, 1] if axis == 2 else [1, 1, window, 1]
        return tf.squeeze(kind(tf.expand_dims(value, axis), sides, sides, "SAME"), [axis])

    def resize(self, value, bilinear=False):
        """Twice the height and width."""
        resize = tf.raw_ops.ResizeBilinear if bilinear else tf.raw_ops.ResizeNearestNeighbor
        return resize(images=value, size=[2 * side for side in value.shape.as_list()[1:3]], half_pixel_centers=True)

    def depthwise(self, value, multiplier=2, stride=1):
        kernel = self.constant(3, 3, self._channels(value), multiplier)
        return tf.nn.depthwise_conv2d(value, kernel, [1, stride, stride, 1], "SAME")

    def transposed(self, value, channels):
        _, height, width, depth = value.shape.as_list()
        shape = tf.stack([tf.shape(value)[0], 2 * height, 2 * width, channels])
        return tf.nn.conv2d_transpose(value, self.constant(3, 3, channels, depth), shape, [1, 2, 2, 1])

    def pool(self, value, window=2, stride=2, padding="SAME", kind=tf.nn.max_pool):
        return kind(value, self._sides(window), self._sides(stride), padding, self.layout)

    def batch_norm(self, value, fused=True):
        """In inference mode."""
        channels = self._channels(value)
        scale, offset, mean = [self.constant(channels) for _ in range(3)]
        variance = tf.constant(self.random.uniform(0.5, 2, channels), tf.float32)
        if fused:
            return tf.nn.fused_batch_norm(
                value, scale, offset, mean, variance, is_training=False, data_format=self.layout
            )[0]
        return tf.nn.batch_normalization(value, mean, variance, offset, scale, 0.001)

    def channels_first(self, value):
        """All that follows is NCHW."""
        if self.plain:
            return value
        self.layout = "NCHW"
        return tf.transpose(value, [0, 3, 1, 2])

    def channel_axis(self):
        return self.layout.index("C")

    def in_blocks(self, value, channels):
        """A convolution of dilation 2 as TensorFlow 1 writes it: on the four grids of every second pixel."""
        if self.plain:
            return self.convolve(value, channels, dilation=2)
        _, height, width, _ = value.shape.as_list()
        blocks = tf.space_to_batch_nd(value, [2, 2], [[2, 2 + height % 2], [2, 2 + width % 2]])
        kernel = self.constant(3, 3, self._channels(value), channels)
        linear = tf.nn.conv2d(blocks, kernel, [1, 1, 1, 1], "VALID")
        linear = tf.batch_to_space_nd(linear, [2, 2], [[0, height % 2], [0, width % 2]])
        return tf.nn.bias_add(linear, self.constant(channels, scale=0.1))

    def call(self, function, value):
        """The function of one tensor, as a function call in the graph."""
        return function(value) if self.plain else tf.function(function)(value)

    def dropout(self, value):
        """Dropout behind the Switch and Merge of a training switch."""
        if self.plain:
            return value
        training = tf.placeholder(tf.bool, [], "is_training")
        off, on = tf.raw_ops.Switch(data=value, pred=training)
        return tf.raw_ops.Merge(inputs=[tf.nn.dropout(on, rate=0.5), off])[0]

    def _channels(self, value):
        return value.shape.as_list()[self.channel_axis()]

    def _sides(self, number):
        return [number if letter in "HW" else 1 for letter in self.layout]


def pool(value, window=2, stride=2, padding="SAME", kind=tf.nn.max_pool):
    return Maker().pool(value, window, stride, padding, kind)


def ends(start: tf.Tensor, activation: tf.Tensor = None) -> Ends:
    """The layer that `start` belongs to: its convolution is the nearest one above it."""
    waiting = [start.op]
    while waiting:
        operation = waiting.pop(0)
        if operation.type in ("Conv2D", "DepthwiseConv2dNative", "Conv2DBackpropInput"):
            return Ends(operation, None if activation is None else activation.op, start)
        waiting += [tensor.op for tensor in operation.inputs]
    raise ValueError("no convolution above " + start.name)

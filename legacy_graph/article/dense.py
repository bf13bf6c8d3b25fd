"""The fully connected layers fc1 and fc2 as convolutions, so that the deconvolution projects their units too.

A fully connected layer over a tensor [B, h, w, C] is a VALID convolution whose kernel covers all of it; its output has
one position. Zeiler and Fergus project such layers in the same way, with the transposed weights (section 4.1).
"""

from typing import List, Union

import tensorflow.compat.v1 as tf

from legacy_graph.article.layer import Layer
from legacy_graph.article.network import Network, Tower
from legacy_graph.article.shapes import dims


def all_layers(network: Union[Network, Tower]) -> List[Layer]:
    """conv1, conv2, fc1 and fc2 of the article's network, for the deconvolution. Adds reshapes to the default graph.

    fc1 and fc2 are convolutions. fc2 has no ReLU: its `relu` and `output` are its logits, `linear`. Dropout between the
    two is left out.

    Args:
        network: as from `network.build`, or one of its towers.

    Returns:
        The layers; fc1 has the output float32 [B, 1, 1, 1024], and fc2 the output float32 [B, 1, 1, 10].
    """
    fc1 = _as_convolution("fc1", network.layers[-1].output, network.features.op.inputs[0], network.features)
    _, bias = network.probabilities.op.inputs[0].op.inputs
    weights = _weights(network.probabilities.op.inputs[0])
    with tf.name_scope("fc2_without_dropout"):
        logits = tf.nn.bias_add(tf.matmul(network.features, weights), bias)  # [B, 10]
    return [*network.layers, fc1, _as_convolution("fc2", fc1.output, logits, logits)]


def class_probabilities(layers: List[Layer]) -> tf.Tensor:
    """float32 [B, 10], without dropout; `layers` is as from `all_layers`. Adds a softmax to the default graph."""
    return tf.nn.softmax(layers[-1].output[:, 0, 0])


def _weights(linear) -> tf.Tensor:
    """The weights [inputs, units] of a fully connected layer; `linear` is the sum of product and bias, [B, units]."""
    return linear.op.inputs[0].op.inputs[1]


def _as_convolution(name, value, linear, activations) -> Layer:
    """A fully connected layer as a convolution over all positions of `value`, [B, h, w, C].

    `linear` is the sum of product and bias, [B, units]; `activations` is the same tensor for a layer without a ReLU.
    """
    weights = _weights(linear)
    _, height, width, channels = dims(value)
    units = weights.shape.as_list()[1]
    with tf.name_scope(f"{name}_as_convolution"):
        kernel = tf.reshape(weights, [height, width, channels, units])
        before = tf.reshape(linear, [-1, 1, 1, units])
        after = before if activations is linear else tf.reshape(activations, [-1, 1, 1, units])
    return Layer(name, value, kernel, before, after, after, padding="VALID")

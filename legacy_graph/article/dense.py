"""The fully connected layers fc1 and fc2 as convolutions, so that the deconvolution projects their units too.

A fully connected layer over a tensor [B, h, w, C] is a VALID convolution whose kernel covers all of it; its output has
one position. Zeiler and Fergus project such layers in the same way, with the transposed weights (section 4.1).
"""

from typing import List

import tensorflow.compat.v1 as tf

from legacy_graph.article.layer import Layer
from legacy_graph.article.network import Network
from legacy_graph.article.shapes import dims


def dense_layers(network: Network) -> List[Layer]:
    """fc1 and fc2 of the article's network, to append to `network.layers`. Adds reshapes to the default graph.

    fc2 has no ReLU: its `relu` and `output` are its logits, `linear`. Dropout between the two is left out.

    Args:
        network: as from `network.build`.

    Returns:
        fc1 with the output float32 [B, 1, 1, 1024], and fc2 with the output float32 [B, 1, 1, 10].
    """
    fc1 = _as_convolution("fc1", network.layers[-1].output, network.features.op.inputs[0], network.features)
    logits = network.probabilities.op.inputs[0]
    return [fc1, _as_convolution("fc2", fc1.output, logits, logits)]


def _as_convolution(name, value, linear, activations) -> Layer:
    """A fully connected layer as a convolution over all positions of `value`, [B, h, w, C].

    `linear` is the sum of product and bias, [B, units]; `activations` is the same tensor for a layer without a ReLU.
    """
    weights = linear.op.inputs[0].op.inputs[1]  # [h * w * C, units]
    _, height, width, channels = dims(value)
    units = weights.shape.as_list()[1]
    with tf.name_scope(f"{name}_as_convolution"):
        kernel = tf.reshape(weights, [height, width, channels, units])
        before = tf.reshape(linear, [-1, 1, 1, units])
        after = before if activations is linear else tf.reshape(activations, [-1, 1, 1, units])
    return Layer(name, value, kernel, before, after, after, padding="VALID")

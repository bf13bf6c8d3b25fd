"""第一层卷积, 第二层反卷积: the reverse block of the 2018 program, to compare with the article's pictures.

Its kernels are NEW random variables that are not trained. It has no unpooling and no reversed ReLU; a stride of 2
replaces the unpooling. Its pictures therefore show no learned feature: they show the digit through random kernels, and
look the same before and after training. `deconv.py` implements what the text of the article describes.
"""

from typing import Tuple

import tensorflow.compat.v1 as tf

from legacy_graph.article.layer import Layer
from legacy_graph.article.network import DEVIATION
from legacy_graph.article.shapes import conv2d_transpose, dims
from legacy_graph.article.summaries import image


def reverse(conv1: Layer, conv2: Layer) -> Tuple[tf.Tensor, tf.Tensor]:
    """The article's two reversed pictures, and their image summaries `reverse_conv1` and `reverse_conv2`.

    The pictures are float32 and may be negative, so the image summary maps zero to grey 128. This is the grey
    background of the article's figures.

    Args:
        conv1, conv2: the article's layers, [B, 28, 28, 32] and [B, 14, 14, 64] before their ReLU.

    Returns:
        reverse_conv1, reverse_conv2: float32 [B, 28, 28, 1] each.
    """
    with tf.name_scope("reverse_conv1"):
        pixels, between = dims(conv1.input), dims(conv2.input)  # [B, 28, 28, 1], [B, 14, 14, 32]
        maps = conv2d_transpose(conv2.linear, _kernel(conv2, 7), between)  # [B, 14, 14, 32]
        second = conv2d_transpose(maps, _kernel(conv1, 6), pixels, stride=2)  # [B, 28, 28, 1]
        first = conv2d_transpose(conv1.linear, _kernel(conv1, 5), pixels)  # [B, 28, 28, 1]
        image("reverse_conv1", first)
        image("reverse_conv2", second)
    return first, second


def _kernel(layer, seed):
    """A random kernel of the layer's shape, not trained, as in 2018; its seed follows those of the network."""
    with tf.name_scope("random_kernel"):
        initial = tf.truncated_normal(layer.kernel.shape.as_list(), stddev=DEVIATION, seed=seed)
        return tf.Variable(initial, trainable=False, use_resource=True).read_value()

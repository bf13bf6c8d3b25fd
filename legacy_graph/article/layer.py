"""A convolution layer, as the deconvolution and the receptive field need it."""

from typing import List, NamedTuple

import tensorflow.compat.v1 as tf


class Layer(NamedTuple):
    """One convolution with its ReLU and, if any, its max pool: what a deconvolution needs to undo it."""

    name: str
    input: tf.Tensor  # float32 [B, H_in, W_in, C_in]
    kernel: tf.Tensor  # float32 [height, width, C_in, C]
    linear: tf.Tensor  # float32 [B, H, W, C], before the ReLU
    relu: tf.Tensor  # float32 [B, H, W, C], after it
    output: tf.Tensor  # float32 [B, H / pool, W / pool, C]; `relu` itself where there is no pool
    stride: int = 1  # of the convolution, in pixels
    padding: str = "SAME"  # of the convolution
    pool: int = 1  # window and stride of the max pool, in pixels; 1 is none
    pool_padding: str = "SAME"


def layers_up_to(layers: List[Layer], name: str) -> List[Layer]:
    """The layers from the input to the one of that name; ValueError if there is none."""
    names = [layer.name for layer in layers]
    if name not in names:
        raise ValueError("layer: expected one of {}, found {!r}".format(", ".join(names), name))
    return layers[: names.index(name) + 1]

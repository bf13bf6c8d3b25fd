"""The tensors of a convolution layer that the deconvolution and the receptive field need."""

from typing import TYPE_CHECKING, Iterable, List, NamedTuple

if TYPE_CHECKING:  # the dashboard imports this module and no TensorFlow
    import tensorflow.compat.v1 as tf


class Layer(NamedTuple):
    """One convolution with its ReLU and its max pool, if it has one."""

    name: str
    input: "tf.Tensor"  # float32 [B, H_in, W_in, C_in]
    kernel: "tf.Tensor"  # float32 [height, width, C_in, C]
    linear: "tf.Tensor"  # float32 [B, H, W, C], before the ReLU
    relu: "tf.Tensor"  # float32 [B, H, W, C], after the ReLU; the same tensor as `linear` without a ReLU
    output: "tf.Tensor"  # float32 [B, H / pool, W / pool, C]; the same tensor as `relu` without a pool
    stride: int = 1  # of the convolution, in pixels
    padding: str = "SAME"  # of the convolution
    pool: int = 1  # window and stride of the max pool, in pixels; 1 means no pool
    pool_padding: str = "SAME"


def layers_up_to(layers: List[Layer], name: str) -> List[Layer]:
    """The layers from the input up to the layer `name`; ValueError if there is no such layer."""
    names = [layer.name for layer in layers]
    check_choice("layer", name, names)
    return layers[: names.index(name) + 1]


def check_choice(argument: str, value: str, names: Iterable[str]) -> None:
    """ValueError if the value of an argument is not one of the names."""
    if value not in names:
        raise ValueError("{}: expected one of {}, found {!r}".format(argument, ", ".join(names), value))

"""A bound of all values between the images and a layer, for all images at once: does any value overflow?

Every operation is computed once more for one image, with magnitudes in place of values: of the pixels, the weights and
the constants. By the triangle inequality no image with pixels of at most this magnitude can give larger values.
"""

from typing import Optional

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.article.probe import Bound
from legacy_graph.graphs.path import Path

# float32 ends at 3.4e38. The rest is a margin for rounding and for intermediate values of fast convolutions.
LIMIT = 1e34
_BATCH_NORMS = ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
_POSITIVE = {"Sub": "AddV2", "Neg": "Identity"}


def build_bound(images: tf.Tensor, path: Path) -> Optional[Bound]:
    """Add the bound of all values on a path to the default graph.

    Args:
        images: float32 [B, H, W, channels], where the path begins.
        path: as from `find_path`.

    Returns:
        None if the path contains an operation without a known bound.
    """
    undefined = set(path.undefined)
    if not all(_is_monotone(operation) for operation in path.operations if operation.name in undefined):
        return None
    with tf.name_scope("bound"):
        magnitude = tf.placeholder(tf.float32, [], "magnitude")
        found = {images: tf.fill([1, *images.shape.as_list()[1:]], magnitude)}
        largest = [magnitude]
        for operation in path.operations:
            inputs = [found[tensor] if tensor in found else _magnitude(tensor) for tensor in operation.inputs]
            if operation.type in _BATCH_NORMS:
                inputs[3] = -inputs[3]  # the mean, which is subtracted
            attributes = {key: value for key, value in operation.node_def.attr.items() if not key.startswith("_")}
            dtypes = [tensor.dtype for tensor in operation.outputs]
            copy = tf.get_default_graph().create_op(
                _POSITIVE.get(operation.type, operation.type), inputs, dtypes, attrs=attributes
            )
            found.update(zip(operation.outputs, copy.outputs))
            largest.append(tf.reduce_max(copy.outputs[0]))
        return Bound(magnitude, tf.reduce_max(tf.stack(largest)))


def is_bounded(session: tf.Session, bound: Optional[Bound], images: tf.Tensor, one: np.ndarray, most: float) -> bool:
    """Whether no value on the path can overflow, for any image whose pixels have at most the magnitude `most`.

    Args:
        session: of the graph.
        bound: as from `build_bound`; None is not bounded.
        images: the tensor to feed.
        one: float32 [1, H, W, channels], any image.
        most: the largest magnitude.
    """
    return bound is not None and bool(session.run(bound.value, {images: one, bound.magnitude: most}) < LIMIT)


def _is_monotone(operation):
    """Whether a larger input of the operation, in place of its magnitude, gives a larger magnitude."""
    leaky = operation.type == "LeakyRelu" and abs(operation.get_attr("alpha")) <= 1
    return leaky or operation.type in ("Sigmoid", "Tanh")


def _magnitude(tensor):
    return tf.abs(tensor) if tensor.dtype.is_floating else tensor

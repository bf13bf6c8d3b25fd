"""An upper bound of all magnitudes between the images and a layer, to find out whether a value can overflow.

The bound holds for all images at once. The operations run once more, for one image whose pixels all have the largest
magnitude, and with the magnitudes of weights and constants. By the triangle inequality, no image gives larger values.
"""

from typing import Optional

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.article.probe import Bound
from legacy_graph.graphs.path import Path

# The largest float32 is 3.4e38. The margin is for rounding and for intermediate values of fast convolutions.
LIMIT = 1e34
_BATCH_NORMS = ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
# Operation -> the operation that adds magnitudes in its place.
_POSITIVE = {"Sub": "AddV2", "Neg": "Identity"}
_UNKNOWN = ("BatchNormWithGlobalNormalization", "ResizeBicubic")  # a subtracted mean; negative weights
_SHAPES = ("Rank", "Shape", "ShapeN", "Size")


def build_bound(images: tf.Tensor, path: Path) -> Optional[Bound]:
    """Add the bound of all values on a path to the default graph.

    Args:
        images: float32 [B, H, W, channels], where the path begins.
        path: as from `find_path`.

    Returns:
        None if the path contains an operation without a known bound, or reads a tensor beside the path that depends
        on the values of the images, such as a mask.
    """
    undefined, variable = set(path.undefined), _reached(images) - set(path.operations)
    for operation in path.operations:
        known = operation.type not in _UNKNOWN and (operation.name not in undefined or _is_monotone(operation))
        if not known or any(tensor.op in variable for tensor in operation.inputs):
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
    """True if the bound shows that no value on the path overflows, for any image with pixels of magnitude <= `most`.

    Args:
        session: of the graph.
        bound: as from `build_bound`; with None the result is False.
        images: the tensor to feed.
        one: float32 [1, H, W, channels], any image.
        most: the largest magnitude.
    """
    return bound is not None and bool(session.run(bound.value, {images: one, bound.magnitude: most}) < LIMIT)


def _reached(images):
    """The operations whose results depend on the values of `images`, not only on their shape."""
    reached, waiting = set(), [images]
    while waiting:
        new = {operation for operation in waiting.pop().consumers() if operation.type not in _SHAPES} - reached
        reached |= new
        waiting += [tensor for operation in new for tensor in operation.outputs]
    return reached


def _is_monotone(operation):
    """Whether |f(x)| <= f(m) for the function f of the operation, every value x, and every m >= |x|."""
    leaky = operation.type == "LeakyRelu" and abs(operation.get_attr("alpha")) <= 1
    return leaky or operation.type in ("Sigmoid", "Tanh")


def _magnitude(tensor):
    return tf.abs(tensor) if tensor.dtype.is_floating else tensor

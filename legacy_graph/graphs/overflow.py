"""An upper bound of all magnitudes between the images and a layer, to find out whether a value can overflow.

The bound holds for all images at once. The operations run once more, for one image whose pixels all have the largest
magnitude, and with the magnitudes of weights and constants. By the triangle inequality, no image gives larger values.
"""

from typing import NamedTuple, Optional

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.graphs.op_table import row
from legacy_graph.graphs.path import Path, find_dependents

# The largest float32 is 3.4e38. The margin is for rounding and for intermediate values of fast convolutions.
LIMIT = 1e34
# Column `bound` of the table -> the operation that adds magnitudes in place of the node's own.
_POSITIVE = {"sum": "AddV2", "identity": "Identity"}


class Bound(NamedTuple):
    """The tensors of a bound. `value` needs an image too, because shapes may depend on it."""

    magnitude: tf.Tensor  # float32 [], a placeholder: the largest magnitude of all pixels
    value: tf.Tensor  # float32 [], no value has a larger magnitude; infinite if the bound overflows, or is NaN


def build_bound(images: tf.Tensor, path: Path) -> Optional[Bound]:
    """Add the bound of all values on a path to the default graph.

    Args:
        images: float32 [B, H, W, channels], where the path begins.
        path: as from `find_path`.

    Returns:
        None if the path contains an operation without a known bound, or reads a tensor beside the path that depends
        on the values of the images, such as a mask.
    """
    bounded = {images.op, *path.operations}
    variable = find_dependents(images) - bounded
    for operation in path.operations:
        if not _has_bound(operation, bounded) or any(tensor.op in variable for tensor in operation.inputs):
            return None
    with tf.name_scope("bound"):
        magnitude = tf.placeholder(tf.float32, [], "magnitude")
        magnitudes = {images: tf.fill([1, *images.shape.as_list()[1:]], magnitude)}
        largest = [magnitude]
        for operation in path.operations:
            inputs = [magnitudes[tensor] if tensor in magnitudes else _magnitude(tensor) for tensor in operation.inputs]
            rule = row(operation.type).bound
            if rule == "batch norm":
                inputs[3] = -inputs[3]  # the mean, which is subtracted
            attributes = {key: value for key, value in operation.node_def.attr.items() if not key.startswith("_")}
            dtypes = [tensor.dtype for tensor in operation.outputs]
            copy = tf.get_default_graph().create_op(
                _POSITIVE.get(rule, operation.type), inputs, dtypes, attrs=attributes
            )
            magnitudes.update(zip(operation.outputs, copy.outputs))
            largest.append(_largest(copy.outputs[0]))
        return Bound(magnitude, tf.reduce_max(tf.stack(largest)))


def is_bounded(session: tf.Session, bound: Optional[Bound], images: tf.Tensor, image: np.ndarray, most: float) -> bool:
    """True if the bound shows that no value on the path overflows, for any image with pixels of magnitude <= `most`.

    Args:
        session: of the graph.
        bound: as from `build_bound`; with None the result is False.
        images: the tensor to feed.
        image: float32 [1, H, W, channels], any image.
        most: the largest magnitude.
    """
    return bound is not None and bool(session.run(bound.value, {images: image, bound.magnitude: most}) < LIMIT)


def _has_bound(operation, dependent):
    """Whether |f(x)| <= f(m) for the function f of the operation, or its replacement, every x, and every m >= |x|."""
    rule = row(operation.type).bound
    if rule == "leaky":
        return abs(operation.get_attr("alpha")) <= 1
    if rule == "quotient":
        return operation.inputs[1].op not in dependent
    return rule != "unknown"


def _largest(values):
    """The maximum, and infinity beside NaN, as of asin(2): TensorFlow 1.15 ignores NaN in a maximum."""
    values = tf.cast(values, tf.float32)
    return tf.reduce_max(tf.where_v2(tf.is_nan(values), np.inf, values))


def _magnitude(tensor):
    return tf.abs(tensor) if tensor.dtype.is_floating else tensor

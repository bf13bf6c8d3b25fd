"""Follow the images of a batch through an operation with one input that depends on them.

The column `batch` of the table of operations names the rule. A rule returns where the images are in the output, or says
why an image may depend on others.
"""

from typing import Callable, Dict, List, NamedTuple, Optional, Union

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.graphs.op_table import row
from legacy_graph.graphs.operations import attribute, sliced_axes

IMAGES = 7  # assumed number of images


class Batch(NamedTuple):
    """Where the images are in a tensor: the index along `axis` is (outer * IMAGES + image) * after + inner.

    Each value depends on no other image than this one.
    """

    axis: int = 0
    before: int = 1  # number of outer indices, as the blocks of SpaceToBatchND
    after: int = 1  # number of inner indices, as after a reshape of [B, T, C] to [B * T, C]; 0 if it is unknown


class Step(NamedTuple):
    """An operation of a graph for `IMAGES` images."""

    operation: tf.Operation
    inputs: List[Optional[Batch]]  # None: does not depend on the images
    # The value of a tensor that does not depend on the images, or None if it is unknown.
    value: Callable[[tf.Tensor], Optional[np.ndarray]]


Result = Union[Batch, str]
BATCH, UNKNOWN = "the batch axis", "unknown axes"


def sides(tensor: tf.Tensor) -> Optional[List[Optional[int]]]:
    """The static shape of a tensor; None if the rank is unknown."""
    return None if tensor.shape.ndims is None else tensor.shape.as_list()


def axes_of(step: Step, rank: Optional[int]) -> Optional[List[int]]:
    """The value of the input with the axes; None if it is unknown."""
    value = step.value(step.operation.inputs[row(step.operation.type).axes])
    if value is None or (rank is None and np.any(np.less(value, 0))):
        return None
    return [int(axis) % rank if rank else int(axis) for axis in np.ravel(value)]


def _broadcast(step, batch):
    """BroadcastTo."""
    return batch._replace(
        axis=batch.axis - step.operation.inputs[0].shape.ndims + step.operation.outputs[0].shape.ndims
    )


def _first(step, batch):
    """Each entry of axis 0 by itself."""
    key = "include_batch_in_index"
    counts = key in step.operation.node_def.attr and step.operation.get_attr(key)
    if counts and step.operation.outputs[1].consumers():
        return "indices that count the images"
    return batch if batch.axis == 0 else "images along another axis than the first"


def _rank_of_data(step):
    return step.operation.inputs[row(step.operation.type).data[0]].shape.ndims


def _reduced(step, batch):
    axes = axes_of(step, _rank_of_data(step))
    if axes is None or batch.axis in axes:
        return UNKNOWN if axes is None else BATCH
    kept = "keep_dims" in step.operation.node_def.attr and step.operation.get_attr("keep_dims")
    return batch if kept else batch._replace(axis=batch.axis - sum(axis < batch.axis for axis in set(axes)))


def _along(step, batch):
    """Along axes, which stay."""
    axes = axes_of(step, _rank_of_data(step))
    return UNKNOWN if axes is None else BATCH if batch.axis in axes else batch


def _last_axis(step, batch):
    rank = step.operation.inputs[0].shape.ndims
    return UNKNOWN if rank is None else BATCH if batch.axis == rank - 1 else batch


def _transpose(step, batch):
    order = axes_of(step, None)
    return UNKNOWN if order is None else batch._replace(axis=order.index(batch.axis))


def _expanded(step, batch):
    rank = step.operation.inputs[0].shape.ndims
    axes = axes_of(step, rank and rank + 1)
    return UNKNOWN if axes is None else batch._replace(axis=batch.axis + (axes[0] <= batch.axis))


def _squeezed(step, batch):
    shape = sides(step.operation.inputs[0])
    if shape is None:
        return UNKNOWN
    gone = {axis % len(shape) for axis in step.operation.get_attr("squeeze_dims")}
    gone = gone or {axis for axis, side in enumerate(shape) if side == 1}
    return batch._replace(axis=batch.axis - sum(axis < batch.axis for axis in gone))


def _reshape(step, batch):
    """The order of the values stays. Find the axis of the output that divides them between the same images."""
    before, after = sides(step.operation.inputs[0]), sides(step.operation.outputs[0])
    if before is None or after is None:
        return UNKNOWN
    outer = _product(before[: batch.axis], batch.before)
    inner = _product(before[batch.axis + 1 :], batch.after)
    for axis, side in enumerate(after):
        left, right = _product(after[:axis]), _product(after[axis + 1 :])
        if outer == left == 1 and (side is None or side % IMAGES == 0):
            return Batch(axis, 1, 0 if side is None else side // IMAGES)
        known = None not in (outer, inner, left, right, side)
        if known and outer % left == inner % right == 0 and side == outer // left * IMAGES * (inner // right):
            return Batch(axis, outer // left, inner // right)
    return "a shape in which images share positions"


def _product(lengths, start=1):
    """The product of lengths; None if one is unknown."""
    return None if None in lengths or not start else start * int(np.prod(lengths))


def _constant_along(step, batch, allowed):
    """An operation with one value for each axis, such as a padding; `allowed` accepts that of the batch axis."""
    value = step.value(step.operation.inputs[row(step.operation.type).axes])
    return UNKNOWN if value is None else batch if allowed(value[batch.axis]) else BATCH


def _padded(step, batch):
    return _constant_along(step, batch, lambda pads: not np.any(pads))


def _tiled(step, batch):
    return _constant_along(step, batch, lambda count: count == 1)


def _sliced(step, batch):
    size = step.value(step.operation.inputs[2])
    whole = size is not None and size[batch.axis] in (-1, sides(step.operation.inputs[0])[batch.axis])
    return _constant_along(step, batch, lambda begin: whole and begin == 0)


def _strided(step, batch):
    """A slice [..., a:b:c, ...]: all images in their order."""
    node, shape = step.operation.node_def, sides(step.operation.inputs[0])
    bounds = [step.value(tensor) for tensor in step.operation.inputs[1:]]
    if shape is None or any(bound is None for bound in bounds):
        return UNKNOWN
    axes = sliced_axes(node, len(shape), len(bounds[0]))
    position = [axis for axis, _, _ in axes].index(batch.axis)
    place = sum(stays for _, _, stays in axes[:position])
    _, number, stays = axes[position]
    if number is None:
        return batch._replace(axis=place)
    (begin, end, stride), length = [bound[number] for bound in bounds], batch.before * IMAGES * batch.after
    from_first = attribute(node, "begin_mask").i >> number & 1 or begin in (0, -length)
    to_last = attribute(node, "end_mask").i >> number & 1 or end >= length
    return batch._replace(axis=place) if stays and from_first and to_last and stride == 1 else BATCH


def _unpacked(step, batch):
    rank = step.operation.inputs[0].shape.ndims
    if rank is None:
        return UNKNOWN
    axis = step.operation.get_attr("axis") % rank
    return BATCH if axis == batch.axis else batch._replace(axis=batch.axis - (axis < batch.axis))


def _blocks(step, batch):
    """SpaceToBatchND puts its blocks outside the images; BatchToSpaceND needs as many of them."""
    block = step.value(step.operation.inputs[1])
    if block is None or batch.axis:
        return UNKNOWN if block is None else "images along another axis than the first"
    count = int(np.prod(block))
    if step.operation.type == "SpaceToBatchND":
        return batch._replace(before=batch.before * count)
    return batch._replace(before=batch.before // count) if batch.before % count == 0 else BATCH


def _one_hot(step, batch):
    axis = step.operation.get_attr("axis")
    return batch._replace(axis=batch.axis + (0 <= axis <= batch.axis))


RULES: Dict[str, Callable[[Step, Batch], Result]] = {
    "broadcast": _broadcast, "first": _first, "reduced": _reduced, "along": _along, "last axis": _last_axis,
    "transpose": _transpose, "expanded": _expanded, "squeezed": _squeezed, "reshape": _reshape, "padded": _padded,
    "tiled": _tiled, "sliced": _sliced, "strided": _strided, "unpacked": _unpacked, "blocks": _blocks,
    "one hot": _one_hot,
}  # fmt: skip

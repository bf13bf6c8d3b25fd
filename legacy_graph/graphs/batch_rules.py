"""Follow the images of a batch through an operation with one input that depends on them.

The column `batch` of the table of operations names the rule. A rule returns where the images are in the output, or says
why an image may depend on others.
"""

from typing import Callable, Dict, List, NamedTuple, Optional, Union

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.graphs.axis_moves import MOVES, Move, find_move
from legacy_graph.graphs.op_table import row

IMAGES = 7  # assumed number of images


class Batch(NamedTuple):
    """Where the images are in a tensor: the index along `axis` is (outer * IMAGES + image) * after + inner.

    Each value depends only on this image.
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


def move_of(step: Step) -> Optional[Move]:
    """The axes of the output of an operation that only moves axes; None if they are unknown."""
    operation, known = step.operation, row(step.operation.type)
    shape, output = sides(operation.inputs[known.data[0] if known.data else 0]), sides(operation.outputs[0])
    return find_move(
        known.batch, operation.node_def, shape, output, lambda number: step.value(operation.inputs[number])
    )


def _moved(step, batch):
    """The axis of the images must stay, with every image at its place."""
    move = move_of(step)
    if move is None:
        return UNKNOWN
    if batch.axis in {*move.mixed, *move.places} or batch.axis not in move.sources:
        return BATCH
    return batch._replace(axis=move.sources.index(batch.axis))


def _first(step, batch):
    """Each entry of axis 0 by itself."""
    key = "include_batch_in_index"
    counts = key in step.operation.node_def.attr and step.operation.get_attr(key)
    if counts and step.operation.outputs[1].consumers():
        return "indices that count the images"
    return batch if batch.axis == 0 else "images along another axis than the first"


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


def _blocks(step, batch):
    """SpaceToBatchND puts its blocks outside the images; BatchToSpaceND needs as many of them."""
    block = step.value(step.operation.inputs[1])
    if block is None or batch.axis:
        return UNKNOWN if block is None else "images along another axis than the first"
    count = int(np.prod(block))
    if step.operation.type == "SpaceToBatchND":
        return batch._replace(before=batch.before * count)
    return batch._replace(before=batch.before // count) if batch.before % count == 0 else BATCH


RULES: Dict[str, Callable[[Step, Batch], Result]] = {
    **dict.fromkeys(MOVES, _moved),
    "first": _first,
    "reshape": _reshape,
    "blocks": _blocks,
}

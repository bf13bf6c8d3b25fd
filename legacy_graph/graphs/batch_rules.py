"""Follow the images of a batch through an operation."""

from typing import Callable, Dict, List, NamedTuple, Optional, Union

import numpy as np

from legacy_graph.graphs.axis_moves import Step
from legacy_graph.graphs.axis_windows import find_move
from legacy_graph.graphs.op_table import row

IMAGES = 7  # assumed number of images


class Batch(NamedTuple):
    """Where the images are in a tensor: the index along `axis` is (outer * IMAGES + image) * after + inner.

    Each value depends only on this image.
    """

    axis: int = 0
    before: int = 1  # number of outer indices, as the blocks of SpaceToBatchND
    after: int = 1  # number of inner indices, as after a reshape of [B, T, C] to [B * T, C]; 0 if it is unknown


Result = Union[Batch, str]
_BATCH, _UNKNOWN, _APART = "one along the axis of the images", "unknown axes", "images along different axes"
_DIFFERENT = "other values for each image, which do not depend on it"


def follow(step: Step, inputs: List[Optional[Batch]]) -> Result:
    """Where the images are in the outputs of an operation, or why an image may depend on others.

    Args:
        step: the operation, in a graph for `IMAGES` images.
        inputs: where the images are in its inputs; None for an input that does not depend on them.
    """
    known = row(step.node.op)
    dependent = [number for number, batch in enumerate(inputs) if batch]
    if known.data is not None and not set(dependent) <= set(known.data):
        return "parameters that depend on the images"
    if known.moves == "mixes":
        return "no rule that keeps the images apart"
    if step.flag("include_batch_in_index"):
        return "indices that count the images"
    if known.moves in _OWN:
        return _OWN[known.moves](step, inputs[dependent[0]])
    results = [_moved(step._replace(number=number), inputs[number]) for number in dependent]
    reasons = [result for result in results if isinstance(result, str)]
    if reasons or len(set(results)) > 1:
        return reasons[0] if reasons else _APART
    data = set(range(len(inputs)) if known.data is None else known.data) - set(dependent)
    beside = data - {None if known.axes is None else known.axes % len(inputs)}
    same = all(_is_same_for_all(step._replace(number=number), results[0]) for number in beside)
    return results[0] if same else _DIFFERENT


def _moved(step, batch):
    """The axis of the images must stay, with every image at its place."""
    move = find_move(step)
    if move is None:
        return _UNKNOWN
    if batch.axis in move.windows or batch.axis not in move.sources:
        return _BATCH
    return batch._replace(axis=move.sources.index(batch.axis))


def _is_same_for_all(step, output):
    """Whether an input beside the images has the same values for each image. `output`: where they are in the output."""
    move = find_move(step)
    if move is None:
        return False
    axis = move.sources[output.axis]
    if axis is None or step.shape[axis] == 1:
        return True
    value = step.value(step.number)
    if value is None or value.shape[axis] != output.before * IMAGES * output.after:
        return value is not None and value.shape[axis] == 1
    value = np.moveaxis(value, axis, 0).reshape(output.before, IMAGES, output.after, -1)
    return bool((value == value[:, :1]).all())


def _reshape(step, batch):
    """The order of the values stays. Find the axis of the output that divides them between the same images."""
    before, after = step.shape, step.output
    if before is None or after is None:
        return _UNKNOWN
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
    block = step.value(1)
    if block is None or batch.axis:
        return _UNKNOWN if block is None else _BATCH
    count = int(np.prod(block))
    if step.node.op == "SpaceToBatchND":
        return batch._replace(before=batch.before * count)
    return batch._replace(before=batch.before // count) if batch.before % count == 0 else _BATCH


_OWN: Dict[str, Callable[[Step, Batch], Result]] = {"reshape": _reshape, "blocks": _blocks}

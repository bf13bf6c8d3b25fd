"""Follow the images of a batch through an operation."""

from typing import List, NamedTuple, Optional, Sequence

import numpy as np

from legacy_graph.graphs.axis_moves import Step, Unknown, required
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


class Mixed(Exception):
    """Why an image may depend on others: what was found, in the words of a `UserError`."""


def follow(step: Step, inputs: List[Optional[Batch]], counting: Sequence[bool]) -> Batch:
    """Where the images are in the outputs of an operation. Raises `Mixed`.

    Args:
        step: the operation, in a graph for `IMAGES` images.
        inputs: where the images are in its inputs; None for an input that does not depend on them.
        counting: whether the values of its inputs may depend on the number of images.
    """
    known = row(step.node.op)
    data = set(range(len(inputs)) if known.data is None else known.data)
    dependent = [number for number, batch in enumerate(inputs) if batch]
    if not data.issuperset(dependent):
        raise Mixed("parameters that depend on the images")
    if known.moves == "mixes":
        raise Mixed("no rule that keeps the images apart")
    if step.flag("include_batch_in_index"):
        raise Mixed("indices that count the images")
    if not any(counts for counts, batch in zip(counting, inputs) if not batch):
        # No parameter can name the number of images. Only by chance does one fit `IMAGES`.
        shapes = [_without(shape, batch) for shape, batch in zip(step.shapes, inputs)]
        step = step._replace(shapes=shapes)
    rule = _reshape if known.moves == "reshape" else _moved
    try:
        (place, *others) = {rule(step._replace(number=number), inputs[number]) for number in dependent}
    except Unknown:
        raise Mixed("unknown axes") from None
    if others:
        raise Mixed("images along different axes")
    beside = data.difference(dependent, () if known.axes is None else [known.axes % len(inputs)])
    if not all(_is_same_for_all(step._replace(number=number), place, counting[number]) for number in beside):
        raise Mixed("an input that depends on the place of the image in the batch, or on the number of images")
    return place


def _without(shape, batch):
    """A shape whose number of images is open."""
    return shape and [None if batch and axis == batch.axis else side for axis, side in enumerate(shape)]


def _moved(step, batch) -> Batch:
    """The axis of the images must stay, with every image at its place."""
    move = find_move(step)
    before = batch.before * move.blocks
    is_block = move.blocks != 1 and (batch.axis or before != int(before))
    if is_block or batch.axis in move.windows or batch.axis not in move.sources:
        raise Mixed("one along the axis of the images")
    return batch._replace(axis=move.sources.index(batch.axis), before=int(before))


def _is_same_for_all(step, output, counts) -> bool:
    """Whether an input beside the images has the same values for each image, however many there are.

    Args:
        step: the operation, and this input.
        output: where the images are in the output.
        counts: whether the values may depend on the number of images.
    """
    try:
        axis = find_move(step).sources[output.axis]
        axis = None if axis is None or step.shape[axis] == 1 else axis
        if axis is None and not counts:
            return True
        values = [_by_image(step, axis, output, number) for number in ((IMAGES, 1) if counts else (IMAGES,))]
    except Unknown:
        return False
    return all(np.array_equal(value[:, image], values[0][:, 0]) for value in values for image in range(value.shape[1]))


def _by_image(step, axis, output, images) -> np.ndarray:
    """The values of an input [outer, images, inner, ...], or [1, 1, 1, ...] if they have no axis of images."""
    value = required(step.read(step.node.input[step.number], images))
    if axis is None or value.shape[axis] == 1:
        return value.reshape(1, 1, 1, -1)
    if value.shape[axis] != output.before * images * output.after:
        raise Unknown
    return np.moveaxis(value, axis, 0).reshape(output.before, images, output.after, -1)


def _reshape(step, batch) -> Batch:
    """The order of the values stays. Find the axis of the output that divides them between the same images."""
    before, after = step.shape, required(step.output)
    sizes = step.value(1) if before[batch.axis] is None else [-1] * len(after)
    outer = _product(before[: batch.axis], batch.before)
    inner = _product(before[batch.axis + 1 :], batch.after)
    for axis in np.flatnonzero(np.equal(sizes, -1)).tolist():
        side = after[axis]
        left, right = _product(after[:axis]), _product(after[axis + 1 :])
        if outer == left == 1 and (side is None or side % IMAGES == 0):
            return Batch(axis, 1, 0 if side is None else side // IMAGES)
        known = None not in (outer, inner, left, right, side)
        if known and outer % left == inner % right == 0 and side == outer // left * IMAGES * (inner // right):
            return Batch(axis, outer // left, inner // right)
    raise Mixed("a shape in which images share positions")


def _product(lengths, start=1) -> Optional[int]:
    """The product of lengths; None if one is unknown."""
    return None if None in lengths or not start else start * int(np.prod(lengths))

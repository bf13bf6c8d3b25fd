"""Operations that move, remove, insert, shift or combine axes: where each axis of the output comes from.

The images of a batch (`batch_rules`) and the receptive field (`receptive_fields`) follow the axes by the same rules.
The columns `batch` and `field` of the table of operations name them.
"""

from typing import Callable, Collection, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.graphs.op_table import row
from legacy_graph.graphs.operations import attribute

_MASKS = ("begin", "end", "ellipsis", "new_axis", "shrink_axis")  # of StridedSlice, one bit for each bound
Shape = Optional[Sequence[Optional[int]]]


class Move(NamedTuple):
    """The axes of an output."""

    sources: List[Optional[int]]  # for each axis of the output the axis of the input, None for a new one
    mixed: Collection[int] = ()  # axes of the input whose positions are combined
    # {axis of the input: (position of the input that position 0 of the output reads, step)}, if these are not 0 and 1,
    # or if the output lacks positions at the end. The step of an axis is 0 if the output has one position of it.
    places: Dict[int, Tuple[int, int]] = {}


class _Step(NamedTuple):
    node: tf.NodeDef
    shape: Sequence[Optional[int]]  # of the input
    output: Shape
    value: Callable[[int], Optional[np.ndarray]]  # of an input, by its number; None if it is unknown

    def axes(self, rank) -> Optional[List[int]]:
        """The value of the input with the axes."""
        value = self.value(row(self.node.op).axes)
        return None if value is None else [int(axis) % rank for axis in np.ravel(value)]


def find_move(
    rule: str, node: tf.NodeDef, shape: Shape, output: Shape, value: Callable[[int], Optional[np.ndarray]]
) -> Optional[Move]:
    """The axes of the output of an operation; None if they are unknown.

    Args:
        rule: a key of `MOVES`.
        node: of the operation.
        shape: of its input, with lengths that may be None; None if the rank is unknown.
        output: of its output.
        value: returns the value of an input, by its number, or None.
    """
    return None if shape is None else MOVES[rule](_Step(node, shape, output, value))


def _all(shape):
    return list(range(len(shape)))


def _without(step, gone, mixed=()):
    return Move([axis for axis in _all(step.shape) if axis not in gone], mixed)


def _inserted(step, position):
    sources: List[Optional[int]] = list(_all(step.shape))
    sources.insert(position % (len(sources) + 1), None)
    return Move(sources)


def _transpose(step):
    order = step.axes(len(step.shape))
    return order and Move(order)


def _expanded(step):
    axes = step.axes(len(step.shape) + 1)
    return axes and _inserted(step, axes[0])


def _attribute_axis(step):
    """Pack, OneHot."""
    return _inserted(step, attribute(step.node, "axis").i)


def _squeezed(step):
    gone = {axis % len(step.shape) for axis in attribute(step.node, "squeeze_dims").list.i}
    gone = gone or {axis for axis, side in enumerate(step.shape) if side == 1}
    is_known = step.output is not None and len(step.output) == len(step.shape) - len(gone)
    return _without(step, gone) if is_known else None


def _unpacked(step):
    return _without(step, {attribute(step.node, "axis").i % len(step.shape)})


def _reduced(step):
    axes = step.axes(len(step.shape))
    return None if axes is None else _without(step, () if attribute(step.node, "keep_dims").b else axes, axes)


def _along(step):
    """Along axes, which stay."""
    axes = step.axes(len(step.shape))
    return axes and Move(_all(step.shape), axes)


def _last_axis(step):
    return Move(_all(step.shape), [len(step.shape) - 1])


def _broadcast(step):
    return step.output and Move([None] * (len(step.output) - len(step.shape)) + _all(step.shape))


def _tiled(step):
    counts = step.value(1)
    return None if counts is None else Move(_all(step.shape), np.flatnonzero(counts != 1).tolist())


def _padded(step):
    pads = step.value(1)
    places = None if pads is None else {axis: (-int(pad[0]), 1) for axis, pad in enumerate(pads) if np.any(pad)}
    return None if places is None else Move(_all(step.shape), (), places)


def _sliced(step):
    begins, sizes = step.value(1), step.value(2)
    if begins is None:
        return None
    sizes = [0] * len(begins) if sizes is None else sizes.tolist()  # 0: perhaps not the whole axis
    parts = enumerate(zip(begins.tolist(), sizes, step.shape))
    places = {axis: (begin, 1) for axis, (begin, size, side) in parts if begin or size not in (-1, side)}
    return Move(_all(step.shape), (), places)


def _strided(step):
    """A slice [a:b:c, ..., None, 2]."""
    bounds = [step.value(number) for number in (1, 2, 3)]
    if any(bound is None for bound in bounds):
        return None
    masks = {key: attribute(step.node, f"{key}_mask").i for key in _MASKS}
    count, rank = len(bounds[0]), len(step.shape)
    sources, places, axis = [], {}, 0
    for number, (begin, end, stride) in enumerate(zip(*(bound.tolist() for bound in bounds))):
        here = {key: mask >> number & 1 for key, mask in masks.items()}
        if here["ellipsis"]:
            after = sum(not masks["new_axis"] >> later & 1 for later in range(number + 1, count))
            sources += range(axis, rank - after)
            axis = rank - after
        elif here["new_axis"]:
            sources.append(None)
        else:
            side, begin = step.shape[axis], 0 if here["begin"] else begin
            if begin < 0 and side is None:
                return None
            begin = max(0, begin + side) if begin < 0 else begin
            to_last = here["end"] or (side is not None and end >= side)
            if here["shrink_axis"]:
                places.update({} if side == 1 else {axis: (begin, 0)})
            elif begin or stride != 1 or not to_last:
                places[axis] = begin, stride
            sources += [] if here["shrink_axis"] else [axis]
            axis += 1
    return Move([*sources, *range(axis, rank)], (), places)


MOVES: Dict[str, Callable[[_Step], Optional[Move]]] = {
    "transpose": _transpose, "expanded": _expanded, "packed": _attribute_axis, "one hot": _attribute_axis,
    "squeezed": _squeezed, "unpacked": _unpacked, "reduced": _reduced, "along": _along, "last axis": _last_axis,
    "broadcast": _broadcast, "tiled": _tiled, "padded": _padded, "sliced": _sliced, "strided": _strided,
}  # fmt: skip

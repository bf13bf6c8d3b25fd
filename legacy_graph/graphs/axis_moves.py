"""Where the values of an output come from: which axis of an input, and which positions along it.

The images of a batch (`batch_rules`) and the receptive field (`receptive_fields`) follow the axes by the same rules.
The column `moves` of the table of operations names them. This module has the rules that move axes, `axis_windows` the
others.
"""

import math
from fractions import Fraction
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Union

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.graphs.op_table import row
from legacy_graph.graphs.operations import attribute

_MASKS = ("begin", "end", "ellipsis", "new_axis", "shrink_axis")  # of StridedSlice, one bit for each bound
Number = Union[int, float, Fraction]
Shape = Optional[Sequence[Optional[int]]]


class Window(NamedTuple):
    """Position n of the output reads the positions of the input from `begin + n * step` to `span` after it."""

    begin: Number = 0
    span: Number = 0
    step: Number = 1
    mirrored: int = 0  # reflected positions at the begin and the end of the output


ALL = Window(0, math.inf, 0)  # each position of the output reads the complete axis


class Move(NamedTuple):
    """The axes of an output, seen from one input."""

    sources: List[Optional[int]]  # for each axis of the output the axis of the input, None for a new one
    # {axis of the input: window}; None if the positions are unknown. All other axes keep their positions. An axis with
    # a window cannot be that of the images, even if the window changes nothing.
    windows: Dict[int, Optional[Window]] = {}


class Step(NamedTuple):
    """An operation, and one of its inputs."""

    node: tf.NodeDef
    shapes: List[Shape]  # of all inputs, with lengths that may be None; None if the rank is unknown
    output: Shape  # of output 0
    value: Callable[[int], Optional[np.ndarray]]  # of an input, by its number; None if it is unknown
    number: int = 0  # of the input

    @property
    def shape(self) -> Shape:
        """The shape of the input."""
        return self.shapes[self.number]

    def flag(self, *names: str) -> bool:
        """Whether an attribute with one of these names is set."""
        return any(attribute(self.node, name).b for name in names)

    def integers(self, *names: str) -> List[int]:
        """The first attribute with one of these names that is a list with numbers."""
        return next((list(found) for found in (attribute(self.node, name).list.i for name in names) if found), [])

    def axes(self, rank: int) -> Optional[List[int]]:
        """The value of the input with the axes."""
        value = self.value(row(self.node.op).axes % len(self.shapes))
        return None if value is None else [int(axis) % rank for axis in np.ravel(value)]


Rule = Callable[[Step], Optional[Move]]


def same_axes(step: Step) -> List[Optional[int]]:
    """All axes, each at its place."""
    return list(range(len(step.shape)))


def without(step: Step, gone: Sequence[int]) -> List[Optional[int]]:
    """All axes but some."""
    return [axis for axis in same_axes(step) if axis not in gone]


def along(window: Optional[Window]) -> Rule:
    """The rule of an operation that works along axes, which stay."""

    def rule(step):
        axes = step.axes(len(step.shape))
        return None if axes is None else Move(same_axes(step), dict.fromkeys(axes, window))

    return rule


def _inserted(step, position):
    sources = same_axes(step)
    sources.insert(position % (len(sources) + 1), None)
    return Move(sources)


def _transpose(step):
    order = step.axes(len(step.shape))
    return order and Move(order)


def _expanded(step):
    axes = step.axes(len(step.shape) + 1)
    return axes and _inserted(step, axes[0])


def _packed(step):
    return _inserted(step, attribute(step.node, "axis").i)


def _squeezed(step):
    gone = {axis % len(step.shape) for axis in step.integers("squeeze_dims")}
    gone = gone or {axis for axis, side in enumerate(step.shape) if side == 1}
    is_known = step.output is not None and len(step.output) == len(step.shape) - len(gone)
    return Move(without(step, gone)) if is_known else None


def _unpacked(step):
    axis = attribute(step.node, "axis").i % len(step.shape)
    return Move(without(step, [axis]), {axis: None})


def _reduced(step):
    axes = step.axes(len(step.shape))
    if axes is None:
        return None
    return Move(same_axes(step) if step.flag("keep_dims") else without(step, axes), dict.fromkeys(axes, ALL))


def broadcast(step: Step) -> Move:
    """Elementwise, with broadcasting: a single position reaches all positions."""
    output = step.output or max(filter(None, step.shapes), key=len, default=step.shape)
    new = len(output) - len(step.shape)
    windows = {at: ALL for at, side in enumerate(step.shape) if side == 1 != output[at + new]}
    return Move([None] * new + same_axes(step), windows if step.output else {})


def _select(step):
    """A condition of rank 1 selects along axis 0."""
    if step.number == 0 and len(step.shape) == 1 and step.output:
        return Move([0] + [None] * (len(step.output) - 1))
    return broadcast(step)


def _tiled(step):
    counts = step.value(1)
    return None if counts is None else Move(same_axes(step), dict.fromkeys(np.flatnonzero(counts != 1).tolist(), ALL))


def _padded(step):
    pads, mirrors = step.value(1), bool(attribute(step.node, "mode").s)
    if pads is None:
        return None
    sizes = {axis: (int(before), int(after)) for axis, (before, after) in enumerate(pads) if before or after}
    windows = {axis: Window(-pad[0], mirrored=max(pad) if mirrors else 0) for axis, pad in sizes.items()}
    return Move(same_axes(step), windows)


def _sliced(step):
    begins, sizes = step.value(1), step.value(2)
    if begins is None:
        return None
    sizes = [0] * len(begins) if sizes is None else sizes.tolist()  # 0: perhaps not the whole axis
    parts = enumerate(zip(begins.tolist(), sizes, step.shape))
    changed = {axis: Window(begin) for axis, (begin, size, side) in parts if begin or size not in (-1, side)}
    return Move(same_axes(step), changed)


def _strided(step):
    """A slice [a:b:c, ..., None, 2]."""
    bounds = [step.value(number) for number in (1, 2, 3)]
    if any(bound is None for bound in bounds):
        return None
    masks = {key: attribute(step.node, f"{key}_mask").i for key in _MASKS}
    count, rank = len(bounds[0]), len(step.shape)
    sources, windows, axis = [], {}, 0
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
                windows.update({} if side == 1 else {axis: None})
            elif begin or stride != 1 or not to_last:
                windows[axis] = Window(begin, 0, stride) if stride > 0 else None
            sources += [] if here["shrink_axis"] else [axis]
            axis += 1
    return Move([*sources, *range(axis, rank)], windows)


MOVES: Dict[str, Rule] = {
    "elementwise": broadcast, "select": _select, "along": along(ALL), "joined": along(None), "packed": _packed,
    "transpose": _transpose, "expanded": _expanded, "squeezed": _squeezed, "unpacked": _unpacked, "reduced": _reduced,
    "tiled": _tiled, "padded": _padded, "sliced": _sliced, "strided": _strided,
}  # fmt: skip

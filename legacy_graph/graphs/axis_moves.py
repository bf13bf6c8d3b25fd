"""Where the values of an output come from: which axis of an input, and which positions along it.

The images of a batch (`batch_rules`) and the receptive field (`receptive_fields`) follow the axes by the same rules.
The column `moves` of the table of operations names them. This module has the rules that move axes, `axis_windows` the
others.
"""

import math
from fractions import Fraction
from typing import Callable, Collection, Dict, List, NamedTuple, Optional, Sequence, TypeVar, Union

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.graphs.op_table import row
from legacy_graph.graphs.operations import attribute

_MASKS = ("begin", "end", "ellipsis", "new_axis", "shrink_axis")  # of StridedSlice, one bit for each bound
Number = Union[int, float, Fraction]
Shape = Optional[Sequence[Optional[int]]]
Value = TypeVar("Value")


class Unknown(Exception):
    """The axes of an output are unknown, because a value or a length is."""


def required(value: Optional[Value]) -> Value:
    """A value that a rule needs. Raises `Unknown` if it is None."""
    if value is None:
        raise Unknown
    return value


class Window(NamedTuple):
    """Position n of the output reads the positions of the input from `begin + n * step` to `span` after it."""

    begin: Number = 0
    span: Number = 0
    step: Number = 1
    mirrored: int = 0  # reflected positions at the begin and the end of the output
    spread: int = 0  # the new spacing of the positions, see `receptive_fields.Axis`; 0: unchanged


ALL = Window(0, math.inf, 0)  # each position of the output reads the complete axis


class Move(NamedTuple):
    """The axes of an output, seen from one input."""

    sources: List[Optional[int]]  # for each axis of the output the axis of the input, None for a new one
    # {axis of the input: window}; None if the positions are unknown. All other axes keep their positions. An axis with
    # a window cannot be that of the images, even if the window changes nothing.
    windows: Dict[int, Optional[Window]] = {}
    blocks: Number = 1  # factor for the length of axis 0, whose new indices are outside those of the images


class Step(NamedTuple):
    """An operation, and one of its inputs."""

    node: tf.NodeDef
    shapes: List[Shape]  # of all inputs, with lengths that may be None; None if the rank is unknown
    output: Shape  # of output 0
    read: Callable[..., Optional[np.ndarray]]  # the value of an input, by its name; None if it is unknown
    number: int = 0  # of the input

    @property
    def shape(self) -> Sequence[Optional[int]]:
        """The shape of the input. Raises `Unknown`."""
        return required(self.shapes[self.number])

    @property
    def rank(self) -> int:
        """The rank of the input. Raises `Unknown`."""
        return len(self.shape)

    def value(self, number: int) -> np.ndarray:
        """The value of an input. Raises `Unknown`."""
        return required(self.read(self.node.input[number]))

    def axes(self, rank: int) -> List[int]:
        """The value of the input with the axes. Raises `Unknown`."""
        return [int(axis) % rank for axis in np.ravel(self.value(row(self.node.op).axes % len(self.shapes)))]

    def flag(self, *names: str) -> bool:
        """Whether an attribute with one of these names is set."""
        return any(attribute(self.node, name).b for name in names)

    def integers(self, *names: str) -> List[int]:
        """The first attribute with one of these names that is a list with numbers."""
        return next((list(found) for found in (attribute(self.node, name).list.i for name in names) if found), [])


Rule = Callable[[Step], Move]


def stay(step: Step, windows: Dict[int, Optional[Window]], gone: Collection[int] = ()) -> Move:
    """All axes at their places, without those that are gone."""
    return Move([axis for axis in range(step.rank) if axis not in gone], windows)


def _inserted(step, position):
    sources: List[Optional[int]] = list(range(step.rank))
    sources.insert(position % (step.rank + 1), None)
    return Move(sources)


def _squeezed(step):
    gone = {axis % step.rank for axis in step.integers("squeeze_dims")}
    gone = gone or {axis for axis, side in enumerate(step.shape) if side == 1}
    if len(required(step.output)) != step.rank - len(gone):
        raise Unknown
    return stay(step, {}, gone)


def _unpacked(step):
    axis = attribute(step.node, "axis").i % step.rank
    return stay(step, {axis: None}, [axis])


def _reduced(step):
    axes = step.axes(step.rank)
    return stay(step, dict.fromkeys(axes, ALL), () if step.flag("keep_dims") else axes)


def broadcast(step: Step) -> Move:
    """Elementwise, with broadcasting: a single position reaches all positions."""
    output = step.output or max(filter(None, step.shapes), key=len, default=step.shape)
    new = len(output) - step.rank
    windows = {at: ALL for at, side in enumerate(step.shape) if side == 1 != output[at + new]}
    return Move([None] * new + list(range(step.rank)), windows if step.output else {})


def _select(step):
    """A condition of rank 1 selects along axis 0."""
    if step.number == 0 and step.rank == 1 and step.output:
        return Move([0] + [None] * (len(step.output) - 1))
    return broadcast(step)


def _padded(step):
    mirrors, pads = bool(attribute(step.node, "mode").s), enumerate(step.value(1).tolist())
    return stay(step, {axis: Window(-pad[0], mirrored=mirrors * max(pad)) for axis, pad in pads if any(pad)})


def _sliced(step):
    begins, sizes = step.value(1).tolist(), step.read(step.node.input[2])
    sizes = [0] * len(begins) if sizes is None else sizes.tolist()  # 0: perhaps not the whole axis
    parts = enumerate(zip(begins, sizes, step.shape))
    return stay(step, {axis: Window(begin) for axis, (begin, size, side) in parts if begin or size not in (-1, side)})


def _strided(step):
    """A slice [a:b:c, ..., None, 2]."""
    bounds = np.transpose([step.value(number) for number in (1, 2, 3)]).tolist()
    masks = {key: attribute(step.node, f"{key}_mask").i for key in _MASKS}
    sources, windows, axis = [], {}, 0
    for number, (begin, end, stride) in enumerate(bounds):
        here = {key for key, mask in masks.items() if mask >> number & 1}
        if "ellipsis" in here:
            after = sum(not masks["new_axis"] >> later & 1 for later in range(number + 1, len(bounds)))
            sources += range(axis, step.rank - after)
            axis = step.rank - after
        elif "new_axis" in here:
            sources.append(None)
        else:
            side, begin = step.shape[axis], 0 if "begin" in here else begin
            begin = max(0, begin + required(side)) if begin < 0 else begin
            to_last = "end" in here or (side is not None and end >= side)
            if "shrink_axis" in here:
                windows.update({} if side == 1 else {axis: None})
            elif begin or stride != 1 or not to_last:
                windows[axis] = Window(begin, 0, stride) if stride > 0 else None
            sources += [] if "shrink_axis" in here else [axis]
            axis += 1
    return Move([*sources, *range(axis, step.rank)], windows)


MOVES: Dict[str, Rule] = {
    "elementwise": broadcast,
    "select": _select,
    "positions": lambda step: stay(step, dict.fromkeys(range(1, step.rank), Window())),
    "images": lambda step: stay(step, dict.fromkeys(range(1, step.rank))),
    "last axis": lambda step: stay(step, {step.rank - 1: ALL}),
    "along": lambda step: stay(step, dict.fromkeys(step.axes(step.rank), ALL)),
    "joined": lambda step: stay(step, dict.fromkeys(step.axes(step.rank))),
    "tiled": lambda step: stay(step, {axis: ALL for axis, count in enumerate(step.value(1)) if count != 1}),
    "transpose": lambda step: Move(step.axes(step.rank)),
    "packed": lambda step: _inserted(step, attribute(step.node, "axis").i),
    "expanded": lambda step: _inserted(step, step.axes(step.rank + 1)[0]),
    "unpacked": _unpacked,
    "squeezed": _squeezed,
    "reduced": _reduced,
    "padded": _padded,
    "sliced": _sliced,
    "strided": _strided,
}

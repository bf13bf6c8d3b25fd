"""感受野 (receptive field) in a graph with branches, dilation, transposed convolutions and transposed axes."""

import math
from typing import Dict, List, NamedTuple, Optional, Tuple

import numpy as np

from legacy_graph.article.receptive_field import Field, Fields
from legacy_graph.graphs.axis_moves import ALL, Number, Step, Unknown, Window, required
from legacy_graph.graphs.axis_windows import find_move, repeated
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.op_table import SHAPES, row
from legacy_graph.graphs.operations import attribute
from legacy_graph.graphs.tensor_types import TensorType


class Axis(NamedTuple):
    """A `Field` along one axis of a tensor, and the spacing of its positions inside a dilated convolution.

    After a transposed convolution the numbers may be fractions of a pixel, because the positions of its output are
    closer together than those of its input. Some positions depend on fewer pixels than the field contains, but no
    position depends on a pixel outside the field.
    """

    size: Number = 1
    step: Number = 1  # 0: each position depends on the complete axis
    begin: Number = 0
    spread: int = 1  # between SpaceToBatchND and BatchToSpaceND: its block size
    side: Optional[int] = None  # of the image along this axis, None if not fixed
    # Places that MirrorPad added. They depend on pixels outside the field, but a later window that contains each of
    # them together with its reflection does not.
    mirrored: int = 0
    number: int = 0  # of the axis of the image, 1 or 2; a transpose may swap them

    def to_field(self) -> Optional[Field]:
        """The field in pixels; None if it is unknown, contains no pixel, or the step is a fraction of a pixel."""
        begin = math.ceil(self.begin)
        size = math.floor(self.begin + self.size) - begin
        known = size > 0 and self.step == int(self.step) and not self.mirrored
        return Field(size, int(self.step), begin) if known else None

    def whole(self) -> "Axis":
        """The field of a position that depends on all positions of this axis. Raises `Unknown`."""
        return Axis(required(self.side), 0, 0, 1, self.side, 0, self.number)

    def through(self, window: Optional[Window], is_valid: bool = False) -> "Axis":
        """The axis after a window, `is_valid` without padding. Raises `Unknown`."""
        if window == Window() or self.step == 0:
            return self
        if window == ALL:
            return self.whole()
        begin, span, step, mirrored, spread = required(window)
        if spread:
            return self._replace(begin=self.begin + begin * self.step, spread=spread)
        reflects = self.mirrored and not (is_valid and span >= 2 * self.mirrored)
        if reflects or (self.spread > 1 and step != 1):
            raise Unknown
        unit = self.spread * self.step
        size, begin = self.size + span * unit, self.begin + begin * unit
        return self._replace(size=size, step=self.step * step, begin=begin, mirrored=mirrored)


# One entry per axis of a tensor, None for batch and channels. Axes None: unknown.
Axes = Optional[List[Optional[Axis]]]
EVERYTHING: Axes = []  # each value depends on the complete image; then the axes do not matter
_AFTER_MIRROR = ("elementwise", "select", "positions", "joined", "convolution", "pool", "transpose")


def receptive_fields(
    nodes: Graph, input: str, types: Dict[str, TensorType]
) -> Tuple[Dict[str, Fields], Dict[str, str]]:
    """The receptive field in the input of one position of each tensor.

    Args:
        nodes: of the graph, NHWC.
        input: name of the placeholder [B, H, W, C]. Only the inputs in the column `data` of the table of operations
            depend on it, as `check_batch` ensures.
        types: of all tensors; a height or width may be None.

    Returns:
        {node name: fields}, without tensors whose field is unknown, and {node name: name of the first node before it
        whose field is unknown}. A step of 0 means that each position depends on the complete axis. If an image side is
        unknown, the field after a strided SAME window is unknown: its padding depends on the side.
    """
    sides = (types[input].shape or [None] * 4)[1:3]
    known: Dict[str, Axes] = {
        input: [None, *(Axis(side=side, number=at) for at, side in enumerate(sides, start=1)), None]
    }
    lost: Dict[str, str] = {}
    for name in nodes.order:
        node, sources = nodes.by_name[name], nodes.data_inputs(name)
        inputs = {number: known[source] for number, source in enumerate(sources) if source in known}
        if node.op in SHAPES or name == input or types[name].dtype is None or not inputs:
            continue
        step = Step(node, [types[source].shape for source in sources], types[name].shape, nodes.constant)
        try:
            known[name] = _through(step, inputs)
        except Unknown:
            known[name], lost[name] = None, next((lost[source] for source in sources if source in lost), name)
    fields = {name: _in_pixels(axes, sides) for name, axes in known.items()}
    return {name: field for name, field in fields.items() if field}, lost


def _in_pixels(axes, sides) -> Optional[Fields]:
    """The fields along height and width; None if they are unknown."""
    if axes == EVERYTHING:
        axes = [None, *(side and Axis(side=side).whole() for side in sides), None]
    if not axes or len(axes) != 4 or axes[0] or axes[3]:
        return None
    # An axis that Squeeze removed and ExpandDims inserted again, as around 1-D convolutions.
    along = [axis or (Axis(1, 0, 0, side=1) if side == 1 else None) for axis, side in zip(axes[1:3], sides)]
    fields = [axis and axis.to_field() for axis in along]
    swapped = any(axis and axis.number not in (0, at) for at, axis in enumerate(along, start=1))
    return tuple(fields) if all(fields) and not swapped else None


def _through(step, inputs: Dict[int, Axes]) -> Axes:
    """The axes of a node's output, from the axes of the inputs that depend on the images. Raises `Unknown`."""
    if EVERYTHING in inputs.values():
        return EVERYTHING
    moves, many = row(step.node.op).moves, [required(axes) for axes in inputs.values()]
    if moves not in _AFTER_MIRROR and any(axis and axis.mirrored for axes in many for axis in axes):
        raise Unknown
    rule = _reshape if moves == "reshape" else _moved
    return _union([rule(step._replace(number=number), axes) for number, axes in zip(inputs, many)])


def _moved(step, axes) -> Axes:
    """The axes move, with the windows over their positions."""
    move, is_valid = find_move(step), attribute(step.node, "padding").s == b"VALID"
    # A window over an axis that is not of the image, as after a transpose, computes no feature map of the image.
    if any(
        window and (window.span or window.spread) and window != ALL and not axes[at]
        for at, window in move.windows.items()
    ):
        raise Unknown
    new = [axis and axis.through(move.windows.get(at, Window()), is_valid) for at, axis in enumerate(axes)]
    gone = [axis for at, axis in enumerate(new) if axis and at not in move.sources]
    if any(axis.step == 0 and axis.side != 1 for axis in gone):
        return EVERYTHING
    return [None if at is None else new[at] for at in move.sources]


def _reshape(step, axes) -> Axes:
    """The axes after a reshape.

    An axis may stay as it is, or take in the axes after it that do not belong to the image: then each position is
    repeated, as in a resize to the nearest neighbour. Unknown if an axis is divided, or joined to another one.
    """
    shape, output = step.shape, required(step.output)
    if axes[0] or None in (*shape[1:], *output[1:]):
        raise Unknown
    result: List[Optional[Axis]] = [None] * len(output)
    inner, new_inner = ([int(np.prod(sides[at + 1 :])) for at in range(len(sides))] for sides in (shape, output))
    for position, axis in enumerate(axes):
        if axis is None:
            continue
        stop = shape[position] * inner[position]
        places = [
            at
            for at in range(1, len(output))
            if output[at] * new_inner[at] == stop and inner[position] % new_inner[at] == 0 and not result[at]
        ]
        if not places and axis.step == 0 and axis.side != 1:
            return EVERYTHING
        place = position if position in places else required(next(iter(places), None))
        passed = [other for at, other in enumerate(axes) if at > position and inner[at] >= new_inner[place]]
        if any(passed) or axis.spread > 1:
            raise Unknown
        result[place] = axis.through(repeated(inner[position] // new_inner[place]))
    return result


def _union(many: List[Axes]) -> Axes:
    """The union of the fields of several branches. Raises `Unknown` if their strides differ."""
    if EVERYTHING in many:
        return EVERYTHING
    if len({len(axes) for axes in many}) > 1:
        raise Unknown
    return [_joined(along) if any(along) else None for along in zip(*many)]


def _joined(along) -> Axis:
    """The union along one axis. A complete axis contains any field."""
    axes = [axis for axis in along if axis]
    if len({axis.number for axis in axes}) > 1:
        raise Unknown
    if axes[0].side == 1:
        return axes[0].whole()  # where an axis is missing, it was removed and inserted again: there is only one row
    complete = [axis for axis in axes if axis.step == 0]
    if complete:
        return complete[0]
    if len(axes) < len(along) or len({(axis.step, axis.spread, axis.mirrored) for axis in axes}) > 1:
        raise Unknown
    begin, end = min(axis.begin for axis in axes), max(axis.begin + axis.size for axis in axes)
    return axes[0]._replace(begin=begin, size=end - begin)

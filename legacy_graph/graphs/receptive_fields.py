"""感受野 (receptive field) in a graph with branches, dilation, transposed convolutions and transposed axes."""

import math
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

import numpy as np

from legacy_graph.article.receptive_field import Field, Fields
from legacy_graph.graphs.axis_moves import ALL, Number, Step, Window
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

    def whole(self) -> Optional["Axis"]:
        """The field of a position that depends on all positions of this axis; None if the side is not known."""
        return self.side and Axis(self.side, 0, 0, 1, self.side, 0, self.number)

    def through(self, window: Optional[Window], is_valid: bool = False) -> Optional["Axis"]:
        """The axis after a window, `is_valid` without padding; None if it is unknown."""
        if window == Window() or self.step == 0:
            return self
        if window is None or window == ALL:
            return window and self.whole()
        reflects = self.mirrored and not (is_valid and window.span >= 2 * self.mirrored)
        if reflects or (self.spread > 1 and window.step != 1):
            return None
        unit = self.spread * self.step
        return self._replace(
            size=self.size + window.span * unit, step=self.step * window.step, begin=self.begin + window.begin * unit,
            mirrored=window.mirrored,
        )  # fmt: skip


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
        dependent = [source for source in sources if source in known]
        if node.op in SHAPES or name == input or types[name].dtype is None or not dependent:
            continue
        known[name] = _through(_step(nodes, types, node, sources), [known.get(source, ()) for source in sources])
        if known[name] is None:
            lost[name] = next((lost[source] for source in dependent if source in lost), name)
    fields = {name: _in_pixels(axes, sides) for name, axes in known.items()}
    return {name: field for name, field in fields.items() if field}, lost


def _step(nodes, types, node, sources) -> Step:
    shapes = [types[source].shape for source in sources]
    return Step(node, shapes, types[node.name].shape, lambda number: nodes.constant(node.input[number]))


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


def _through(step, inputs) -> Axes:
    """The axes of a node's output, from the axes of its inputs: () for an input that does not depend on the images."""
    dependent = [number for number, axes in enumerate(inputs) if axes != ()]
    many = [inputs[number] for number in dependent]
    if EVERYTHING in many:
        return EVERYTHING
    mirrored = any(axis and axis.mirrored for axes in many for axis in axes or ())
    if None in many or (mirrored and row(step.node.op).moves not in _AFTER_MIRROR):
        return None
    own = _OWN.get(row(step.node.op).moves, _moved)
    return _union([own(step._replace(number=number), axes) for number, axes in zip(dependent, many)])


def _moved(step, axes) -> Axes:
    """The axes move, with the windows over their positions."""
    move, is_valid = find_move(step), attribute(step.node, "padding").s == b"VALID"
    if move is None:
        return None
    new = [axis and axis.through(move.windows.get(at, Window()), is_valid) for at, axis in enumerate(axes)]
    sliding = [at for at, window in move.windows.items() if window and window.span not in (0, math.inf)]
    # A window over an axis that is not of the image, as after a transpose, computes no feature map of the image.
    if any(axis and not after for axis, after in zip(axes, new)) or any(axes[at] is None for at in sliding):
        return None
    gone = [axis for at, axis in enumerate(new) if axis and at not in move.sources]
    if any(axis.step == 0 and axis.side != 1 for axis in gone):
        return EVERYTHING
    return [None if at is None else new[at] for at in move.sources]


def _blocks(step, axes) -> Axes:
    """SpaceToBatchND or BatchToSpaceND, which surround a dilated convolution of TensorFlow 1."""
    block, before, result = step.value(1), step.value(2), list(axes)
    if block is None or before is None:
        return None
    opening = step.node.op == "SpaceToBatchND"
    for position, (size, (pad, after)) in enumerate(zip(block.tolist(), before.tolist()), start=1):
        axis = result[position]
        if size == 1 and pad == after == 0:
            continue  # the rows of a 1-D convolution
        if axis is None:
            return None
        begin = axis.begin + (-pad if opening else pad) * axis.step
        result[position] = axis._replace(begin=begin, spread=size if opening else 1)
    return result


def _reshape(step, axes) -> Axes:
    """The axes after a reshape.

    An axis may stay as it is, or take in the axes after it that do not belong to the image: then each position is
    repeated, as in a resize to the nearest neighbour. None if an axis is divided, joined to another one, or unknown.
    """
    shape, output = step.shape, step.output
    if not shape or not output or axes[0] or None in shape[1:] or None in output[1:]:
        return None
    result: List[Optional[Axis]] = [None] * len(output)
    inner, new_inner = ([int(np.prod(sides[at + 1 :])) for at in range(len(sides))] for sides in (shape, output))
    for position, axis in enumerate(axes[1:], start=1):
        if axis is None:
            continue
        stop = shape[position] * inner[position]
        places = [
            at
            for at in range(1, len(output))
            if output[at] * new_inner[at] == stop and inner[position] % new_inner[at] == 0 and not result[at]
        ]
        if not places:
            return EVERYTHING if axis.step == 0 and axis.side != 1 else None
        place = position if position in places else places[0]
        passed = [other for at, other in enumerate(axes) if at > position and inner[at] >= new_inner[place]]
        if any(passed) or axis.spread > 1:
            return None
        result[place] = axis.through(repeated(inner[position] // new_inner[place]))
    return result


def _union(many: List[Axes]) -> Axes:
    """The union of the fields of several branches; None if their strides differ."""
    if EVERYTHING in many:
        return EVERYTHING
    if None in many or len({len(axes) for axes in many}) > 1:
        return None
    result = [_joined(along) for along in zip(*many)]
    return None if any(axis is None and any(along) for axis, along in zip(result, zip(*many))) else result


def _joined(along) -> Optional[Axis]:
    """The union along one axis. A complete axis contains any field."""
    axes = [axis for axis in along if axis]
    if len({axis.number for axis in axes}) != 1:
        return None
    if axes[0].side == 1:
        return axes[0].whole()  # where an axis is missing, it was removed and inserted again: there is only one row
    complete = [axis for axis in axes if axis.step == 0]
    if complete:
        return complete[0]
    if len(axes) < len(along) or len({(axis.step, axis.spread, axis.mirrored) for axis in axes}) > 1:
        return None
    begin, end = min(axis.begin for axis in axes), max(axis.begin + axis.size for axis in axes)
    return axes[0]._replace(begin=begin, size=end - begin)


_OWN: Dict[str, Callable[[Step, List[Optional[Axis]]], Axes]] = {"reshape": _reshape, "blocks": _blocks}

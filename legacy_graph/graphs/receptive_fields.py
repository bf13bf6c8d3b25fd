"""感受野 (receptive field) in a graph with branches, dilation, transposed convolutions and transposed axes."""

import math
from typing import Dict, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from legacy_graph.article.receptive_field import Field, Fields
from legacy_graph.graphs.axis_moves import ALL, Number, Step, Unknown, Window, required
from legacy_graph.graphs.axis_windows import find_move, repeated
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.op_table import SHAPES, row
from legacy_graph.graphs.operations import attribute


class Axis(NamedTuple):
    """A `Field` along one side of the image, where it is in a tensor, and its spacing inside a dilated convolution.

    After a transposed convolution the numbers may be fractions of a pixel, because the positions of its output are
    closer together than those of its input. Some positions depend on fewer pixels than the field contains, but no
    position depends on a pixel outside the field.
    """

    at: int = 0  # the axis of the tensor, if the step is not 0
    size: Number = 1
    step: Number = 1  # 0: each value of the tensor depends on the complete side of the image
    begin: Number = 0
    spread: int = 1  # between SpaceToBatchND and BatchToSpaceND: its block size
    side: Optional[int] = None  # of the image along this axis, None if not fixed
    # Places that MirrorPad added. They depend on pixels outside the field, but a later window that contains each of
    # them together with its reflection does not.
    mirrored: int = 0

    def to_field(self) -> Optional[Field]:
        """The field in pixels; None if it is unknown, contains no pixel, or the step is a fraction of a pixel."""
        begin = math.ceil(self.begin)
        size = math.floor(self.begin + self.size) - begin
        known = size > 0 and self.step == int(self.step) and not self.mirrored
        return Field(size, int(self.step), begin) if known else None

    def whole(self) -> "Axis":
        """The field of a value that depends on all positions of this axis. Raises `Unknown`."""
        return Axis(size=required(self.side), step=0, side=self.side)

    def through(self, window: Optional[Window], is_valid: bool = False) -> "Axis":
        """The axis after a window, `is_valid` without padding. Raises `Unknown`."""
        if window == Window():
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


Axes = Sequence[Axis]  # down and across
_AFTER_MIRROR = ("elementwise", "select", "positions", "joined", "convolution", "pool", "transpose")


def receptive_fields(graph: Graph) -> Tuple[Dict[str, Fields], Dict[str, str]]:
    """The receptive field in the images of one position of each tensor.

    Args:
        graph: NHWC, with images [B, H, W, C]. Only the inputs in the column `data` of the table of operations depend
            on them, as `check_batch` ensures.

    Returns:
        {node name: fields}, without tensors whose field is unknown, and {node name: name of the first node before it
        whose field is unknown}. A step of 0 means that each position depends on the complete axis. If an image side is
        unknown, the field after a strided SAME window is unknown: its padding depends on the side.
    """
    input, types = graph.input, graph.types
    sides = (types[input].shape or [None] * 4)[1:3]
    axes = [Axis(at, side=side) for at, side in enumerate(sides, start=1)]
    known: Dict[str, Optional[Axes]] = {input: [axis.whole() if axis.side == 1 else axis for axis in axes]}
    lost: Dict[str, str] = {}
    for name in graph.order:
        node, sources = graph.by_name[name], graph.data_inputs(name)
        inputs = {number: known[source] for number, source in enumerate(sources) if source in known}
        if node.op in SHAPES or name == input or types[name].dtype is None or not inputs:
            continue
        step = Step(node, [types[source].shape for source in sources], types[name].shape, graph.constant)
        try:
            known[name] = _through(step, inputs)
        except Unknown:
            known[name], lost[name] = None, next((lost[source] for source in sources if source in lost), name)
    fields = {name: _in_pixels(axes, types[name].shape) for name, axes in known.items() if axes}
    return {name: field for name, field in fields.items() if field}, lost


def _in_pixels(axes, shape) -> Optional[Fields]:
    """The fields along height and width; None if they are unknown, or a tensor of this shape is no image."""
    is_image = shape is not None and len(shape) == 4
    fields = [
        axis.to_field() if axis.step == 0 or (is_image and axis.at == at) else None
        for at, axis in enumerate(axes, start=1)
    ]
    return tuple(fields) if all(fields) else None


def _through(step, inputs: Dict[int, Optional[Axes]]) -> Axes:
    """The axes of a node's output, from the axes of the inputs that depend on the images. Raises `Unknown`."""
    for axes in inputs.values():
        if axes and not any(axis.step for axis in axes):
            return axes  # the complete image contains any field
    moves, many = row(step.node.op).moves, [required(axes) for axes in inputs.values()]
    if moves not in _AFTER_MIRROR and any(axis.mirrored for axes in many for axis in axes):
        raise Unknown
    rule = _reshape if moves == "reshape" else _moved
    results = [rule(step._replace(number=number), axes) for number, axes in zip(inputs, many)]
    return [_union(axes) for axes in zip(*results)]


def _moved(step, axes) -> Axes:
    """The axes move, with the windows over their positions."""
    move, is_valid, result = find_move(step), attribute(step.node, "padding").s == b"VALID", []
    for axis in axes:
        if axis.step:
            axis = axis.through(move.windows.get(axis.at, Window()), is_valid)
        if axis.step:
            if axis.at not in move.sources:
                raise Unknown
            axis = axis._replace(at=move.sources.index(axis.at))
        result.append(axis)
    return result


def _reshape(step, axes) -> Axes:
    """The axes after a reshape.

    An axis may stay as it is, or take in the axes after it that do not belong to the image: then each position is
    repeated, as in a resize to the nearest neighbour. Unknown if an axis is divided, or joined to another one.
    """
    shape, output, result = step.shape, required(step.output), []
    if None in (*shape[1:], *output[1:]):
        raise Unknown
    inner, new_inner = ([int(np.prod(sides[at + 1 :])) for at in range(len(sides))] for sides in (shape, output))
    for axis in axes:
        if axis.step:
            at, taken = axis.at, [other.at for other in result]
            places = [
                place
                for place in range(1, len(output))
                if output[place] * new_inner[place] == shape[at] * inner[at]
                and inner[at] % new_inner[place] == 0
                and place not in taken
            ]
            place = at if at in places else required(next(iter(places), None))
            passed = [other for other in axes if other.step and other.at > at and inner[other.at] >= new_inner[place]]
            if at == 0 or passed or axis.spread > 1:
                raise Unknown
            axis = axis.through(repeated(inner[at] // new_inner[place]))._replace(at=place)
        result.append(axis)
    return result


def _union(axes: Axes) -> Axis:
    """The union of the fields of several branches. Raises `Unknown` if their strides differ."""
    for axis in axes:
        if axis.step == 0:
            return axis
    if len({(axis.at, axis.step, axis.spread, axis.mirrored) for axis in axes}) > 1:
        raise Unknown
    begin, end = min(axis.begin for axis in axes), max(axis.begin + axis.size for axis in axes)
    return axes[0]._replace(begin=begin, size=end - begin)

"""The receptive field along the axes of a tensor: after windows, resizes and reshapes, and of several branches."""

import math
from fractions import Fraction
from typing import Collection, List, NamedTuple, Optional, Sequence, Union

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.article.receptive_field import Field
from legacy_graph.graphs.operations import attribute


class Axis(NamedTuple):
    """A `Field` along one axis of a tensor, and the spacing of its positions inside a dilated convolution.

    After a transposed convolution the numbers may be fractions of a pixel, because the positions of its output are
    closer together than those of its input. Some positions depend on fewer pixels than the field contains, but no
    position depends on a pixel outside the field.
    """

    size: Union[int, Fraction] = 1
    step: Union[int, Fraction] = 1
    begin: Union[int, Fraction] = 0
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


# One entry per axis of a tensor, None for batch and channels. Axes None: unknown.
Axes = Optional[List[Optional[Axis]]]
EVERYTHING: Axes = []  # each value depends on the complete image; then the axes do not matter
Shape = Sequence[Optional[int]]


def windowed(node: tf.NodeDef, axes: Axes, shape: Shape, windows: Sequence[int], dilations: Sequence[int]) -> Axes:
    """The axes after a sliding window over each axis of a tensor of this shape, as in convolution and pooling."""
    strides = attribute(node, "strides").list.i
    result: List[Optional[Axis]] = []
    for position, (axis, side) in enumerate(zip(axes, shape)):
        window = (windows[position] - 1) * dilations[position] + 1
        stride = strides[position]
        if axis is None:
            if window > 1 and windows[position] > 1:
                return None
            result.append(None)
            continue
        before = _padding_before(node, position, side, window, stride)
        if before is None or (axis.spread > 1 and stride > 1):
            return None
        if axis.mirrored and (window <= 2 * axis.mirrored or attribute(node, "padding").s != b"VALID"):
            return None
        axis = shift(axis, -before * axis.spread)
        size = axis.size + (window - 1) * axis.spread * axis.step
        result.append(axis._replace(size=size, step=axis.step * stride, mirrored=0))
    return result


def _padding_before(node, position, side, window, stride) -> Optional[int]:
    """The padding before an axis of `side` values; None if it depends on `side` and `side` is None."""
    padding = attribute(node, "padding").s
    if padding == b"EXPLICIT":
        return attribute(node, "explicit_paddings").list.i[2 * position]
    if padding == b"VALID":
        return 0
    if side is None and stride > 1:
        return None
    side = side or stride
    return max(0, (-(-side // stride) - 1) * stride + window - side) // 2


def transposed(node: tf.NodeDef, axes: Axes, kernel: Shape, output: Shape) -> Axes:
    """The axes after a transposed convolution.

    Args:
        node: a Conv2DBackpropInput. Its padding is that of the convolution from its output to its input.
        axes: of its input.
        kernel: shape of the kernel.
        output: shape of the output.
    """
    strides, dilations = attribute(node, "strides").list.i, attribute(node, "dilations").list.i or [1] * 4
    windows = []
    for position in (1, 2):
        stride, window = strides[position], (kernel[position - 1] - 1) * dilations[position] + 1
        windows.append((stride, window, _padding_before(node, position, output[position], window, stride)))
    return _spread_out(axes, windows)


def resized(node: tf.NodeDef, axes: Axes, shape: Shape, output: Shape) -> Axes:
    """The axes after a resize by a whole factor: a transposed convolution whose window has fixed weights.

    DepthToSpace reads the same positions as such a resize. `shape` and `output` are the shapes before and after.
    Returns None for any other factor, and with aligned corners, unless each position depends on the complete axis.
    """
    axes, windows = list(axes), []
    for at, (side, new) in enumerate(zip(shape[1:3], output[1:3]), start=1):
        if axes[at] and (axes[at].step == 0 or side == 1):
            axes[at] = axes[at].whole()
            if axes[at] is None:
                return None
            windows.append((1, 1, 0))
            continue
        if attribute(node, "align_corners").b or not side or not new or new % side:
            return None
        factor = new // side
        window, before = factor, 0
        if node.op == "ResizeBilinear":
            window, before = 2 * factor - 1, factor - 1
            if attribute(node, "half_pixel_centers").b:
                window, before = 2 * factor - factor % 2, factor // 2
        windows.append((factor, window, before))
    return _spread_out(axes, windows)


def _spread_out(axes, windows) -> Axes:
    """The axes after windows (stride, length, padding before) that spread out the values along axes 1 and 2.

    Position n of the output depends on the positions i of the input with 0 <= n + padding - i * stride < length.
    """
    result = list(axes)
    for position, (stride, length, before) in enumerate(windows, start=1):
        axis = axes[position]
        if axis is None and stride == length == 1:
            continue
        if axis is None or before is None or axis.spread > 1:
            return None
        result[position] = _spread(axis, stride, length, before)
    return result


def _spread(axis, stride, length, before) -> Axis:
    step = Fraction(axis.step) / stride
    begin, size = axis.begin + (before - length + 1) * step, axis.size + (length - 1) * step
    return axis._replace(size=size, step=step, begin=begin)


def is_complete(axis: Axis) -> bool:
    """Whether each position depends on all of several pixels along the axis."""
    return axis.step == 0 and axis.side != 1


def shift(axis: Axis, places: int) -> Axis:
    """The axis after a shift by a number of positions."""
    return axis._replace(begin=axis.begin + int(places) * axis.step)


def joined(axes: Axes, block: int) -> Axes:
    """The axes after each `block` positions of an axis become one, as in SpaceToDepth."""
    if any(axis and axis.spread > 1 for axis in axes):
        return None
    return [axis and axis._replace(size=axis.size + (block - 1) * axis.step, step=axis.step * block) for axis in axes]


def broadcast(axes: Axes, shape: Shape, output: Shape) -> Axes:
    """The axes of an operand: a single position that is broadcast reaches all positions, so it gets the whole axis."""
    result = list(axes)
    for position, axis in enumerate(axes):
        if axis and shape and output and len(shape) == len(output) and shape[position] == 1 != output[position]:
            result[position] = axis.whole()
            if result[position] is None:
                return None
    return result


def without_axes(axes: Axes, gone: Collection[int]) -> Axes:
    """The other axes. Each value depends on the complete image if one of the removed axes does."""
    if any(axes[position] and is_complete(axes[position]) for position in gone):
        return EVERYTHING
    return [axis for position, axis in enumerate(axes) if position not in gone]


def union(many: List[Axes]) -> Axes:
    """The union of the fields of several branches; None if their strides differ. A complete axis contains any field."""
    if None in many or len({len(axes) for axes in many}) > 1:
        return None
    result: List[Optional[Axis]] = []
    for along in zip(*many):
        if all(axis is None for axis in along):
            result.append(None)
        elif len({axis.number for axis in along if axis}) > 1:
            return None
        elif any(axis is not None and axis.step == 0 for axis in along):
            result.append(next(axis for axis in along if axis is not None and axis.step == 0))
        elif None in along or len({(axis.step, axis.spread, axis.mirrored) for axis in along}) > 1:
            return None
        else:
            begin = min(axis.begin for axis in along)
            end = max(axis.begin + axis.size for axis in along)
            result.append(along[0]._replace(begin=begin, size=end - begin))
    return result


def reshaped(axes: Axes, shape: Shape, output: Shape) -> Axes:
    """The axes after a reshape of `shape` to `output`.

    An axis may stay as it is, or take in the axes after it that do not belong to the image: then each position is
    repeated, as in a resize to the nearest neighbour. None if an axis is divided, joined to another one, or unknown.
    """
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
            return EVERYTHING if is_complete(axis) else None
        place = position if position in places else places[0]
        passed = [other for at, other in enumerate(axes) if at > position and inner[at] >= new_inner[place]]
        if any(passed) or axis.spread > 1:
            return None
        factor = inner[position] // new_inner[place]
        result[place] = _spread(axis, factor, factor, 0)
    return result

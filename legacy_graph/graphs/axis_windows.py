"""Where the values of an output come from: windows, products and gathers; and the rule of any operation."""

from fractions import Fraction
from typing import Callable, Dict, List, Optional

import numpy as np

from legacy_graph.graphs.axis_moves import ALL, MOVES, Move, Rule, Step, Unknown, Window, broadcast, required, stay
from legacy_graph.graphs.op_table import row
from legacy_graph.graphs.operations import attribute


def find_move(step: Step) -> Move:
    """The axes of the output of an operation, seen from one input. Raises `Unknown`."""
    return required(RULES.get(row(step.node.op).moves))(step)


def _image(step, windows, channels) -> Move:
    """The axes of [B, H, W, C] after windows over height and width. Each image stays by itself."""
    return stay(step, {1: windows[0], 2: windows[1], 3: channels})


def _windows(step, sizes, sides, window: Callable[[int, int, int], Window]) -> List[Optional[Window]]:
    """The windows of these sizes over `sides`, height and width; None for one that is unknown."""
    strides, rates = step.integers("strides"), step.integers("dilations", "rates") or [1] * 4
    windows: List[Optional[Window]] = []
    for at, (size, side) in enumerate(zip(sizes, sides), start=1):
        length = size and (size - 1) * rates[at] + 1
        before = length and _padding_before(step, at, side, length, strides[at])
        windows.append(None if before is None else window(strides[at], length, before))
    return windows


def _sliding(step, sizes, channels) -> Move:
    return _image(step, _windows(step, sizes, step.shape[1:3], _slide), channels)


def _padding_before(step, at, side, length, stride) -> Optional[int]:
    """The padding before an axis of `side` values; None if it depends on `side` and `side` is None."""
    padding = attribute(step.node, "padding").s
    if padding == b"EXPLICIT":
        return step.integers("explicit_paddings")[2 * at]
    if padding == b"VALID":
        return 0
    if side is None and stride > 1:
        return None
    side = side or stride
    return max(0, (-(-side // stride) - 1) * stride + length - side) // 2


def _slide(stride: int, length: int, before: int) -> Window:
    return Window(-before, length - 1, stride)


def _spread(stride: int, length: int, before: int) -> Window:
    """A window that spreads out the values: output n reads the inputs i with 0 <= n + before - i * stride < length."""
    return Window(Fraction(before - length + 1) / stride, Fraction(length - 1, stride), Fraction(1, stride))


def _kernel(step) -> List[Optional[int]]:
    """Height and width of the kernel."""
    return (step.shapes[1] or [None] * 2)[:2]


def _transposed(step):
    """A transposed convolution. Its padding is that of the convolution from its output to its input."""
    return _image(step, _windows(step, _kernel(step), (step.output or [None] * 4)[1:3], _spread), ALL)


def _resized(step, channels) -> Move:
    """A resize by a whole factor: a transposed convolution whose window has fixed weights."""
    sides = zip(step.shape[1:3], (step.output or [None] * 4)[1:3])
    return _image(step, [_resize(step, side, new) for side, new in sides], channels)


def _resize(step, side, new) -> Optional[Window]:
    if side == 1:
        return ALL
    if step.flag("align_corners") or not side or not new or new % side:
        return None
    factor = new // side
    if step.node.op != "ResizeBilinear":
        return repeated(factor)
    if step.flag("half_pixel_centers"):
        return _spread(factor, 2 * factor - factor % 2, factor // 2)
    return _spread(factor, 2 * factor - 1, factor - 1)


def repeated(factor: int) -> Window:
    """Each position becomes `factor` positions."""
    return _spread(factor, factor, 0)


def _blocks_of_pixels(step):
    """SpaceToDepth."""
    block = attribute(step.node, "block_size").i
    return _image(step, [Window(0, block - 1, block)] * 2, ALL)


def _blocks(step):
    """SpaceToBatchND or BatchToSpaceND, which surround a dilated convolution of TensorFlow 1."""
    sizes, pads, is_opening = step.value(1).tolist(), step.value(2).tolist(), step.node.op == "SpaceToBatchND"
    windows: Dict[int, Optional[Window]] = {
        axis: Window(-before, spread=size) if is_opening else Window(before, spread=1)
        for axis, (size, (before, after)) in enumerate(zip(sizes, pads), start=1)
        if size > 1 or before or after  # else the rows of a 1-D convolution
    }
    count = int(np.prod(sizes))
    return Move([*range(step.rank)], windows, count if is_opening else Fraction(1, count))


def _product(step):
    """[..., i, k] times [..., k, j]. An attribute exchanges the last two axes of an input."""
    if step.output is None or step.rank < 2:
        raise Unknown
    first, rank = step.number == 0, step.rank
    turned = step.flag(*(("transpose_a", "adj_x") if first else ("transpose_b", "adj_y")))
    kept, summed = (rank - 1, rank - 2) if turned == first else (rank - 2, rank - 1)
    outer = broadcast(step)
    windows = {axis: window for axis, window in outer.windows.items() if axis < rank - 2}
    return Move(outer.sources[:-2] + ([kept, None] if first else [None, kept]), {**windows, summed: ALL})


def _einsum(step):
    terms, output = attribute(step.node, "equation").s.decode().replace(" ", "").split("->")
    if "." in terms:
        raise Unknown
    labels = terms.split(",")[step.number]
    gone = {at: ALL for at, label in enumerate(labels) if label not in output or labels.count(label) > 1}
    return Move([labels.index(label) if label in labels else None for label in output], gone)


def _gathered(step):
    """Entries of the values along an axis; the axes of the indices stand in the place of this axis."""
    values, indices = (len(required(shape)) for shape in step.shapes[:2])
    (axis,) = [0] if row(step.node.op).axes is None else step.axes(values)
    shared = attribute(step.node, "batch_dims").i
    if step.number == 0:
        return Move([*range(axis), *[None] * (indices - shared), *range(axis + 1, values)], {axis: None})
    new = [None] * (axis - shared)
    return Move([*range(shared), *new, *range(shared, indices), *[None] * (values - axis - 1)])


def _indexed(step):
    """GatherNd: the last axis of the indices names the first axes of the values."""
    values, indices, output = (len(required(shape)) for shape in (*step.shapes, step.output))
    kept = output - (indices - 1)  # axes of the values
    if step.number == 0:
        return Move([None] * (indices - 1) + list(range(values - kept, values)), dict.fromkeys(range(values - kept)))
    return Move([*range(indices - 1), *[None] * kept], {indices - 1: ALL})


RULES: Dict[str, Rule] = {
    **MOVES,
    "convolution": lambda step: _sliding(step, _kernel(step), ALL),
    "pool": lambda step: _sliding(step, step.integers("ksize")[1:3], Window()),
    "patches": lambda step: _sliding(step, step.integers("ksizes")[1:3], ALL),
    "transposed convolution": _transposed,
    "resized": lambda step: _resized(step, Window()),
    "depth to space": lambda step: _resized(step, ALL),
    "space to depth": _blocks_of_pixels,
    "blocks": _blocks,
    "product": _product,
    "einsum": _einsum,
    "gathered": _gathered,
    "indexed": _indexed,
}

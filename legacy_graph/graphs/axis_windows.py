"""Where the values of an output come from: windows, products and gathers; and the rule of any operation."""

from fractions import Fraction
from typing import Dict, List, Optional

from legacy_graph.graphs.axis_moves import ALL, MOVES, Move, Number, Rule, Step, Window, broadcast, same_axes
from legacy_graph.graphs.op_table import row
from legacy_graph.graphs.operations import attribute


def find_move(step: Step) -> Optional[Move]:
    """The axes of the output of an operation, seen from one input; None if they are unknown."""
    rule = RULES.get(row(step.node.op).moves)
    return rule(step) if rule and step.shape is not None else None


def _apart(window: Optional[Window]) -> Rule:
    """The rule of an operation that works on each entry of axis 0, with one window for all other axes."""
    return lambda step: Move(same_axes(step), dict.fromkeys(same_axes(step)[1:], window))


def _image(step, windows, channels) -> Move:
    """The axes of [B, H, W, C] after windows over height and width. Each image stays by itself."""
    return Move(same_axes(step), {1: windows[0], 2: windows[1], 3: channels})


def _convolution(step):
    return _image(step, _sliding(step, (step.shapes[1] or [None] * 2)[:2]), ALL)


def _pool(step):
    return _image(step, _sliding(step, step.integers("ksize")[1:3]), Window())


def _patches(step):
    return _image(step, _sliding(step, step.integers("ksizes")[1:3]), ALL)


def _sliding(step, sizes) -> List[Optional[Window]]:
    """The windows of these sizes over height and width."""
    windows: List[Optional[Window]] = []
    for at, size in enumerate(sizes, start=1):
        stride, length = step.integers("strides")[at], _length(step, at, size)
        before = _padding_before(step, at, step.shape[at], length, stride)
        windows.append(None if before is None else Window(-before, length - 1, stride))
    return windows


def _length(step, at, size) -> Optional[int]:
    """The length of a window with its dilation; None if it is unknown."""
    rates = step.integers("dilations", "rates") or [1] * 4
    return size and (size - 1) * rates[at] + 1


def _padding_before(step, at, side, length, stride) -> Optional[int]:
    """The padding before an axis of `side` values; None if it depends on `side` and `side` is None."""
    padding = attribute(step.node, "padding").s
    if padding == b"EXPLICIT":
        return step.integers("explicit_paddings")[2 * at]
    if padding == b"VALID":
        return 0
    if length is None or (side is None and stride > 1):
        return None
    side = side or stride
    return max(0, (-(-side // stride) - 1) * stride + length - side) // 2


def _spread(stride: int, length: int, before: Number) -> Window:
    """A window that spreads out the values: output n reads the inputs i with 0 <= n + before - i * stride < length."""
    return Window(Fraction(before - length + 1) / stride, Fraction(length - 1, stride), Fraction(1, stride))


def _transposed(step):
    """A transposed convolution. Its padding is that of the convolution from its output to its input."""
    output, windows = step.output or [None] * 4, []
    for at in (1, 2):
        stride, length = step.integers("strides")[at], _length(step, at, step.shapes[1][at - 1])
        before = _padding_before(step, at, output[at], length, stride)
        windows.append(None if before is None else _spread(stride, length, before))
    return _image(step, windows, ALL)


def _resized(channels: Window) -> Rule:
    """The rule of a resize by a whole factor: a transposed convolution whose window has fixed weights."""

    def rule(step):
        sides = zip(step.shape[1:3], (step.output or [None] * 4)[1:3])
        return _image(step, [_resize(step, side, new) for side, new in sides], channels)

    return rule


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


def _last_axis(step):
    return Move(same_axes(step), {len(step.shape) - 1: ALL})


def _product(step):
    """[..., i, k] times [..., k, j]. An attribute exchanges the last two axes of an input."""
    if step.output is None or len(step.shape) < 2:
        return None
    first, rank = step.number == 0, len(step.shape)
    turned = step.flag(*(("transpose_a", "adj_x") if first else ("transpose_b", "adj_y")))
    kept, summed = (rank - 1, rank - 2) if turned == first else (rank - 2, rank - 1)
    outer = broadcast(step)
    windows = {axis: window for axis, window in outer.windows.items() if axis < rank - 2}
    return Move(outer.sources[:-2] + ([kept, None] if first else [None, kept]), {**windows, summed: ALL})


def _einsum(step):
    terms, output = attribute(step.node, "equation").s.decode().replace(" ", "").split("->")
    if "." in terms:
        return None
    labels = terms.split(",")[step.number]
    gone = {at: ALL for at, label in enumerate(labels) if label not in output or labels.count(label) > 1}
    return Move([labels.index(label) if label in labels else None for label in output], gone)


def _gathered(step):
    """Entries of the values along an axis; the axes of the indices stand in the place of this axis."""
    if None in step.shapes[:2]:
        return None
    values, indices = map(len, step.shapes[:2])
    axes = [0] if row(step.node.op).axes is None else step.axes(values)
    if axes is None:
        return None
    (axis,), shared = axes, attribute(step.node, "batch_dims").i
    if step.number == 0:
        return Move([*range(axis), *[None] * (indices - shared), *range(axis + 1, values)], {axis: None})
    new = [None] * (axis - shared)
    return Move([*range(shared), *new, *range(shared, indices), *[None] * (values - axis - 1)])


def _indexed(step):
    """GatherNd: the last axis of the indices names the first axes of the values."""
    if None in (step.output, *step.shapes):
        return None
    values, indices = map(len, step.shapes)
    kept = len(step.output) - (indices - 1)  # axes of the values
    if step.number == 0:
        return Move([None] * (indices - 1) + list(range(values - kept, values)), dict.fromkeys(range(values - kept)))
    return Move([*range(indices - 1), *[None] * kept], {indices - 1: ALL})


RULES: Dict[str, Rule] = {
    **MOVES,
    "images": _apart(None), "positions": _apart(Window()), "convolution": _convolution, "pool": _pool,
    "patches": _patches, "transposed convolution": _transposed, "resized": _resized(Window()),
    "depth to space": _resized(ALL), "space to depth": _blocks_of_pixels, "last axis": _last_axis, "product": _product,
    "einsum": _einsum, "gathered": _gathered, "indexed": _indexed,
}  # fmt: skip

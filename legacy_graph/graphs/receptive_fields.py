"""感受野 (receptive field) in a graph with branches, dilation, transposed convolutions and transposed axes.

The column `field` of the table of operations names the rule of each operation, one function here.
"""

from typing import Callable, Dict, List, NamedTuple, Tuple

import tensorflow.compat.v1 as tf

from legacy_graph.article.receptive_field import Fields
from legacy_graph.graphs import axis_windows
from legacy_graph.graphs.axis_moves import MOVES, find_move
from legacy_graph.graphs.axis_windows import EVERYTHING, Axes, Axis, Shape, shift, union, without_axes
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.nodes import node_name
from legacy_graph.graphs.op_table import SHAPES, row
from legacy_graph.graphs.operations import attribute
from legacy_graph.graphs.tensor_types import TensorType

_AFTER_MIRROR = ("elementwise", "channels", "convolution", "pool", "transpose")


class _Step(NamedTuple):
    """A node, and what is known of its inputs and its output."""

    nodes: Graph
    node: tf.NodeDef
    many: List[Axes]  # of the inputs that depend on the images
    shapes: List[Shape]  # of the same inputs
    output: Shape
    types: Dict[str, TensorType]

    def constant(self, position):
        return self.nodes.constant(self.node.input[position])

    def integers(self, key):
        return list(attribute(self.node, key).list.i)


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
        if nodes.by_name[name].op in SHAPES or name == input or types[name].dtype is None:
            continue
        sources = [source for source in nodes.data_inputs(name) if source in known]
        if sources:
            known[name] = _through(nodes, nodes.by_name[name], sources, known, types)
            if known[name] is None:
                lost[name] = next((lost[source] for source in sources if source in lost), name)
    whole = [side and Axis(side=side).whole() for side in sides]
    # An axis that Squeeze removed and ExpandDims inserted again, as around 1-D convolutions.
    inserted = [Axis(1, 0, 0, side=1) if side == 1 else None for side in sides]
    in_pixels = {}
    for name, axes in known.items():
        if axes == EVERYTHING:
            axes = [None, *whole, None]
        if axes and len(axes) == 4 and not axes[0] and not axes[3]:
            along = [axis or new for axis, new in zip(axes[1:3], inserted)]
            fields = [axis and axis.to_field() for axis in along]
            swapped = any(axis and axis.number not in (0, at) for at, axis in enumerate(along, start=1))
            if all(fields) and not swapped:
                in_pixels[name] = tuple(fields)
    return in_pixels, lost


def _through(nodes, node, sources, known, types) -> Axes:
    """The axes of a node's output, computed from the axes of its inputs."""
    many = [known[source] for source in sources]
    if EVERYTHING in many:
        return EVERYTHING
    rule = row(node.op).field
    mirrored = any(axis and axis.mirrored for axes in many for axis in axes or ())
    if None in many or rule not in _RULES or (mirrored and rule not in _AFTER_MIRROR):
        return None
    shapes, output = [types[source].shape for source in sources], types[node.name].shape
    return _RULES[rule](_Step(nodes, node, many, shapes, output, types))


def _moved(step, rule=None):
    """The axes move or shift; those whose positions are combined become complete."""
    axes = union(step.many)
    move = find_move(rule or row(step.node.op).field, step.node, step.shapes[0], step.output, step.constant)
    if axes is None or move is None:
        return None
    new = {at: axes[at].whole() for at in move.mixed if axes[at]}
    new.update({at: _placed(axes[at], *place) for at, place in move.places.items() if axes[at]})
    if None in new.values():
        return None
    axes = [new.get(at, axis) for at, axis in enumerate(axes)]
    kept = without_axes(axes, set(range(len(axes))) - set(move.sources))
    return kept and [None if at is None else axes[at] for at in move.sources]


def _placed(axis, begin, stride):
    """The axis after a slice or a padding; None if it is unknown."""
    return None if stride < 1 or axis.spread > 1 else shift(axis, begin)._replace(step=axis.step * stride)


def _elementwise(step):
    """A single position that is broadcast reaches all positions."""
    return union([axis_windows.broadcast(axes, shape, step.output) for axes, shape in zip(step.many, step.shapes)])


def _channels(step):
    """Join or divide along an axis that is neither height nor width."""
    axis, axes = step.constant(row(step.node.op).axes), union(step.many)
    return axes if axis is not None and axes and axes[int(axis)] is None else None


def _convolution(step):
    window = step.types[node_name(step.node.input[1])].shape[:2]
    dilations = step.integers("dilations") or [1] * 4
    return axis_windows.windowed(step.node, step.many[0], step.shapes[0], [1, *window, 1], dilations)


def _pool(step):
    return axis_windows.windowed(step.node, step.many[0], step.shapes[0], step.integers("ksize"), [1] * 4)


def _patches(step):
    return axis_windows.windowed(
        step.node, step.many[0], step.shapes[0], step.integers("ksizes"), step.integers("rates")
    )


def _transposed_convolution(step):
    kernel = step.types[node_name(step.node.input[1])].shape
    return axis_windows.transposed(step.node, step.many[0], kernel, step.output or [None] * 4)


def _resize(step):
    return axis_windows.resized(step.node, step.many[0], step.shapes[0], step.output or [None] * 4)


def _joined(step):
    axes = step.many[0]
    return axis_windows.joined(axes, attribute(step.node, "block_size").i) if axes[3] is None else None


def _blocks(step):
    """SpaceToBatchND or BatchToSpaceND, which surround a dilated convolution of TensorFlow 1."""
    block, before, result = step.constant(1), step.constant(2), list(step.many[0])
    if block is None or before is None:
        return None
    opening = step.node.op == "SpaceToBatchND"
    for position, (size, (pad, after)) in enumerate(zip(block.tolist(), before.tolist()), start=1):
        axis = result[position]
        if size == 1 and pad == after == 0:
            continue  # the rows of a 1-D convolution
        if axis is None:
            return None
        result[position] = shift(axis, -pad if opening else pad)._replace(spread=size if opening else 1)
    return result


def _mirrored(step):
    """A padding with reflections."""
    axes, pads = _moved(step, "padded"), step.constant(1)
    return axes and [axis and axis._replace(mirrored=max(pad)) for axis, pad in zip(axes, pads.tolist())]


def _reshape(step):
    return axis_windows.reshaped(step.many[0], step.shapes[0], step.output)


_RULES: Dict[str, Callable[[_Step], Axes]] = {
    **dict.fromkeys(MOVES, _moved),
    "elementwise": _elementwise, "channels": _channels, "convolution": _convolution, "pool": _pool,
    "patches": _patches, "transposed convolution": _transposed_convolution, "resize": _resize, "joined": _joined,
    "blocks": _blocks, "mirrored": _mirrored, "reshape": _reshape,
}  # fmt: skip

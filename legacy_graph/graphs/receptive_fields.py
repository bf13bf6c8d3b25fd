"""感受野 (receptive field) in a graph with branches, dilation, transposed convolutions and transposed axes."""

from typing import Dict, List, Optional

import numpy as np

from legacy_graph.article.receptive_field import Fields
from legacy_graph.graphs.axis_windows import Axes, Axis, joined, resized, shift, transposed, windowed
from legacy_graph.graphs.nodes import SHAPE_OPERATIONS, Nodes, node_name
from legacy_graph.graphs.operations import ELEMENTWISE, attribute
from legacy_graph.graphs.tensor_types import TensorType

_POOLS = {"MaxPool", "AvgPool"}
_CONVOLUTIONS = {"Conv2D", "DepthwiseConv2dNative"}
_AFTER_MIRROR = _POOLS | _CONVOLUTIONS | {"Transpose"}
# Operations that join or divide along one axis: the position of the input with this axis.
_CHANNELS = {"Concat": 0, "ConcatV2": -1, "Split": 0, "SplitV": 2}


def receptive_fields(nodes: Nodes, input: str, types: Dict[str, TensorType]) -> Dict[str, Fields]:
    """The receptive field in the input of one position of each tensor.

    Args:
        nodes: of the graph, NHWC.
        input: name of the placeholder [B, H, W, C].
        types: of all tensors; a height or width may be None.

    Returns:
        {node name: fields}, without tensors whose field is unknown. A step of 0 means that each position depends on the
        complete axis. If an image side is unknown, the field after a strided SAME window is unknown: its padding
        depends on the side.
    """
    sides = (types[input].shape or [None] * 4)[1:3]
    known: Dict[str, Axes] = {input: [None, *(Axis(side=side) for side in sides), None]}
    for name in nodes.order:
        if nodes.by_name[name].op in SHAPE_OPERATIONS:
            continue
        sources = [source for source in nodes.data_inputs(name) if source in known]
        if sources and name != input and types[name].dtype is not None:
            known[name] = _through(nodes, nodes.by_name[name], sources, known, types)
    # An axis that Squeeze removed and ExpandDims inserted again, as around 1-D convolutions.
    inserted = [Axis(1, 0, 0, side=1) if side == 1 else None for side in sides]
    found = {}
    for name, axes in known.items():
        if axes and len(axes) == 4 and not axes[0] and not axes[3]:
            along = [axis or new for axis, new in zip(axes[1:3], inserted)]
            fields = [axis and axis.to_field() for axis in along]
            if all(fields):
                found[name] = tuple(fields)
    return found


def _through(nodes, node, sources, known, types) -> Axes:
    """The axes of a node's output, computed from the axes of its inputs."""
    if any(known[source] is None for source in sources):
        return None
    axes = known[sources[0]]
    if node.op in ELEMENTWISE:
        return _union([_broadcast(known[source], types[source].shape, types[node.name].shape) for source in sources])
    if node.op in _CHANNELS:
        axis = nodes.constant(node.input[_CHANNELS[node.op]])
        union = _union([known[source] for source in sources])
        return union if axis is not None and union and union[int(axis)] is None else None
    if len(set(sources)) > 1 or (node.op not in _AFTER_MIRROR and any(axis and axis.mirrored for axis in axes)):
        return None
    shape = types[sources[0]].shape
    if node.op in _CONVOLUTIONS:
        window = types[node_name(node.input[1])].shape[:2]
        dilations = list(attribute(node, "dilations").list.i) or [1] * 4
        return windowed(node, axes, shape, [1, *window, 1], dilations)
    if node.op in _POOLS:
        return windowed(node, axes, shape, list(attribute(node, "ksize").list.i), [1] * 4)
    if node.op == "ExtractImagePatches":
        windows, dilations = (list(attribute(node, key).list.i) for key in ("ksizes", "rates"))
        return windowed(node, axes, shape, windows, dilations)
    if node.op == "Conv2DBackpropInput":
        return transposed(node, axes, types[node_name(node.input[1])].shape, types[node.name].shape or [None] * 4)
    if node.op in ("ResizeNearestNeighbor", "ResizeBilinear", "DepthToSpace"):
        return resized(node, axes, shape, types[node.name].shape or [None] * 4)
    if node.op in ("SpaceToBatchND", "BatchToSpaceND"):
        return _blocked(nodes, node, axes)
    if node.op == "SpaceToDepth" and axes[3] is None:
        return joined(axes, attribute(node, "block_size").i)
    if node.op in ("Slice", "StridedSlice"):
        return _sliced(nodes, node, axes, shape)
    if node.op in ("Pad", "PadV2", "MirrorPad"):
        return _padded(nodes, node, axes)
    return _rearranged(nodes, node, axes)


def _blocked(nodes, node, axes) -> Axes:
    """The axes after SpaceToBatchND or BatchToSpaceND, which surround a dilated convolution of TensorFlow 1."""
    block, before = nodes.constant(node.input[1]), nodes.constant(node.input[2])
    if block is None or before is None:
        return None
    result = list(axes)
    for position, (size, (pad, _)) in enumerate(zip(block.tolist(), before.tolist()), start=1):
        axis = result[position]
        if axis is None:
            return None
        opening = node.op == "SpaceToBatchND"
        result[position] = shift(axis, -pad if opening else pad)._replace(spread=size if opening else 1)
    return result


def _padded(nodes, node, axes) -> Axes:
    """The axes after a padding with zeros or with reflections."""
    pads = nodes.constant(node.input[1])
    if pads is None:
        return None
    mirrored = [max(pad) if node.op == "MirrorPad" else 0 for pad in pads.tolist()]
    return [
        axis and shift(axis, -before)._replace(mirrored=places)
        for axis, (before, _), places in zip(axes, pads, mirrored)
    ]


def _sliced(nodes, node, axes, shape) -> Axes:
    """The axes after a slice [:, a:b:c, ...] with constant bounds that keeps all axes."""
    begins = nodes.constant(node.input[1])
    steps = nodes.constant(node.input[3]) if node.op == "StridedSlice" else np.ones(len(axes), int)
    masks = {key: attribute(node, f"{key}_mask").i for key in ("begin", "ellipsis", "new_axis", "shrink_axis")}
    if begins is None or steps is None or masks["ellipsis"] or masks["new_axis"] or masks["shrink_axis"]:
        return None
    result = list(axes)
    for position, (begin, step) in enumerate(zip(begins.tolist(), steps.tolist())):
        axis, side = axes[position], shape[position]
        begin = 0 if masks["begin"] >> position & 1 else begin
        if axis is None:
            continue
        if step < 0 or axis.spread > 1 or (begin < 0 and side is None):
            return None
        begin = begin + side if begin < 0 else begin
        result[position] = shift(axis, begin)._replace(step=axis.step * step)
    return result


def _rearranged(nodes, node, axes) -> Axes:
    """The axes after an operation that moves or keeps axes; None for any other operation."""
    if node.op == "Transpose":
        order = nodes.constant(node.input[1])
        return None if order is None else [axes[position] for position in order]
    if node.op == "ExpandDims":
        position = nodes.constant(node.input[1])
        if position is None:
            return None
        position = int(position) % (len(axes) + 1)
        return axes[:position] + [None] + axes[position:]
    if node.op == "Squeeze":
        gone = {position % len(axes) for position in attribute(node, "squeeze_dims").list.i}
        return [axis for position, axis in enumerate(axes) if position not in gone] if gone else None
    if node.op in ("LRN", "Softmax", "LogSoftmax"):
        return axes if axes[-1] is None else None
    if node.op in ("Mean", "Sum", "Max", "Min") and attribute(node, "keep_dims").b:
        over = nodes.constant(node.input[1])
        return None if over is None else _reduced(axes, {int(position) % len(axes) for position in over.ravel()})
    return None


def _reduced(axes, over) -> Axes:
    """The axes after a reduction over some of them that keeps their number."""
    result = [axis and axis.whole() if position in over else axis for position, axis in enumerate(axes)]
    return None if any(axis and not new for axis, new in zip(axes, result)) else result


def _broadcast(axes, shape, output) -> Axes:
    """The axes of an operand: a single position that is broadcast reaches all positions, so it gets the whole axis."""
    result = list(axes)
    for position, axis in enumerate(axes):
        if axis and shape and output and len(shape) == len(output) and shape[position] == 1 != output[position]:
            result[position] = axis.whole()
            if result[position] is None:
                return None
    return result


def _union(many: List[Axes]) -> Axes:
    """The union of the fields of several branches; None if their strides differ. A complete axis contains any field."""
    if None in many:
        return None
    rank = max(len(axes) for axes in many)
    if any(len(axes) != rank for axes in many):
        return None
    result: List[Optional[Axis]] = []
    for along in zip(*many):
        if all(axis is None for axis in along):
            result.append(None)
        elif any(axis is not None and axis.step == 0 for axis in along):
            result.append(next(axis for axis in along if axis is not None and axis.step == 0))
        elif None in along or len({(axis.step, axis.spread, axis.mirrored) for axis in along}) > 1:
            return None
        else:
            begin = min(axis.begin for axis in along)
            end = max(axis.begin + axis.size for axis in along)
            result.append(along[0]._replace(begin=begin, size=end - begin))
    return result

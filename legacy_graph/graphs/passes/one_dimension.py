"""1-D convolutions: a Conv2D between ExpandDims and Squeeze. Bias and activation read the squeezed tensor [B, W, C].

A 1-D pool expands this tensor again, often at another axis than the convolution does: to [B, W, 1, C]. A dilated 1-D
convolution of TensorFlow 1 lies between SpaceToBatchND and BatchToSpaceND of [B, W, C].
"""

from typing import Dict, List, Set, Tuple

import tensorflow.compat.v1 as tf

from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.nodes import constant, new_node, node_name
from legacy_graph.graphs.op_table import COMPARISONS, CONVOLUTIONS, ELEMENTWISE, SOURCES, of_kind
from legacy_graph.graphs.operations import attribute

_VARIABLES = of_kind("variable", "resource")
_POOLS = of_kind("max pool", "average pool")
_MOVABLE = ELEMENTWISE - COMPARISONS - of_kind("cast")  # of any shape, with output of the type T
Axes = Tuple[int, ...]
_INT32 = tf.int32.as_datatype_enum


def move_squeezes(graph: Graph) -> List[str]:
    """Move the Squeeze of each 1-D convolution behind its blocks, bias, batch norm, activation, pools and sums.

    Then the tensors of these operations are [B, 1, W, C]: the operations belong to the layer, and the output of a
    residual block is a layer, as in 2-D. The values do not change.
    """
    _move_before_blocks(graph)
    _move_behind(graph, *_find_movable(graph))
    return []


def _move_before_blocks(graph):
    """Replace SpaceToBatchND, ExpandDims with ExpandDims, SpaceToBatchND, so that images [B, 1, W, C] can enter."""
    names = [name for name in graph.order if graph.by_name[name].op == "ExpandDims" and _reads_blocks(graph, name)]
    for name in names:
        blocks, axis = graph.by_name[graph.data_inputs(name)[0]], graph.constant(graph.by_name[name].input[1])
        graph.redirect({name: blocks.name})
        graph.connect(name, 0, blocks.input[0])
        graph.connect(blocks.name, 0, name)
        if axis % 4 == 1:
            _insert_rows(graph, blocks.name)


def _reads_blocks(graph, name):
    """Whether an ExpandDims alone reads a SpaceToBatchND, and inserts axis 1 or 2."""
    source, axis = graph.by_name[graph.data_inputs(name)[0]], graph.constant(graph.by_name[name].input[1])
    is_only_reader = source.op == "SpaceToBatchND" and len(graph.consumers[source.name]) == 1
    return is_only_reader and axis is not None and axis % 4 in (1, 2)


def _find_movable(graph) -> Tuple[Dict[str, Axes], Dict[str, str], Dict[str, str]]:
    """What a Squeeze can be moved behind.

    Returns:
        {node: the axes of [B, H, W, C] that its tensor lacks}, for each Squeeze of a convolution or a pool, and for
        each operation that can take the tensor with these axes.
        {pool: the ExpandDims before it}, for each pool that can take the tensor before this node and its Squeeze.
        {tensor [B, W, C]: the ExpandDims after it}, for each that a convolution reads so, such as the images.
    """
    axes: Dict[str, Axes] = {}
    pools: Dict[str, str] = {}
    rows: Dict[str, str] = {}
    for name in graph.order:
        node, sources = graph.by_name[name], graph.data_inputs(name)
        if node.op == "Squeeze":
            if sources[0] in pools:
                axes[name] = _lacks(graph, axes, graph.data_inputs(pools[sources[0]])[0])
            elif graph.by_name[sources[0]].op in CONVOLUTIONS and _squeezed(node):
                axes[name] = _squeezed(node)
        elif node.op in _POOLS:
            if _is_movable_pool(graph, axes, node):
                pools[name] = sources[0]
        elif node.op == "ExpandDims" and any(reader.op in CONVOLUTIONS for reader in graph.consumers[name]):
            rows[sources[0]] = name
        elif len({axes[source] for source in sources if source in axes}) == 1:
            lacks = next(axes[source] for source in sources if source in axes)
            others = [source for source in sources if source not in axes]
            others = [
                each for each in others if each not in rows or _inserted(graph, graph.by_name[rows[each]]) != lacks
            ]
            is_elementwise = node.op in _MOVABLE and all(_is_vector(graph, source) for source in others)
            if is_elementwise or (node.op == "BatchToSpaceND" and sources[0] in axes):
                axes[name] = lacks
    return axes, pools, rows


def _is_movable_pool(graph, axes, pool):
    """Whether a pool lies between an ExpandDims of a tensor that lacks one axis, and the Squeeze of the same axis."""
    expand = graph.by_name[node_name(pool.input[0])]
    if expand.op != "ExpandDims" or attribute(pool, "data_format").s != b"NHWC":
        return False
    if attribute(pool, "padding").s == b"EXPLICIT":  # of the axes before the move
        return False
    after = {_squeezed(reader) for reader in graph.consumers[pool.name]}
    return len(_lacks(graph, axes, node_name(expand.input[0]))) == 1 and after == {_inserted(graph, expand)}


def _lacks(graph, axes, name) -> Axes:
    return axes.get(name) or _squeezed(graph.by_name[name])


def _squeezed(node) -> Axes:
    """The axes of [B, H, W, C] that a Squeeze removes, 1 or 2 or both; () for any other node."""
    removed = tuple(sorted(axis % 4 for axis in node.attr["squeeze_dims"].list.i)) if node.op == "Squeeze" else ()
    return removed if set(removed) <= {1, 2} else ()


def _inserted(graph, node) -> Axes:
    """The axis of [B, H, W, C] that an ExpandDims inserts, 1 or 2; () if it is not constant."""
    axis = graph.constant(node.input[1])
    return () if axis is None else (int(axis) % 4,)


def _move_behind(graph, axes, pools, rows):
    """Let what `_find_movable` returns read tensors [B, H, W, C]; a Squeeze after it serves all other readers."""
    moved = [name for name in axes if graph.by_name[name].op != "Squeeze"]
    squeezes = [name for name in axes if graph.by_name[name].op == "Squeeze" and graph.consumers[name]]
    squeezes += [f"{name}/squeezed" for name in moved]
    graph.redirect({name: f"{name}/squeezed" for name in moved})
    graph.expand({name: [graph.by_name[name], _new_squeeze(graph, name, axes[name])] for name in moved})
    _move_pools(graph, pools)
    whole = {name: graph.by_name[name].input[0] for name in squeezes}
    inserted = {}  # ExpandDims that a Squeeze of the same axis precedes -> the tensor before both
    for name, node in graph.by_name.items():
        squeeze = node_name(node.input[0]) if node.op == "ExpandDims" else None
        if squeeze in whole and _inserted(graph, node) == _squeezed(graph.by_name[squeeze]):
            inserted[name] = whole[squeeze]
    graph.redirect(inserted)
    whole.update({source: name for source, name in rows.items() if source not in axes})
    for name in moved:
        for position, source in enumerate(graph.data_inputs(name)):
            if source in whole:
                graph.connect(name, position, whole[source])
        if graph.by_name[name].op == "BatchToSpaceND" and axes[name] == (1,):
            _insert_rows(graph, name)
    unread: Set[str] = set()
    for name in [*pools.values(), *inserted, *squeezes]:
        if {reader.name for reader in graph.consumers[name]} <= unread:
            unread.add(name)
    graph.keep(graph.by_name.keys() - unread)


def _new_squeeze(graph, name, axes):
    squeeze = new_node("Squeeze", f"{name}/squeezed", [name], T=attribute(graph.by_name[name], "T"))
    squeeze.attr["squeeze_dims"].list.i[:] = axes
    return squeeze


def _move_pools(graph, pools):
    """Let each pool read the tensor before the Squeeze and the ExpandDims; it combines the same values as before."""
    consumers = graph.consumers
    for name, expand in pools.items():
        pool, squeeze = graph.by_name[name], graph.by_name[graph.data_inputs(expand)[0]]
        lacks = _squeezed(squeeze)
        graph.connect(name, 0, squeeze.input[0])
        for reader in consumers[name]:
            graph.edit(reader.name).attr["squeeze_dims"].list.i[:] = lacks
        if lacks != _inserted(graph, graph.by_name[expand]):
            for key in ("ksize", "strides"):
                sides = pool.attr[key].list.i
                sides[1], sides[2] = sides[2], sides[1]


def _insert_rows(graph, name):
    """Let blocks of [B, W, C] take [B, 1, W, C]: one block without padding for the axis of the rows comes first."""
    node = graph.by_name[name]
    for position, first in ((1, [1]), (2, [[0, 0]])):
        value, joined = graph.constant(node.input[position]), f"{name}/with_rows_{position}"
        pads = "Tpaddings" if node.op == "SpaceToBatchND" else "Tcrops"
        kind = attribute(node, "Tblock_shape" if position == 1 else pads)
        if value is not None:
            graph.add(constant(joined, first + value.tolist(), kind.type))
        else:  # computed from the width of the images
            rows, axis = constant(f"{joined}/rows", first, kind.type), constant(f"{joined}/axis", 0, _INT32)
            graph.add(rows, axis)
            inputs, integer = [rows.name, node.input[position], axis.name], tf.AttrValue(type=_INT32)
            graph.add(new_node("ConcatV2", joined, inputs, N=tf.AttrValue(i=2), T=kind, Tidx=integer))
        graph.connect(name, position, joined)


def _is_vector(graph, name):
    """Whether a node is computed from constants and variables of rank 0 or 1 alone, as the factor of a batch norm.

    It then has the same meaning before and after.
    """
    seen, waiting = set(), [name]
    while waiting:
        name = waiting.pop()
        node = graph.by_name[name]
        if node.op == "Const":
            is_vector = len(node.attr["value"].tensor.tensor_shape.dim) < 2
        elif node.op in _VARIABLES:
            shape = node.attr["shape"].shape
            is_vector = not shape.unknown_rank and len(shape.dim) < 2
        else:
            is_vector = node.op == "ReadVariableOp" or (node.op in ELEMENTWISE and node.op not in SOURCES)
        if not is_vector:
            return False
        if name not in seen:
            seen.add(name)
            waiting += graph.data_inputs(name)
    return True

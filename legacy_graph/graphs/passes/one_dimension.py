"""1-D convolutions: a Conv2D between ExpandDims and Squeeze. Bias and activation read the squeezed tensor [B, W, C].

A 1-D pool expands this tensor again, often at another axis than the convolution does: to [B, W, 1, C]. A dilated 1-D
convolution of TensorFlow 1 lies between SpaceToBatchND and BatchToSpaceND of [B, W, C].
"""

from typing import Dict, List, Set, Tuple

import tensorflow.compat.v1 as tf

from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.nodes import constant, new_node
from legacy_graph.graphs.op_table import COMPARISONS, CONVOLUTIONS, ELEMENTWISE, SOURCES, of_kind
from legacy_graph.graphs.operations import attribute
from legacy_graph.graphs.tensor_types import declared_type

_VARIABLES = of_kind("variable", "resource", "constant")
_POOLS = of_kind("max pool", "average pool")
_MOVABLE = ELEMENTWISE - COMPARISONS - of_kind("cast")  # of any shape, with output of the type T
Axes = Tuple[int, ...]


def move_squeezes(graph: Graph) -> List[str]:
    """Move the Squeeze of each 1-D convolution behind its blocks, bias, batch norm, activation, pools and sums.

    Then the tensors of these operations are [B, 1, W, C]: the operations belong to the layer, and the output of a
    residual block is a layer, as in 2-D. The values do not change.
    """
    _move_before_blocks(graph)
    mover = _Mover(graph)
    for name in graph.order:
        mover.visit(graph.by_name[name])
    # A Squeeze stays beside its node, because a gradient adds its terms in the order of the nodes.
    graph.expand(mover.moved)
    mover.remove_unread()
    return []


def _move_before_blocks(graph):
    """Replace SpaceToBatchND, ExpandDims with ExpandDims, SpaceToBatchND, so that images [B, 1, W, C] can enter."""
    for name in graph.names(["ExpandDims"]):
        blocks, axes = graph.by_name[graph.data_inputs(name)[0]], _inserted(graph, name)
        if blocks.op == "SpaceToBatchND" and len(graph.consumers[blocks.name]) == 1 and axes in ((1,), (2,)):
            graph.redirect({name: blocks.name})
            graph.connect(name, 0, blocks.input[0])
            graph.connect(blocks.name, 0, name)
            if axes == (1,):
                _insert_rows(graph, blocks.name)


class _Mover:
    """Moves each Squeeze behind the next node, as far as possible, while it visits the nodes in their order."""

    def __init__(self, graph):
        self.graph, self.readers = graph, graph.consumers
        self.lacks: Dict[str, Axes] = {}  # {Squeeze: the axes of [B, H, W, C] that it removes}
        # {(that Squeeze, or a tensor that a convolution reads with new axes; these axes): the tensor [B, H, W, C]}
        self.whole: Dict[Tuple[str, Axes], str] = {}
        self.vectors: Set[str] = set()  # of rank 0 or 1, from constants and variables: they need no other axes
        self.pools: Set[str] = set()  # that read a tensor before a Squeeze
        self.moved: Dict[str, List[tf.NodeDef]] = {}  # {node: itself and the Squeeze that is now behind it}
        self.replaced: List[str] = []  # nodes that may have lost all their readers

    def visit(self, node):
        """Move the Squeeze before a node behind it, if this changes no value."""
        name, sources = node.name, self.graph.data_inputs(node.name)
        axes = {self.lacks[source] for source in sources if source in self.lacks}
        if self._is_vector(node, sources):
            self.vectors.add(name)
        elif node.op == "Squeeze":
            if _squeezed(node) and (self.graph.by_name[sources[0]].op in CONVOLUTIONS or sources[0] in self.pools):
                self._record(name, node.input[0], _squeezed(node))
                self.replaced += [name] * bool(self.readers[name])
        elif node.op == "ExpandDims":
            self._insert(node, sources[0])
        elif len(axes) == 1 and self._is_movable(node, sources, *axes):
            self._move_behind(node, sources, *axes)

    def _record(self, squeeze, whole, axes):
        self.lacks[squeeze], self.whole[squeeze, axes] = axes, whole

    def _is_vector(self, node, sources):
        if node.op in _VARIABLES:
            shape = declared_type(node).shape
            return shape is not None and len(shape) < 2
        is_computed = node.op == "ReadVariableOp" or node.op in ELEMENTWISE - SOURCES
        return is_computed and self.vectors.issuperset(sources)

    def _is_movable(self, node, sources, axes):
        others = {source for source in sources if (source, axes) not in self.whole}
        is_blocks = node.op == "BatchToSpaceND" and sources[0] in self.lacks
        return is_blocks or (node.op in _MOVABLE and others <= self.vectors)

    def _insert(self, expand, source):
        """Replace an ExpandDims after the Squeeze of the same axis by the tensor before both."""
        name, inserted, readers = expand.name, _inserted(self.graph, expand.name), self.readers[expand.name]
        lacks = self.lacks.get(source)
        if lacks and (lacks == inserted or self._turn_pools(readers, lacks, inserted)):
            self._replace(name, self.whole[source, lacks])
            self.pools.update(reader.name for reader in readers if reader.op in _POOLS)
            self.replaced.append(name)
        elif not lacks and any(reader.op in CONVOLUTIONS for reader in readers):
            self.whole[source, inserted] = name

    def _turn_pools(self, pools, lacks, inserted):
        """Let pools over the axis W of [B, W, 1, C] combine the same values of [B, 1, W, C], and the reverse."""
        after = [reader for pool in pools for reader in self.readers[pool.name]]
        is_turnable = len(lacks) == 1 and inserted in ((1,), (2,)) and all(map(_is_turnable, pools))
        if not is_turnable or {_squeezed(reader) for reader in after} != {inserted}:
            return False
        for pool in pools:
            for key in ("ksize", "strides"):
                sides = self.graph.edit(pool.name).attr[key].list.i
                sides[1], sides[2] = sides[2], sides[1]
        for reader in after:
            self.graph.edit(reader.name).attr["squeeze_dims"].list.i[:] = lacks
        return True

    def _move_behind(self, node, sources, axes):
        squeeze = new_node("Squeeze", f"{node.name}/squeezed", [node.name], T=attribute(node, "T"))
        squeeze.attr["squeeze_dims"].list.i[:] = axes
        self._replace(node.name, squeeze.name)
        for position, source in enumerate(sources):
            if (source, axes) in self.whole:
                self.graph.connect(node.name, position, self.whole[source, axes])
        self.graph.add(squeeze)
        self._record(squeeze.name, node.name, axes)
        self.moved[node.name] = [node, squeeze]
        self.replaced.append(squeeze.name)
        if node.op == "BatchToSpaceND" and axes == (1,):
            _insert_rows(self.graph, node.name)

    def _replace(self, name, reference):
        for reader in self.readers[name]:
            for position, source in enumerate(self.graph.data_inputs(reader.name)):
                if source == name:
                    self.graph.connect(reader.name, position, reference)

    def remove_unread(self):
        """Remove the nodes that the moves left without readers: they would count as readers of a layer."""
        unread: Set[str] = set()
        for name in reversed(self.replaced):
            if {reader.name for reader in self.graph.consumers[name]} <= unread:
                unread.add(name)
        self.graph.keep(self.graph.by_name.keys() - unread)


def _is_turnable(pool):
    """Whether a node is a pool in NHWC order; an explicit padding is of the axes before the move."""
    is_nhwc = pool.op in _POOLS and attribute(pool, "data_format").s == b"NHWC"
    return is_nhwc and attribute(pool, "padding").s != b"EXPLICIT"


def _squeezed(node) -> Axes:
    """The axes of [B, H, W, C] that a Squeeze removes, 1 or 2 or both; () for any other node."""
    removed = tuple(sorted(axis % 4 for axis in node.attr["squeeze_dims"].list.i)) if node.op == "Squeeze" else ()
    return removed if set(removed) <= {1, 2} else ()


def _inserted(graph, name) -> Axes:
    """The axis of [B, H, W, C] that an ExpandDims inserts; () if it is not constant."""
    axis = graph.constant(graph.by_name[name].input[1])
    return () if axis is None else (int(axis) % 4,)


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
            rows, axis = constant(f"{joined}/rows", first, kind.type), constant(f"{joined}/axis", 0)
            graph.add(rows, axis)
            inputs = [rows.name, node.input[position], axis.name]
            graph.add(new_node("ConcatV2", joined, inputs, N=tf.AttrValue(i=2), T=kind, Tidx=tf.int32))
        graph.connect(name, position, joined)

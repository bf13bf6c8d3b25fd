"""Convert a graph with NCHW convolutions to NHWC: TensorFlow has no NCHW convolution for CPUs."""

from typing import List, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.graphs.inspect import CONVOLUTIONS
from legacy_graph.graphs.nodes import Nodes, constant, identity, new_node, node_name
from legacy_graph.graphs.operations import ELEMENTWISE, attribute
from legacy_graph.graphs.tensor_types import infer_types

TO_NHWC, TO_NCHW = [0, 2, 3, 1], [0, 3, 1, 2]
_INT32 = tf.int32.as_datatype_enum
_REDUCTIONS = ("Mean", "Sum", "Max", "Min")


def to_nhwc(graph_def: tf.GraphDef, input: str) -> Tuple[tf.GraphDef, List[str]]:
    """Convert NCHW layers to NHWC. Node names are unchanged; NCHW tensors become NHWC.

    Args:
        graph_def: frozen, of any layout; changed in place.
        input: name of the placeholder. It becomes NHWC too.

    Returns:
        The graph, and a sentence if it was changed.
    """
    nodes = Nodes(graph_def)
    nchw = [name for name in nodes.order if _is_nchw(nodes.by_name[name])]
    dependent = nodes.dependents([input])
    convolutions = [name for name in nodes.order if nodes.by_name[name].op in CONVOLUTIONS and name in dependent]
    way = nodes.ancestors((nchw or convolutions)[:1]) & dependent
    orders = [nodes.constant(nodes.by_name[name].input[1]) for name in way if nodes.by_name[name].op == "Transpose"]
    to_nhwc_first = len(orders) == 1 and orders[0] is not None and orders[0].tolist() == TO_NHWC
    if not nchw and not to_nhwc_first:
        return graph_def, []
    converter = _Converter(graph_def, nodes)
    if not orders or to_nhwc_first:
        converter.convert_placeholder(input)
    for name in nodes.order:
        if name != input:
            converter.convert(nodes.by_name[name])
    changed = "convolutions of the graph run as NHWC" if nchw else "input of the graph takes NHWC images"
    return graph_def, [f"The NCHW {changed}."]


def _is_nchw(node):
    return "data_format" in node.attr and node.attr["data_format"].s == b"NCHW"


class _Converter:
    """Converts nodes in topological order, and records the names of the nodes whose output 0 is now NHWC."""

    def __init__(self, graph_def, nodes):
        self.graph_def, self.nodes, self.types = graph_def, nodes, infer_types(graph_def)
        self.converted, self.added = set(), set()

    def convert_placeholder(self, name):
        shape = self.nodes.by_name[name].attr["shape"].shape
        sides = [dim.size for dim in shape.dim]
        for dim, position in zip(shape.dim, TO_NHWC):
            dim.size = sides[position]
        self.converted.add(name)

    def convert(self, node):
        """Convert one node; if it cannot be converted, transpose its inputs back to NCHW."""
        sources = self.nodes.data_inputs(node.name)
        if _is_nchw(node):
            self._convert_windows(node)
        elif node.op == "Transpose" and self._is_order(node, TO_NCHW) and sources[0] not in self.converted:
            self._pass_on(node)
            self.converted.add(node.name)
        elif node.op == "Transpose" and self._is_order(node, TO_NHWC) and sources[0] in self.converted:
            self._pass_on(node)
        elif self.converted.intersection(sources) and not self._convert_places(node):
            for position, source in enumerate(sources):
                if source in self.converted:
                    node.input[position] = self._transposed(node.input[position], TO_NCHW)

    def _convert_windows(self, node):
        node.attr["data_format"].s = b"NHWC"
        for key in ("strides", "ksize", "dilations"):
            if key in node.attr:
                _reorder(node.attr[key].list.i, TO_NHWC)
        if "explicit_paddings" in node.attr and node.attr["explicit_paddings"].list.i:
            _reorder(node.attr["explicit_paddings"].list.i, [2 * n + side for n in TO_NHWC for side in (0, 1)])
        if node.op == "Conv2DBackpropInput":
            node.input[0] = self._gathered(node.input[0])
        values = 2 if node.op == "Conv2DBackpropInput" else 0
        if node_name(node.input[values]) not in self.converted:
            node.input[values] = self._transposed(node.input[values], TO_NHWC)
        self.converted.add(node.name)

    def _convert_places(self, node) -> bool:
        """Convert an elementwise operation, concat, padding or reduction; returns whether this was possible."""
        if node.op in ELEMENTWISE:
            return self._convert_elementwise(node)
        position = {"ConcatV2": len(node.input) - 1, "Pad": 1, "PadV2": 1, **dict.fromkeys(_REDUCTIONS, 1)}.get(node.op)
        value = None if position is None else self.nodes.constant(node.input[position])
        if value is None or (node.op in _REDUCTIONS and not attribute(node, "keep_dims").b):
            return False
        if node.op == "ConcatV2" and not self.converted.issuperset(self.nodes.data_inputs(node.name)[:-1]):
            return False
        if node.op in ("Pad", "PadV2"):
            value = value[TO_NHWC]
        else:
            value = np.array([TO_NHWC.index(axis % 4) for axis in value.ravel()]).reshape(value.shape)
        node.input[position] = self._constant(f"{node.name}/nhwc", value.astype(np.int32))
        node.attr["Tpaddings" if "Pad" in node.op else "Tidx"].type = _INT32
        self.converted.add(node.name)
        return True

    def _convert_elementwise(self, node):
        ranks = {source: self.types[source].shape for source in self.nodes.data_inputs(node.name)}
        if any(shape is None or len(shape) not in (0, 3, 4) for shape in ranks.values()):
            return False
        for position, (source, shape) in enumerate(ranks.items()):
            if source not in self.converted and shape:
                node.input[position] = self._transposed(node.input[position], TO_NHWC if len(shape) == 4 else [1, 2, 0])
        self.converted.add(node.name)
        return True

    def _is_order(self, node, order):
        value = self.nodes.constant(node.input[1])
        return value is not None and value.tolist() == order

    def _pass_on(self, node):
        node.CopyFrom(identity(node.name, node.input[0], node.attr["T"].type))

    def _transposed(self, reference, order):
        name = f"{reference.replace(':', '_')}/{'nchw' if order == TO_NCHW else 'nhwc'}"
        dtype = tf.AttrValue(type=self.types[node_name(reference)].dtype.as_datatype_enum)
        inputs = [reference, self._constant(f"{name}/order", order)]
        return self._add(new_node("Transpose", name, inputs, T=dtype, Tperm=tf.AttrValue(type=_INT32)))

    def _gathered(self, sizes):
        """The output size of a transposed convolution in the order NHWC."""
        name, kind = f"{sizes.replace(':', '_')}/nhwc", tf.AttrValue(type=_INT32)
        inputs = [sizes, self._constant(f"{name}/order", TO_NHWC), self._constant(f"{name}/axis", 0)]
        return self._add(new_node("GatherV2", name, inputs, Tparams=kind, Tindices=kind, Taxis=kind))

    def _constant(self, name, value):
        return self._add(constant(name, value, _INT32))

    def _add(self, node):
        if node.name not in self.added:
            self.added.add(node.name)
            self.graph_def.node.add().CopyFrom(node)
        return node.name


def _reorder(values, order):
    values[:] = [list(values)[position] for position in order]

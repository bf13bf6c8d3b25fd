"""Convert a graph with NCHW convolutions to NHWC: TensorFlow has no NCHW convolution for CPUs."""

from typing import List

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.nodes import constant, identity, new_node, node_name
from legacy_graph.graphs.op_table import CONVOLUTIONS, ELEMENTWISE, row
from legacy_graph.graphs.operations import attribute
from legacy_graph.graphs.tensor_types import TensorType

TO_NHWC, TO_NCHW = [0, 2, 3, 1], [0, 3, 1, 2]
NCHW = "NCHW"  # the mark of a node that depends on a tensor transposed back to NCHW, so that its axes are unknown


def to_nhwc(graph: Graph) -> List[str]:
    """Convert NCHW layers of a frozen graph, and its placeholder, to NHWC. Node names are unchanged.

    Returns:
        A sentence if the graph was changed.
    """
    order, dependent = graph.order, graph.dependent
    nchw = [name for name in order if _is_nchw(graph.by_name[name])]
    first = nchw or [name for name in graph.names(CONVOLUTIONS) if name in dependent]
    is_taken = bool(first) and takes_nchw(graph, graph.input, first[0])
    if not nchw and not is_taken:
        return []
    converter = _Converter(graph)
    if is_taken:
        converter.record(graph.input)
    for name in order:
        if name != graph.input:
            converter.convert(graph.by_name[name])
    if graph.by_name.keys() <= converter.types.keys():
        graph.types = converter.types
    changed = "convolutions of the graph run as NHWC" if nchw else "input of the graph takes NHWC images"
    return [f"The NCHW {changed}."]


def takes_nchw(graph: Graph, image: str, first: str) -> bool:
    """Whether the images are NCHW at the node `image`: by the first node after it with a layout, and by a transpose."""
    way = graph.ancestors([first]) & graph.dependents([image]) - {image}
    transposes = [graph.by_name[name] for name in way if graph.by_name[name].op == "Transpose"]
    if len(transposes) == 1:
        return _is_order(graph, transposes[0], TO_NHWC)
    return not transposes and _is_nchw(graph.by_name[first])


def _is_nchw(node):
    return "data_format" in node.attr and node.attr["data_format"].s == b"NCHW"


def _is_order(graph, transpose, order):
    value = graph.constant(transpose.input[1])
    return value is not None and value.tolist() == order


class _Converter:
    """Converts nodes in topological order, and records the nodes whose output 0 is now NHWC, and the new types."""

    def __init__(self, graph):
        self.graph, self.types = graph, dict(graph.types)
        self.converted = set()

    def convert(self, node):
        """Convert one node; if it cannot be converted, transpose its inputs back to NCHW."""
        sources = self.graph.data_inputs(node.name)
        is_converted = bool(sources) and sources[0] in self.converted
        if _is_nchw(node) and len(self.types[node.name].shape or TO_NHWC) == 4:
            self._convert_windows(node)
        elif node.op == "Transpose" and _is_order(self.graph, node, TO_NHWC if is_converted else TO_NCHW):
            self.graph.add(identity(node.name, node.input[0], node.attr["T"]))
            if not is_converted:
                self.record(node.name)
        elif self.converted.intersection(sources) and not self._convert_places(node):
            for position, source in enumerate(sources):
                if source in self.converted:
                    self._transpose(node, position, TO_NCHW)
            self.graph.marks[node.name] = {NCHW}
        elif self._reads_unknown_axes(node, sources):
            self.graph.marks[node.name] = {NCHW}

    def _reads_unknown_axes(self, node, sources):
        """Whether the axes of a node's output are unknown because those of a tensor that it reads are."""
        if node.op == "Transpose" and any(_is_order(self.graph, node, order) for order in (TO_NHWC, [0, 2, 1])):
            return False  # from [B, C, H, W], or [B, C, H * W], to a tensor with the maps last
        data = row(node.op).data  # other inputs, such as the size of a resize, may come from the shape of any tensor
        read = sources if data is None else [sources[number] for number in data]
        return any(NCHW in self.graph.marks.get(source, ()) for source in read)

    def _convert_windows(self, node):
        self.graph.edit(node.name).attr["data_format"].s = b"NHWC"
        for key in ("strides", "ksize", "dilations"):
            if key in node.attr:
                _reorder(node.attr[key].list.i, TO_NHWC)
        if "explicit_paddings" in node.attr and node.attr["explicit_paddings"].list.i:
            _reorder(node.attr["explicit_paddings"].list.i, [2 * n + side for n in TO_NHWC for side in (0, 1)])
        values = 0
        if node.op == "Conv2DBackpropInput":
            self.graph.connect(node.name, 0, self._permuted(node.input[0]))
            values = 2
        if node_name(node.input[values]) not in self.converted:
            self._transpose(node, values, TO_NHWC)
        self.record(node.name)

    def _convert_places(self, node) -> bool:
        """Convert an elementwise operation, concat, padding or reduction; returns whether this was possible."""
        known, sources = row(node.op), self.graph.data_inputs(node.name)
        if node.op in ELEMENTWISE:
            return self._convert_elementwise(node)
        position = (known.axes or 0) % len(sources)
        value = self.graph.constant(sources[position]) if known.layout in ("axes", "pad") else None
        loses_axes = known.moves == "reduced" and not attribute(node, "keep_dims").b
        if value is None or loses_axes or (known.kind == "join" and not self.converted.issuperset(sources[:-1])):
            return False
        if known.layout == "pad":
            value = value[TO_NHWC]
        else:
            value = np.array([TO_NHWC.index(axis % 4) for axis in value.ravel()], value.dtype).reshape(value.shape)
        self.graph.connect(node.name, position, self._constant(f"{node.name}/nhwc", value))
        self.record(node.name)
        return True

    def _convert_elementwise(self, node):
        sources = self.graph.data_inputs(node.name)
        shapes = [self.types[source].shape for source in sources]
        if any(shape is None or len(shape) not in (0, 3, 4) for shape in shapes):
            return False
        for position, (source, shape) in enumerate(zip(sources, shapes)):
            if source not in self.converted and shape:
                self._transpose(node, position, TO_NHWC if len(shape) == 4 else [1, 2, 0])
        self.record(node.name)
        return True

    def _transpose(self, node, position, order):
        """Let an input of a node read the transposed tensor."""
        reference = node.input[position]
        name = f"{reference.replace(':', '_')}/{'nchw' if order == TO_NCHW else 'nhwc'}"
        dtype = self.types[node_name(reference)].dtype
        inputs = [reference, self._constant(f"{name}/order", np.int32(order))]
        if ":" not in reference:  # the types are those of output 0
            self.types[name] = _transposed(self.types[reference], order)
        transpose = new_node("Transpose", name, inputs, T=dtype, Tperm=tf.int32)
        self.graph.connect(node.name, position, self._add(transpose))

    def _permuted(self, sizes):
        """The output size of a transposed convolution in the order NHWC."""
        name, layouts = f"{sizes.replace(':', '_')}/nhwc", {"src_format": "NCHW", "dst_format": "NHWC"}
        formats = {key: tf.AttrValue(s=layout.encode()) for key, layout in layouts.items()}
        self.types[name] = TensorType(tf.int32, [4])
        return self._add(new_node("DataFormatVecPermute", name, [sizes], T=tf.int32, **formats))

    def _constant(self, name, value):
        self.types[name] = TensorType(tf.as_dtype(value.dtype), list(value.shape))
        return self._add(constant(name, value))

    def record(self, name):
        """The output of a node is now NHWC; so is the shape that a placeholder or EnsureShape declares."""
        dims = self.graph.edit(name).attr["shape"].shape.dim if "shape" in self.graph.by_name[name].attr else []
        sides = [dim.size for dim in dims]
        for dim, position in zip(dims, TO_NHWC):
            dim.size = sides[position]
        self.converted.add(name)
        self.types[name] = _transposed(self.types[name], TO_NHWC)

    def _add(self, node):
        self.graph.add(node)
        return node.name


def _reorder(values, order):
    values[:] = [list(values)[position] for position in order]


def _transposed(kind, order):
    """The type of a transposed tensor; of a tensor of unknown rank the same."""
    return kind if kind.shape is None else kind._replace(shape=[kind.shape[axis] for axis in order])

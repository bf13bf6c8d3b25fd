"""Rewrites of single nodes, and of the maximum and minimum of a ReLU."""

from typing import List

import numpy as np
import tensorflow.compat.v1 as tf
from tensorflow.python.framework import tensor_util

from legacy_graph.errors import UserError
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.nodes import constant, identity, new_node
from legacy_graph.graphs.op_table import CONVOLUTIONS, ELEMENTWISE, PASSING, RELUS, of_kind, row
from legacy_graph.graphs.operations import attribute, definition

# Iterators and queues, with one output for each part of the batch. The data is not in the graph.
_BATCHES = of_kind("batch source")
_FLOAT = tf.float32.as_datatype_enum
_HALVES = {tf.float16.as_datatype_enum, tf.bfloat16.as_datatype_enum}
HALF_NAMES = {"float16", "bfloat16"}  # the marks
_FUSED = {f"_Fused{name}": name for name in CONVOLUTIONS}
_LIMITS = of_kind("limit")


def pass_on(graph: Graph) -> List[str]:
    """Replace each operation whose output equals its input with Identity.

    Such operations print, check, or change only the gradient. IdentityN, for example, has a swish's custom gradient.
    """
    replacements = {}
    for name, node in list(graph.by_name.items()):
        if node.op in PASSING:
            kind = attribute(node, "T")
            dtypes = list(kind.list.type) or [kind.type]
            outputs = list(node.input[: len(dtypes)])
            replacements.update({f"{name}:{number}": text for number, text in enumerate(outputs) if number})
            graph.add(identity(name, outputs[0], tf.as_dtype(dtypes[0])))
    graph.redirect(replacements)
    return []


def remove_defaults(graph: Graph) -> None:
    """Replace each placeholder whose default depends on the input by an Identity of the default."""
    nodes = [node for node in graph.by_name.values() if node.op == "PlaceholderWithDefault"]
    dependent = graph.dependent if nodes else set()
    for node in nodes:
        if node.name in dependent:
            graph.add(identity(node.name, node.input[0], node.attr["dtype"]))


def split_batches(graph: Graph) -> List[str]:
    """Replace each node that reads a batch from an iterator or a queue with placeholders.

    Output 0 becomes the placeholder "node"; output 1 becomes "node/output_1".
    """
    replacements = {}
    for node in [node for node in graph.by_name.values() if node.op in _BATCHES]:
        for number, (kind, shape) in enumerate(zip(*_components(graph, node))):
            name = f"{node.name}/output_{number}" if number else node.name
            graph.add(new_node("Placeholder", name, dtype=tf.as_dtype(kind), shape=tf.AttrValue(shape=shape)))
            if number:
                replacements[f"{node.name}:{number}"] = name
    graph.redirect(replacements)
    return []


def _components(graph, node):
    """(types, shapes) of the outputs of an iterator or a queue. A queue may fix the batch, as `tf.train.batch` does."""
    if "output_types" in node.attr:
        return node.attr["output_types"].list.type, node.attr["output_shapes"].list.shape
    kinds = node.attr["component_types"].list.type
    source, *numbers = graph.data_inputs(node.name)
    shapes = [tf.TensorShape(shape) for shape in graph.by_name[source].attr["shapes"].list.shape]
    shapes = shapes or [tf.TensorShape(None)] * len(kinds)
    if "Many" in node.op or "UpTo" in node.op:
        batch = graph.constant(numbers[0]) if "Many" in node.op else None
        length = None if batch is None else int(batch)
        shapes = [tf.TensorShape([length]).concatenate(shape) for shape in shapes]
    return kinds, [shape.as_proto() for shape in shapes]


def to_float32(graph: Graph) -> List[str]:
    """Change float16 and bfloat16 tensors to float32, and mark the nodes with their names.

    Bitcast is unchanged, because it takes the bytes of its input as values of the other type. With such a type it no
    longer fits its neighbours, so that TensorFlow refuses the graph.
    """
    for node in list(graph.by_name.values()):
        for value in node.attr.values() if node.op != "Bitcast" else ():
            kinds = [value.type, *value.list.type] if value.WhichOneof("value") in ("type", "list") else []
            if not _HALVES.isdisjoint(kinds):
                names = {tf.as_dtype(kind).name for kind in _HALVES.intersection(kinds)}
                graph.marks[node.name] = names.union(graph.marks.get(node.name, ()))
                graph.edit(node.name)
                if value.WhichOneof("value") == "type":
                    value.type = _FLOAT
                else:
                    value.list.type[:] = [_FLOAT if kind in _HALVES else kind for kind in value.list.type]
        if node.op == "Const" and node.attr["value"].tensor.dtype in _HALVES:
            values = tensor_util.MakeNdarray(node.attr["value"].tensor).astype(np.float32)
            graph.add(constant(node.name, values))
        if node.op == "Cast" and attribute(node, "SrcT").type == attribute(node, "DstT").type == _FLOAT:
            graph.add(identity(node.name, node.input[0], tf.float32))
    return []


def unfuse(graph: Graph) -> List[str]:
    """Split each fused convolution into convolution, bias or batch norm, and activation.

    Raises:
        UserError: a fused operation is unknown.
    """
    for node in [node for node in graph.by_name.values() if node.op in _FUSED]:
        graph.add(*_unfused(node))
    return []


def _unfused(node):
    """The nodes that replace a fused convolution; the last node has its name. Each has the attributes that it knows."""
    parts, inputs = [], list(node.input)
    for operation in [_FUSED[node.op], *(text.decode() for text in attribute(node, "fused_ops").list.s)]:
        known = definition(operation) if operation in CONVOLUTIONS | ELEMENTWISE else None
        if known is None or (len(known.input_arg) > 1 and row(operation).moves not in ("convolution", "positions")):
            hint = "export the graph before it is optimized"
            raise UserError(f"operation {node.op} ({node.name})", "a known fused operation", operation, hint)
        count = len(known.input_arg)
        kept = {declared.name: node.attr[declared.name] for declared in known.attr if declared.name in node.attr}
        parts.append(new_node(operation, f"{node.name}/{operation}", inputs[:count], **kept))
        inputs = [parts[-1].name, *inputs[count:]]
        if operation == "FusedBatchNorm":
            parts[-1].attr["is_training"].b = False
        elif operation == "LeakyRelu":
            parts[-1].attr["alpha"].CopyFrom(attribute(node, "leakyrelu_alpha"))
    parts[-1].name = node.name
    return parts


def name_relus(graph: Graph) -> List[str]:
    """Replace a maximum with 0 by Relu, and a ReLU that is limited to 6 by Relu6, such as Keras's `clip_by_value`.

    The values are the same.
    """
    readers = graph.consumers
    for name in list(graph.order):
        node = graph.by_name[name]
        values = _beside(graph, name, 6 if node.op == "Minimum" else 0) if node.op in _LIMITS else None
        if values is None:
            continue
        kind, source = attribute(node, "T"), graph.by_name[graph.root(values)]
        if node.op == "Minimum":
            if source.op == "Relu" and len(readers[source.name]) == 1:
                # A ReLU that nothing reads any more would count as a second reader of the layer.
                graph.edit(source.name).op = "Relu6"
                graph.add(identity(name, values, kind))
            elif source.op == "Relu":
                graph.add(new_node("Relu6", name, graph.references(source.name), T=kind))
        elif source.op in RELUS:
            graph.add(identity(name, values, kind))
        else:
            limited = _beside(graph, source.name, 6) if source.op == "Minimum" else None
            if limited and len(readers[source.name]) == 1:
                graph.add(identity(source.name, limited, kind))  # which the Relu6 reads
                limited = values
            graph.add(new_node("Relu6" if limited else "Relu", name, [limited or values], T=kind))
    return []


def _beside(graph, name, limit):
    """The input of a maximum or minimum of floats whose other input is the scalar `limit`; None if there is none."""
    references = graph.references(name)
    for values, other in (references, references[::-1]):
        value = graph.constant(other)
        if value is not None and value.shape == () and value == limit and tf.as_dtype(value.dtype).is_floating:
            return values
    return None

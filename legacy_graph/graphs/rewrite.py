"""Rewrites of a GraphDef that do not change its values: unfuse, cut at the input, free the batch."""

from typing import Dict, List, Optional, Set

import numpy as np
import tensorflow.compat.v1 as tf
from tensorflow.python.framework import tensor_util

from legacy_graph.errors import UserError
from legacy_graph.graphs.nodes import Nodes, constant, identity, new_node, node_name, redirect, replace_node
from legacy_graph.graphs.op_table import PASSING
from legacy_graph.graphs.operations import attribute, definition
from legacy_graph.graphs.tensor_types import TensorType

_FLOAT = tf.float32.as_datatype_enum
_HALVES = {tf.float16.as_datatype_enum, tf.bfloat16.as_datatype_enum}
_FUSED = {"_FusedConv2D": "Conv2D", "_FusedDepthwiseConv2dNative": "DepthwiseConv2dNative"}


def unfuse(graph_def: tf.GraphDef) -> None:
    """Split each fused convolution into convolution, bias or batch norm, and activation. Changes the graph.

    Raises:
        UserError: a fused operation is unknown.
    """
    for node in list(graph_def.node):
        if node.op in _FUSED:
            copy = tf.NodeDef.FromString(node.SerializeToString())
            *first, last = _unfused(copy)
            node.CopyFrom(last)
            graph_def.node.extend(first)


def pass_on(graph_def: tf.GraphDef) -> None:
    """Replace each operation whose output equals its input with Identity. Changes the graph.

    Such operations print, check, or change only the gradient. IdentityN, for example, has a swish's custom gradient.
    """
    replacements: Dict[str, str] = {}
    for node in graph_def.node:
        if node.op in PASSING:
            kind = attribute(node, "T")
            dtypes = list(kind.list.type) or [kind.type]
            outputs = list(node.input[: len(dtypes)])
            replacements.update({f"{node.name}:{number}": text for number, text in enumerate(outputs) if number})
            node.CopyFrom(identity(node.name, outputs[0], dtypes[0]))
    redirect(graph_def, replacements)


def to_float32(graph_def: tf.GraphDef) -> Dict[str, Set[str]]:
    """Change float16 and bfloat16 tensors to float32. Changes the graph.

    Bitcast is unchanged, because it takes the bytes of its input as values of the other type. With such a type it no
    longer fits its neighbours, so that `infer_types` refuses the graph.

    Returns:
        {name of a node with such tensors: names of their types}.
    """
    found: Dict[str, Set[str]] = {}
    for node in graph_def.node:
        for value in node.attr.values() if node.op != "Bitcast" else ():
            kinds = [value.type, *value.list.type] if value.WhichOneof("value") in ("type", "list") else []
            if not _HALVES.isdisjoint(kinds):
                found.setdefault(node.name, set()).update(tf.as_dtype(one).name for one in _HALVES.intersection(kinds))
                if value.WhichOneof("value") == "type":
                    value.type = _FLOAT
                else:
                    value.list.type[:] = [_FLOAT if kind in _HALVES else kind for kind in value.list.type]
        if node.op == "Const" and node.attr["value"].tensor.dtype in _HALVES:
            values = tensor_util.MakeNdarray(node.attr["value"].tensor).astype(np.float32)
            node.CopyFrom(constant(node.name, values, _FLOAT))
        if node.op == "Cast" and attribute(node, "SrcT").type == attribute(node, "DstT").type == _FLOAT:
            node.CopyFrom(identity(node.name, node.input[0], _FLOAT))
    return found


def remove_reshapes(graph_def: tf.GraphDef, types: Dict[str, TensorType]) -> None:
    """Replace each Reshape that does not change the shape with Identity. Changes the graph.

    Args:
        graph_def: may have nodes that are not in `types`; they stay.
        types: of the tensors. The batch size may be unknown: it does not change if no other length changes.
    """
    for node in graph_def.node:
        if node.op == "Reshape" and node.name in types and ":" not in node.input[0]:
            before, after = types[node_name(node.input[0])].shape, types[node.name].shape
            if before and after and before[1:] == after[1:] and None not in after[1:]:
                node.CopyFrom(identity(node.name, node.input[0], attribute(node, "T").type))


def cut(graph_def: tf.GraphDef, name: str, shape: List[Optional[int]]) -> None:
    """Replace a node by a float32 placeholder.

    Args:
        graph_def: changed in place.
        name: of the node, and of the placeholder.
        shape: of the placeholder.
    """
    size = tf.TensorShape(shape).as_proto()
    dtype = tf.AttrValue(type=tf.float32.as_datatype_enum)
    replace_node(graph_def, new_node("Placeholder", name, dtype=dtype, shape=tf.AttrValue(shape=size)))


def remove_defaults(graph_def: tf.GraphDef, input: str) -> None:
    """Replace each placeholder whose default depends on the input by an Identity of the default."""
    dependent = Nodes(graph_def).dependents([input])
    for node in graph_def.node:
        if node.op == "PlaceholderWithDefault" and node.name in dependent:
            node.CopyFrom(identity(node.name, node.input[0], node.attr["dtype"].type))


def free_batch(graph_def: tf.GraphDef, input: str, types: Dict[str, TensorType]) -> None:
    """Make reshapes and transposed convolutions with a fixed batch of 1 accept any batch. Changes the graph.

    Args:
        graph_def: whose input has the batch 1.
        input: name.
        types: of the tensors, for the batch 1.
    """
    nodes = Nodes(graph_def)
    for name in nodes.dependents([input]) & set(types):
        node, shape = nodes.by_name[name], types[name].shape
        if node.op not in ("Reshape", "Conv2DBackpropInput") or not shape or shape[0] != 1:
            continue
        if node.op == "Conv2DBackpropInput":
            _free_output_size(graph_def, node)
        elif None not in shape:
            sizes = constant(f"{name}/free_batch", [-1, *shape[1:]], attribute(node, "Tshape").type)
            node.input[1] = sizes.name
            graph_def.node.add().CopyFrom(sizes)


def _free_output_size(graph_def, node):
    """Let the output of a transposed convolution have the batch size of its input."""
    prefix, integer = f"{node.name}/free_batch", tf.int32.as_datatype_enum
    kind = tf.AttrValue(type=integer)
    parts = {"begin": [0], "one": [1], "end": [4], "stride": [1], "axis": 0}
    graph_def.node.extend(constant(f"{prefix}/{part}", value, integer) for part, value in parts.items())
    names = {part: f"{prefix}/{part}" for part in parts}
    floats = tf.AttrValue(type=tf.float32.as_datatype_enum)
    shape = new_node("Shape", f"{prefix}/shape", [node.input[2]], T=floats, out_type=kind)
    bounds = [shape.name, names["begin"], names["one"], names["stride"]]
    batch = new_node("StridedSlice", f"{prefix}/batch", bounds, T=kind, Index=kind)
    bounds = [node.input[0], names["one"], names["end"], names["stride"]]
    rest = new_node("StridedSlice", f"{prefix}/rest", bounds, T=kind, Index=kind)
    pieces = [batch.name, rest.name, names["axis"]]
    joined = new_node("ConcatV2", prefix, pieces, N=tf.AttrValue(i=2), T=kind, Tidx=kind)
    graph_def.node.extend([shape, batch, rest, joined])
    node.input[0] = prefix


def _unfused(node):
    """The nodes that replace a fused convolution; the last node has its name."""
    convolution = _FUSED[node.op]
    kept = {attribute.name for attribute in definition(convolution).attr} & set(node.attr)
    plain = new_node(convolution, f"{node.name}/{convolution}", node.input[:2], **{key: node.attr[key] for key in kept})
    result, arguments = [plain], list(node.input[2:])
    kind, layout = attribute(node, "T"), attribute(node, "data_format")
    for fused in [text.decode() for text in attribute(node, "fused_ops").list.s]:
        attributes, count = {"T": kind}, 0
        if fused == "BiasAdd":
            attributes, count = {"T": kind, "data_format": layout}, 1
        elif fused == "FusedBatchNorm":
            inference = tf.AttrValue(b=False)
            attributes, count = {"T": kind, "data_format": layout, "is_training": inference}, 4
            attributes["epsilon"] = attribute(node, "epsilon")
        elif fused == "LeakyRelu":
            attributes["alpha"] = attribute(node, "leakyrelu_alpha")
        elif fused not in ("Relu", "Relu6", "Elu", "Tanh", "Sigmoid"):
            hint = "export the graph before it is optimized"
            raise UserError(f"operation {node.op} ({node.name})", "a known fused operation", fused, hint)
        inputs = [result[-1].name, *arguments[:count]]
        arguments = arguments[count:]
        result.append(new_node(fused, f"{node.name}/{fused}", inputs, **attributes))
    result[-1].name = node.name
    return result

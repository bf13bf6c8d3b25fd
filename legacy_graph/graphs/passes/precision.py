"""Half precision becomes float32."""

from typing import List

import numpy as np
import tensorflow.compat.v1 as tf
from tensorflow.python.framework import tensor_util

from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.nodes import constant, identity
from legacy_graph.graphs.operations import attribute

_FLOAT = tf.float32.as_datatype_enum
_HALVES = {tf.float16.as_datatype_enum, tf.bfloat16.as_datatype_enum}
HALF_NAMES = {"float16", "bfloat16"}  # the marks


def to_float32(graph: Graph) -> List[str]:
    """Change float16 and bfloat16 tensors to float32, and mark the nodes with their names.

    Bitcast is unchanged, because it takes the bytes of its input as values of the other type. With such a type it no
    longer fits its neighbours, so that `infer_types` refuses the graph.
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
            graph.add(constant(node.name, values, _FLOAT))
        if node.op == "Cast" and attribute(node, "SrcT").type == attribute(node, "DstT").type == _FLOAT:
            graph.add(identity(node.name, node.input[0], _FLOAT))
    return []

"""Split fused convolutions."""

from typing import List

import tensorflow.compat.v1 as tf

from legacy_graph.errors import UserError
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.nodes import new_node
from legacy_graph.graphs.operations import attribute, definition

_FUSED = {"_FusedConv2D": "Conv2D", "_FusedDepthwiseConv2dNative": "DepthwiseConv2dNative"}


def unfuse(graph: Graph) -> List[str]:
    """Split each fused convolution into convolution, bias or batch norm, and activation.

    Raises:
        UserError: a fused operation is unknown.
    """
    for node in [node for node in graph.by_name.values() if node.op in _FUSED]:
        graph.add(*_unfused(node))
    return []


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

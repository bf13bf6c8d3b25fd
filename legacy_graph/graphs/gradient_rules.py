"""The gradients that `backward` puts in place of TensorFlow's own, and how the nodes of a graph select them.

They are registered by `tf.RegisterGradient`; the node attribute `_gradient_op_type` selects one. TensorFlow ignores
this attribute inside functions, so each use is recorded in the collection `USED`.
"""

from typing import Optional

import tensorflow.compat.v1 as tf

from legacy_graph.article.deconv import unrelu
from legacy_graph.article.shapes import dims
from legacy_graph.config import DECONVNET, GUIDED
from legacy_graph.graphs.op_table import RELUS

RELU_RULES = {DECONVNET: "LegacyGraphDeconvnetRelu", GUIDED: "LegacyGraphGuidedRelu"}  # GRADIENT uses TensorFlow's own
DILATED_RULE = "LegacyGraphDilatedConv2D"
USED = "legacy_graph_used_rules"  # collection: names of the nodes whose gradient was computed by a rule


@tf.RegisterGradient(RELU_RULES[DECONVNET])
def _deconvnet_relu(operation, signal):
    operation.graph.add_to_collection(USED, operation.name)
    return unrelu(signal)


@tf.RegisterGradient(RELU_RULES[GUIDED])
def _guided_relu(operation, signal):
    operation.graph.add_to_collection(USED, operation.name)
    gradient = tf.raw_ops.ReluGrad if operation.type == "Relu" else tf.raw_ops.Relu6Grad
    return gradient(gradients=unrelu(signal), features=operation.outputs[0])


@tf.RegisterGradient(DILATED_RULE)
def _dilated_convolution(operation, signal):
    """The gradient, with zeros inserted into the kernel: TensorFlow 1.15 has none for dilation on CPUs."""
    operation.graph.add_to_collection(USED, operation.name)
    kernel = operation.inputs[1]
    _, *rates, _ = operation.get_attr("dilations")
    for axis, rate in enumerate(rates):
        wide = dims(kernel)
        margins = [[0, 0]] * (axis + 1) + [[0, rate - 1]] + [[0, 0]] * (3 - axis)
        length, wide[axis] = (wide[axis] - 1) * rate + 1, wide[axis] * rate
        kernel = tf.reshape(tf.pad(tf.expand_dims(kernel, axis + 1), margins), wide)
        kernel = kernel[:length] if axis == 0 else kernel[:, :length]
    same = {name: operation.get_attr(name) for name in ("strides", "padding", "explicit_paddings")}
    sizes = tf.shape(operation.inputs[0])
    return tf.raw_ops.Conv2DBackpropInput(input_sizes=sizes, filter=kernel, out_backprop=signal, **same), None


def rule_of(node: tf.NodeDef, method: str) -> Optional[str]:
    """The name of the rule for a node, None for TensorFlow's own gradient."""
    if node.op in RELUS:
        return RELU_RULES.get(method)
    dilated = node.op == "Conv2D" and any(rate != 1 for rate in node.attr["dilations"].list.i)
    return DILATED_RULE if dilated else None


def with_rules(graph_def: tf.GraphDef, method: str) -> tf.GraphDef:
    """The graph with the rules of the method in its nodes, without other custom gradients. Changes the graph."""
    for node in graph_def.node:
        node.attr.pop("_gradient_op_type", None)
        rule = rule_of(node, method)
        if rule:
            node.attr["_gradient_op_type"].s = rule.encode()
    return graph_def

"""The gradients that `backward` puts in place of TensorFlow's own, and how the nodes of a graph select them.

They are registered as `RULE`, which the node attribute `_gradient_op_type` selects. TensorFlow ignores this attribute
inside functions, so each use is recorded in the collection `USED`. The gradient of the ReLU reads the method from the
collection `METHOD` when `tf.gradients` calls it, so one import of a graph serves all methods.
"""

import tensorflow.compat.v1 as tf

from legacy_graph.article.deconv import unrelu
from legacy_graph.article.shapes import dims
from legacy_graph.config import DECONVNET, GUIDED
from legacy_graph.errors import UserError
from legacy_graph.graphs.model import ConvLayer
from legacy_graph.graphs.op_table import RELUS

RULE = "LegacyGraph"
USED = "legacy_graph_used_rules"  # collection: names of the nodes whose gradient was computed by the rule
METHOD = "legacy_graph_method"  # collection: the method of the projection that is being built


@tf.RegisterGradient(RULE)
def _gradient(operation, signal):
    operation.graph.add_to_collection(USED, operation.name)
    return (_relu if operation.type in RELUS else _convolution)(operation, signal)


def _relu(operation, signal):
    (method,) = operation.graph.get_collection(METHOD)
    if method in (DECONVNET, GUIDED):
        signal = unrelu(signal)
    if method == DECONVNET:
        return signal
    gradient = tf.raw_ops.ReluGrad if operation.type == "Relu" else tf.raw_ops.Relu6Grad
    return gradient(gradients=signal, features=operation.outputs[0])


def _convolution(operation, signal):
    """The gradient, with zeros in the kernel for a dilation, and one group of channels at a time.

    TensorFlow 1.15 has no gradient of a dilated convolution on CPUs; TensorFlow 2 has none of groups without oneDNN.
    """
    images, kernel = operation.inputs
    kernel = _with_zeros(kernel, operation.get_attr("dilations"))
    groups = (images.shape.as_list()[3] or dims(kernel)[2]) // dims(kernel)[2]
    sizes = tf.concat([tf.shape(images)[:3], dims(kernel)[2:3]], 0) if groups > 1 else tf.shape(images)
    same = {name: operation.get_attr(name) for name in ("strides", "padding", "explicit_paddings")}
    parts = [
        tf.raw_ops.Conv2DBackpropInput(input_sizes=sizes, filter=part, out_backprop=channels, **same)
        for part, channels in zip(tf.split(kernel, groups, 3), tf.split(signal, groups, 3))
    ]
    return (tf.concat(parts, 3) if groups > 1 else parts[0]), None


def _with_zeros(kernel, dilations):
    """A kernel whose convolution without dilations is that of `kernel` with them: the gradient of a strided slice."""
    (height, width, *channels), steps = dims(kernel), dilations[1:3]
    shape = [(height - 1) * steps[0] + 1, (width - 1) * steps[1] + 1, *channels]
    return tf.raw_ops.StridedSliceGrad(shape=shape, begin=[0] * 4, end=shape, strides=[*steps, 1, 1], dy=kernel)


def check_groups(convolution: tf.Operation) -> None:
    """Refuse a convolution in groups of channels if this TensorFlow has no kernel for it.

    Raises:
        UserError: names the convolution.
    """
    depths = [tensor.shape.as_list()[axis] for tensor, axis in zip(convolution.inputs, (3, 2))]
    if depths[0] == depths[1] or None in depths:
        return
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
        try:
            session.run(tf.nn.conv2d(tf.ones([1, 1, 1, 2]), tf.ones([1, 1, 1, 2]), 1, "SAME"))
        except tf.errors.UnimplementedError as error:
            where, found = f"operation {convolution.type} ({convolution.name})", f"none in TensorFlow {tf.__version__}"
            hint = "use TensorFlow 2"
            raise UserError(where, "a kernel for groups of channels on CPUs", found, hint) from error


def has_rule(node: tf.NodeDef) -> bool:
    """Whether the rule of this module replaces TensorFlow's own gradient of a node."""
    return node.op in RELUS or node.op == "Conv2D"


def unclip(graph_def: tf.GraphDef, layer: ConvLayer) -> str:
    """The node to rank and project: for a layer that ends before a Relu6, a new ReLU. Changes the graph."""
    for node in graph_def.node:
        if node.name == layer.activation != layer.start and node.op == "Relu6":
            graph_def.node.add().CopyFrom(node)
            graph_def.node[-1].op, graph_def.node[-1].name = "Relu", node.name + "/unclipped"
            return graph_def.node[-1].name
    return layer.start


def with_rules(graph_def: tf.GraphDef) -> tf.GraphDef:
    """The graph with the name of the rule in its nodes, without other custom gradients. Changes the graph."""
    for node in graph_def.node:
        node.attr.pop("_gradient_op_type", None)
        if has_rule(node):
            node.attr["_gradient_op_type"].s = RULE.encode()
    return graph_def

"""The convolution layers of a frozen graph: activation, pool, shapes, receptive fields, parameters."""

import re
from typing import Dict, List, Set

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.errors import UserError
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.model import ConvLayer
from legacy_graph.graphs.nodes import node_name
from legacy_graph.graphs.op_table import CONVOLUTIONS, MAX_POOLS
from legacy_graph.graphs.operations import attribute
from legacy_graph.graphs.receptive_fields import receptive_fields
from legacy_graph.graphs.tensor_types import TensorType

_OPERATION_WORDS = re.compile(
    r"conv|(conv2d|convolution|depthwise|separable_conv2d|conv2d_transpose|conv2dbackpropinput|depthwiseconv2dnative"
    r"|_?fusedconv2d)(_fold)?(_\d+)?",
    re.IGNORECASE,
)
# Parts of names that come from function calls of a SavedModel.
_CALL_WORDS = ("StatefulPartitionedCall", "PartitionedCall", "inlined")


def find_convolutions(nodes: Graph, dependent: Set[str]) -> List[str]:
    """The names, in topological order, of the convolutions whose values depend on the input.

    The inputs of a transposed convolution are: size, kernel, values. A convolution whose kernel depends on the input is
    not a layer.
    """
    found = []
    for name in nodes.order:
        if nodes.by_name[name].op in CONVOLUTIONS:
            values = values_input(nodes, name)
            if values in dependent and nodes.data_inputs(name)[1] not in dependent:
                found.append(name)
    return found


def values_input(nodes: Graph, convolution: str) -> str:
    """The name of the node whose output a convolution convolves."""
    return nodes.data_inputs(convolution)[2 if nodes.by_name[convolution].op == "Conv2DBackpropInput" else 0]


def short_labels(names: List[str]) -> Dict[str, str]:
    """{name: label}: without function calls, common scopes, and a last part that only names the operation."""
    parts = {name: [one for one in name.split("/") if one not in _CALL_WORDS] or [name] for name in names}
    plain = {
        name: one[:-1] if len(one) > 1 and _OPERATION_WORDS.fullmatch(one[-1]) else one for name, one in parts.items()
    }
    shared = 0
    while all(len(one) > shared + 1 for one in plain.values()) and len({one[shared] for one in plain.values()}) == 1:
        shared += 1
    short = ["/".join(one[shared:]) for one in plain.values()]
    long = ["/".join(parts[name][shared:]) for name in names]
    return {
        name: one if short.count(one) == 1 else other if long.count(other) == 1 else name
        for name, one, other in zip(names, short, long)
    }


def measure_layers(graph: Graph, layers: List[ConvLayer]) -> List[ConvLayer]:
    """Add shape, receptive field and number of parameters to the layers of a frozen graph.

    Args:
        graph: NHWC, without variables and functions.
        layers: with name, label, activation and start.

    Raises:
        UserError: TensorFlow does not accept the graph, or a layer has a fixed batch.
    """
    types, moving = graph.types, graph.dependents([graph.input], shapes=True)
    fields, _ = receptive_fields(graph, graph.input, types)
    measured = []
    for layer in layers:
        batch, *shape = types[layer.start].shape or [None] * 4
        if batch is not None:
            hint = "export the graph without a fixed batch size"
            raise UserError(f"layer {layer.label}", "any number of images", f"a batch fixed at {batch}", hint)
        parameters = _count_parameters(graph, moving, layer.name, layer.activation or layer.start)
        measured.append(layer._replace(shape=tuple(shape), fields=fields.get(layer.start), parameters=parameters))
    return measured


def describe_operations(nodes: Graph, types: Dict[str, TensorType], layer: ConvLayer) -> str:
    """The operations of a layer, for the table of layers: "Conv2D 3 x 3, stride 2, SAME; Relu"."""
    node = nodes.by_name[layer.name]
    shape = types[node_name(node.input[1])].shape
    window = f" {shape[0]} x {shape[1]}" if shape else ""
    strides, dilations = attribute(node, "strides").list.i, attribute(node, "dilations").list.i
    step = strides[1] if strides[1] == strides[2] else f"{strides[1]} x {strides[2]}"
    text = f"{layer.operation}{window}, stride {step}, {attribute(node, 'padding').s.decode()}"
    if dilations and max(dilations) > 1:
        text += f", dilation {max(dilations)}"
    if layer.activation:
        text += f"; {nodes.by_name[layer.activation].op}"
    if nodes.by_name[layer.start].op in MAX_POOLS:
        window = attribute(nodes.by_name[layer.start], "ksize").list.i
        text += f"; MaxPool {window[1]} x {window[2]}"
    return text


def _count_parameters(nodes, moving, convolution, end) -> int:
    """The number of elements of the float constants that a layer reads, without scalars.

    Args:
        nodes: of the graph.
        moving: names of the nodes that depend on the images, or on their shape.
        convolution: name of the first node of the layer.
        end: name of its last node.
    """
    own, waiting = {convolution}, [end]
    while waiting:
        name = waiting.pop()
        if name not in own:
            own.add(name)
            waiting += [source for source in nodes.data_inputs(name) if source in moving]
    sources = {source for name in own for source in nodes.data_inputs(name) if source not in moving}
    count = 0
    for name in nodes.ancestors(sources):
        node = nodes.by_name[name]
        if node.op == "Const" and tf.as_dtype(node.attr["dtype"].type).is_floating:
            sides = [dim.size for dim in node.attr["value"].tensor.tensor_shape.dim]
            count += int(np.prod(sides)) if sides else 0
    return count

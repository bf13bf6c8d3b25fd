"""The layers of a frozen graph: shapes, receptive fields, parameters, text. Outputs [B, units] stand as images."""

from typing import List, Optional

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.article.receptive_field import Field, Fields
from legacy_graph.errors import UserError
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.model import ConvLayer
from legacy_graph.graphs.nodes import constant, new_node, node_name
from legacy_graph.graphs.op_table import CONVOLUTIONS, DENSE, MAX_POOLS, RELUS
from legacy_graph.graphs.operations import attribute
from legacy_graph.graphs.receptive_fields import receptive_fields
from legacy_graph.graphs.tensor_types import TensorType

AS_IMAGE = "/as_image"  # end of the name of a node that `stand_as_images` adds


def stand_as_images(graph: Graph, layers: List[ConvLayer]) -> List[ConvLayer]:
    """Let each layer that ends with a tensor [B, units] end with a tensor [B, 1, 1, units] of the same values.

    Args:
        graph: frozen, NHWC; gets two nodes for each such layer.
        layers: with `start`.
    """
    types, changed = dict(graph.types), []
    for layer in layers:
        dtype, shape = types[layer.start]
        if dtype == tf.float32 and shape is not None and len(shape) == 2 and shape[1]:
            name = layer.start + AS_IMAGE
            sizes = constant(f"{name}/shape", [-1, 1, 1, shape[1]])
            graph.add(sizes, new_node("Reshape", name, [layer.start, sizes.name], T=dtype, Tshape=tf.int32))
            types[name], types[sizes.name] = TensorType(dtype, [shape[0], 1, 1, shape[1]]), TensorType(tf.int32, [4])
            layer = layer._replace(start=name)
        changed.append(layer)
    graph.types = types
    return changed


def measure_layers(graph: Graph, layers: List[ConvLayer]) -> List[ConvLayer]:
    """Add shape, receptive field and number of parameters to the layers of a frozen graph.

    Args:
        graph: NHWC, without variables and functions.
        layers: with name, label, activation and start.

    Raises:
        UserError: a layer ends with another tensor than float32 [B, H, W, C].
    """
    types, moving = graph.types, graph.dependents([graph.input], shapes=True)
    fields, lost = receptive_fields(graph)
    measured = []
    for layer in layers:
        _, *shape = _image_shape(types, layer)
        parameters = _count_parameters(graph, moving, layer.name, layer.activation or layer.start)
        seen = fields.get(layer.start) or (_complete(graph, types) if layer.start.endswith(AS_IMAGE) else None)
        field = {"fields": seen, "lost": "" if seen else lost.get(layer.start, "")}
        measured.append(layer._replace(shape=tuple(shape), parameters=parameters, **field))
    return measured


def _complete(graph, types) -> Optional[Fields]:
    """The receptive field of a value that depends on the complete image; None if its sides are not fixed."""
    sides = types[graph.input].shape[1:3]
    return None if None in sides else tuple(Field(side, 0, 0) for side in sides)


def is_rectified(graph: Graph, layer: ConvLayer) -> bool:
    """Whether a layer ends with a ReLU, so that only values above 0 are activations."""
    return layer.activation is not None and graph.by_name[layer.activation].op in RELUS


def describe_operations(graph: Graph, layer: ConvLayer) -> str:
    """The operations of a layer, for the table of layers: "Conv2D 3 x 3, stride 2, SAME; Relu"."""
    types, node = graph.types, graph.by_name[layer.name]
    if layer.operation not in CONVOLUTIONS:
        names = dict.fromkeys(name for name in (layer.name, layer.activation, layer.start) if name)
        text = "; ".join(graph.by_name[name].op for name in names if not name.endswith(AS_IMAGE))
        inputs = types[node_name(node.input[0])].shape if layer.operation in DENSE else None
        return text.replace("MatMul", f"MatMul {inputs[-1]} x {layer.shape[2]}") if inputs else text
    shape = types[node_name(node.input[1])].shape
    window = f" {shape[0]} x {shape[1]}" if shape else ""
    strides, dilations = attribute(node, "strides").list.i, attribute(node, "dilations").list.i
    step = strides[1] if strides[1] == strides[2] else f"{strides[1]} x {strides[2]}"
    text = f"{layer.operation}{window}, stride {step}, {attribute(node, 'padding').s.decode()}"
    if dilations and max(dilations) > 1:
        text += f", dilation {max(dilations)}"
    before = graph.data_inputs(layer.activation)[:1] if layer.activation else []  # a pool may precede the ReLU
    for name in dict.fromkeys([*before, layer.activation or layer.start, layer.start]):
        if graph.by_name[name].op in MAX_POOLS:
            window = attribute(graph.by_name[name], "ksize").list.i
            text += f"; MaxPool {window[1]} x {window[2]}"
        elif name == layer.activation:
            text += f"; {graph.by_name[name].op}"
    return text


def _image_shape(types, layer):
    """The static shape [B, H, W, C] of the end of a layer."""
    dtype, shape = types[layer.start]
    if dtype != tf.float32 or (shape is not None and len(shape) != 4):
        found = "no value" if dtype is None else f"{dtype.name} of rank {'unknown' if shape is None else len(shape)}"
        hint = "name a tensor before it: list the layers with the command layers"
        raise UserError(f"--layer {layer.label}", "a float32 tensor [batch, height, width, channels]", found, hint)
    return shape or [None] * 4


def _count_parameters(graph, moving, convolution, end) -> int:
    """The number of elements of the float constants that a layer reads, without scalars.

    Args:
        graph: of the graph.
        moving: names of the nodes that depend on the images, or on their shape.
        convolution: name of the first node of the layer.
        end: name of its last node.
    """
    own = {convolution} | (graph.ancestors([end], without=[convolution]) & moving)
    sources = {source for name in own for source in graph.data_inputs(name) if source not in moving}
    count = 0
    for name in graph.ancestors(sources):
        node = graph.by_name[name]
        if node.op == "Const" and tf.as_dtype(node.attr["dtype"].type).is_floating:
            sides = [dim.size for dim in node.attr["value"].tensor.tensor_shape.dim]
            count += int(np.prod(sides)) if sides else 0
    return count

"""Fully connected layers after the convolutions, and their outputs [B, units] as images of one pixel."""

import collections
from typing import Dict, List, Set

import tensorflow.compat.v1 as tf

from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.model import ConvLayer
from legacy_graph.graphs.nodes import constant, new_node
from legacy_graph.graphs.op_table import CONVOLUTIONS, DENSE, refusal, row
from legacy_graph.graphs.operations import attribute
from legacy_graph.graphs.tensor_types import TensorType

AS_IMAGE = "/as_image"  # end of the name of a node that this module adds


def find_dense(nodes: Graph, dependent: Set[str], convolutions: List[str]) -> List[str]:
    """The names, in topological order, of the products with weights after the convolutions.

    Not a layer: a product that a convolution depends on, such as that of a squeeze-and-excitation block; and a step of
    a recurrent cell, which multiplies by the same weights as a product before or after it.

    Args:
        nodes: of the complete graph after the input.
        dependent: names of the nodes that depend on the input.
        convolutions: names of the convolutions whose values depend on the input.
    """
    before = nodes.ancestors(name for name, node in nodes.by_name.items() if node.op in CONVOLUTIONS)
    after = nodes.dependents(convolutions) - before
    products = [name for name in nodes.order if name in after and _has_weights(nodes, name, dependent)]
    steps = _find_steps(nodes, products)
    return [name for name in products if name not in steps]


def _find_steps(nodes, products) -> Set[str]:
    """The products that read the same weights as a product that they depend on, or that depends on them."""
    sharing: Dict[str, List[str]] = collections.defaultdict(list)
    for name in products:
        weights = nodes.root(nodes.data_inputs(name)[1])
        while row(nodes.by_name[weights].op).kind == "read":
            weights = nodes.root(nodes.data_inputs(weights)[0])
        sharing[weights].append(name)
    steps: Set[str] = set()
    for names in sharing.values():
        if len(names) > 1 and names[0] in nodes.ancestors(names[-1:]):
            steps.update(names)
    return steps


def _has_weights(nodes, name, dependent):
    node = nodes.by_name[name]
    if node.op not in DENSE or attribute(node, "transpose_a").b:
        return False
    values, weights = nodes.data_inputs(name)
    return values in dependent and weights not in dependent


def without_refused(nodes: Graph, names: List[str], dependent: Set[str]) -> List[str]:
    """The nodes that can run: no operation between them and the input is refused."""
    refused: Set[str] = set()
    for name in nodes.order:
        if name in dependent and (refusal(nodes.by_name[name].op) or not refused.isdisjoint(nodes.data_inputs(name))):
            refused.add(name)
    return [name for name in names if name not in refused]


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
            name, integer = layer.start + AS_IMAGE, tf.int32.as_datatype_enum
            sizes = constant(f"{name}/shape", [-1, 1, 1, shape[1]], integer)
            kinds = {"T": tf.AttrValue(type=dtype.as_datatype_enum), "Tshape": tf.AttrValue(type=integer)}
            graph.add(sizes, new_node("Reshape", name, [layer.start, sizes.name], **kinds))
            types[name], types[sizes.name] = TensorType(dtype, [shape[0], 1, 1, shape[1]]), TensorType(tf.int32, [4])
            layer = layer._replace(start=name)
        changed.append(layer)
    graph.types = types
    return changed

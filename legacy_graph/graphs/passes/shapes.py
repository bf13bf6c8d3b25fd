"""Shapes that a graph fixes or computes, although the images have another number, or always this size."""

from typing import Dict, Iterable, List, Optional, Set, Union

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.graphs.batch_rules import IMAGES, Batch
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.nodes import constant, identity, new_node, node_name
from legacy_graph.graphs.op_table import SHAPES, of_kind, row
from legacy_graph.graphs.operations import attribute
from legacy_graph.graphs.tensor_types import TensorType

_MOST = 16  # values of a tensor with sizes
# Operations on shapes with an open length, through which TensorFlow follows the other lengths.
_SHAPE_PARTS = of_kind("join", "strided slice", "cast", "identity")
# Rules (the column `moves` of the table) of operations that may hold the batch as a number.
_FIXING = ("reshape", "transposed convolution")


def remove_reshapes(graph: Graph) -> None:
    """Replace each Reshape of known type that does not change the shape, whatever the number of images, with Identity.

    The types may be those for any number of images, or for a certain one.
    """
    types, moving = graph.types, graph.dependents([graph.input], shapes=True)
    shapes = {name for name in moving if graph.by_name[name].op in SHAPES}
    for node in list(graph.by_name.values()):
        if node.op == "Reshape" and node.name in types and ":" not in node.input[0]:
            before, after = types[node_name(node.input[0])].shape, types[node.name].shape
            if before and after and before[1:] == after[1:] and None not in after[1:]:
                # From parts of shapes alone, TensorFlow infers all lengths but the batch for an open batch too.
                parts = graph.ancestors([node_name(node.input[1])], without=shapes) & moving
                if after[0] is None or all(graph.by_name[name].op in _SHAPE_PARTS for name in parts):
                    graph.add(identity(node.name, node.input[0], attribute(node, "T")))
    graph.types = types


def free_batch(graph: Graph, names: Set[str], batch: int) -> None:
    """Make reshapes and transposed convolutions with a fixed batch accept any batch. `check_batch` checks them later.

    Args:
        graph: cut at its input.
        names: of the layers and the nodes after them.
        batch: of the input.
    """
    dependent = graph.dependent
    nodes = [graph.by_name[name] for name in graph.order if name in dependent]
    nodes = [node for node in nodes if row(node.op).moves in _FIXING]
    known = {node.name: _declared_shape(graph, node) for node in nodes}
    types = graph.infer_types(names) if None in known.values() else {}
    for node in nodes:
        shape = types[node.name].shape if known[node.name] is None and node.name in types else known[node.name]
        if not shape or shape[0] != batch or (batch > 1 and None in shape):
            continue
        if node.op == "Conv2DBackpropInput":
            if batch > 1:
                sizes = constant(f"{node.name}/free_batch/size_1", [1, *shape[1:]])
                graph.add(sizes)
                graph.connect(node.name, 0, sizes.name)
            _free_output_size(graph, node)
        elif None not in shape:
            sizes = constant(f"{node.name}/free_batch", [-1, *shape[1:]], attribute(node, "Tshape").type)
            graph.add(sizes)
            graph.connect(node.name, 1, sizes.name)


def _declared_shape(graph, node) -> Optional[List[int]]:
    """The sizes that a node gives its output, where -1 is any length; None if only TensorFlow can infer them."""
    reference = node.input[1 if node.op == "Reshape" else 0]
    sizes = graph.constant(reference)
    if sizes is not None:
        return None if -1 in sizes[1:] else sizes.tolist()
    return [-1] if graph.by_name[graph.root(reference)].op in SHAPES else None


def _free_output_size(graph, node):
    """Multiply the output size of a transposed convolution, whose batch is 1, by [B, 1, 1, 1] of its input."""
    prefix = f"{node.name}/free_batch"
    begin, size = constant(f"{prefix}/begin", [0, 0, 0, 0]), constant(f"{prefix}/size", [-1, 1, 1, 1])
    inputs = [node.input[2], begin.name, size.name]
    corner = new_node("Slice", f"{prefix}/corner", inputs, T=tf.float32, Index=tf.int32)
    shape = new_node("Shape", f"{prefix}/shape", [corner.name], T=tf.float32, out_type=tf.int32)
    graph.add(begin, size, corner, shape, new_node("Mul", prefix, [node.input[0], shape.name], T=tf.int32))
    graph.connect(node.name, 0, prefix)


def fix_sizes(graph: Graph, imported: tf.Graph, places: Dict[str, Batch], filled: Set[str]) -> None:
    """Replace small integer tensors that depend on the size of the images, but not on their number, with constants.

    Shapes and receptive fields of what reads them are then known. The values are computed for one image and for
    `IMAGES`, from the shapes of the tensors. (A number of images that is divided by more than `IMAGES` is 0 for both,
    but leaves no image to show.)

    Args:
        graph: with known types.
        imported: this graph for `IMAGES` images, perhaps without some nodes.
        places: where the images are in its tensors.
        filled: names of the nodes that had the value, or the handle, of a variable.
    """
    moving, types = graph.dependent, graph.types
    before = graph.ancestors(moving).intersection(operation.name for operation in imported.get_operations())
    shapes = [imported.get_operation_by_name(name) for name in before if graph.by_name[name].op in SHAPES]
    shapes = [operation for operation in shapes if operation.inputs[0].op.name in moving]
    known = [operation for operation in shapes if has_known_shapes(operation, places)]
    unknown = graph.dependents(filled.union(operation.name for operation in set(shapes) - set(known)), shapes=True)
    sizes = graph.dependents([operation.name for operation in known], shapes=True) & before - moving - unknown
    sizes = [name for name in sizes if types[name].dtype and types[name].dtype.is_integer]
    operations = [imported.get_operation_by_name(name) for name in sizes]
    tensors = {operation.name: operation.outputs[0] for operation in operations if len(operation.outputs) == 1}
    if not tensors:
        return
    with tf.Session(graph=imported) as session:
        one, many = [session.run(tensors, shape_values(known, places, number)) for number in (1, IMAGES)]
    for name, value in one.items():
        if value.size <= _MOST and np.array_equal(value, many[name]):
            graph.add(constant(name, value))
            types[name] = TensorType(types[name].dtype, list(value.shape))
    graph.types = types


def has_known_shapes(operation: tf.Operation, places: Dict[str, Batch]) -> bool:
    """Whether the shapes that an operation reads are known for any number of images."""
    names = [tensor.op.name for tensor in operation.inputs]
    is_placed = all(name in places and places[name].after for name in names)
    return is_placed and all(tensor.shape.is_fully_defined() for tensor in operation.inputs)


def shape_values(
    operations: Iterable[tf.Operation], places: Dict[str, Batch], images: int
) -> Dict[tf.Tensor, Union[int, List[int]]]:
    """{output of an operation on shapes: its value for a number of images}."""
    values: Dict[tf.Tensor, Union[int, List[int]]] = {}
    for operation in operations:
        for tensor, output in zip(operation.inputs, operation.outputs):
            place, lengths = places[tensor.op.name], tensor.shape.as_list()
            lengths[place.axis] = place.before * images * place.after
            single = np.prod(lengths) if operation.type == "Size" else len(lengths)
            values[output] = lengths if output.shape.ndims else single
    return values

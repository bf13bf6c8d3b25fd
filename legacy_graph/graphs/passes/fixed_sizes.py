"""Sizes that a graph computes, such as twice the height of a tensor, are constants for images of one size."""

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.graphs.batch_rules import IMAGES
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.nodes import constant

_MOST = 16  # values of a tensor with sizes


def fix_sizes(graph: Graph) -> bool:
    """Replace small integer tensors that depend on the size of the images, but not on their number, with constants.

    Shapes and receptive fields of what reads them are then known. Runs the graph for one image and for `IMAGES`. (A
    number of images that is divided by more than `IMAGES` is 0 for both, but leaves no image to show.)

    Args:
        graph: frozen.

    Returns:
        Whether there are such tensors. There are none if the size of the images is open.
    """
    shape = graph.types[graph.input].shape[1:]
    moving = graph.dependents([graph.input])
    sizes = graph.ancestors(moving) & graph.dependents([graph.input], shapes=True) - moving
    sizes = [name for name in sizes if graph.types[name].dtype and graph.types[name].dtype.is_integer]
    if None in shape or not sizes:
        return False
    with tf.Graph().as_default() as imported, tf.Session(graph=imported) as session:
        tf.import_graph_def(graph.to_graph_def(), name="")
        operations = [imported.get_operation_by_name(name) for name in sizes]
        tensors = {operation.name: operation.outputs[0] for operation in operations if len(operation.outputs) == 1}
        image = imported.get_tensor_by_name(f"{graph.input}:0")
        try:
            one, many = [session.run(tensors, {image: np.zeros([number, *shape], "f")}) for number in (1, IMAGES)]
        except tf.errors.OpError:
            return False  # zeros are no valid images of this graph
    fixed = [name for name, value in one.items() if value.size <= _MOST and np.array_equal(value, many[name])]
    graph.add(*(constant(name, one[name], tensors[name].dtype.as_datatype_enum) for name in fixed))
    return bool(fixed)

"""Leave out layers that combine the images of a batch: their activations for an image depend on other images."""

from typing import Dict, List, Optional, Tuple

import numpy as np
import tensorflow.compat.v1 as tf
from tensorflow.python.framework import tensor_util

from legacy_graph.errors import UserError, reason
from legacy_graph.graphs.choose_layers import left_out
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.model import ConvLayer
from legacy_graph.graphs.nodes import cut

# {operation: (position of the input with the values, position of the input with the axes)} of operations that combine,
# divide or reorder the values along the axes.
_AXES = {
    **dict.fromkeys(["Mean", "Sum", "Max", "Min", "Prod", "EuclideanNorm", "All", "Any", "ArgMax", "ArgMin"], (0, 1)),
    **dict.fromkeys(["Cumsum", "Cumprod", "ReverseV2"], (0, 1)),
    "Roll": (0, 2), "GatherV2": (0, 2), "SplitV": (0, 2), "ConcatV2": (0, -1), "Concat": (1, 0), "Split": (1, 0),
}  # fmt: skip
_JOINS = ("Concat", "ConcatV2")
_SIDE = 64  # assumed height and width where the graph leaves them open
_IMAGES = 7  # assumed number of images, to check that the graph does not change it


def check_batch(graph: Graph, layers: List[ConvLayer], all_needed: bool) -> Tuple[List[ConvLayer], List[str]]:
    """Leave out the layers after an operation that combines the images of a batch, or changes their number or order.

    Args:
        graph: frozen, of any layout.
        layers: with `label` and `start`.
        all_needed: refuse the graph if a layer would be left out.

    Returns:
        The other layers, and sentences that name the layers left out.

    Raises:
        UserError: no layer is left, or one would be left out although `all_needed`. The error names the operation on
            the batch axis or on unknown axes, or the layer whose batch size differs.
    """
    input, dependent = graph.input, graph.dependents([graph.input])
    imported = _with_batch(graph)
    errors: Dict[str, UserError] = {}
    for name in graph.order:
        if name in dependent:
            before = [errors[source] for source in graph.data_inputs(name) if source in errors]
            error = before[0] if before else _refusal(imported.get_operation_by_name(name), dependent, input)
            if error:
                errors[name] = error
    for layer in layers:
        batch = (imported.get_tensor_by_name(f"{layer.start}:0").shape.dims or [tf.Dimension(None)])[0].value
        if layer.start not in errors and batch not in (None, _IMAGES):
            found = f"{batch} for {_IMAGES} images"
            hint = "use --input to name a node after the operation that changes the batch"
            errors[layer.start] = UserError(f"layer {layer.label}", "one result for each image", found, hint)
    good = [layer for layer in layers if layer.start not in errors]
    bad = [layer for layer in layers if layer.start in errors]
    if bad and (all_needed or not good):
        raise errors[bad[0].start]
    return good, left_out({layer.label: str(errors[layer.start]) for layer in bad})


def _refusal(operation, dependent, input) -> Optional[UserError]:
    found = _combined(operation, dependent, input)
    if found is None:
        return None
    where, hint = f"operation {operation.type} ({operation.name})", "export the graph for inference"
    return UserError(where, "an operation within each image", found, hint)


def _with_batch(graph):
    """The graph imported with a batch of _IMAGES."""
    graph_def, sides = (
        graph.to_graph_def(),
        tf.TensorShape(graph.by_name[graph.input].attr["shape"].shape).as_list()[1:],
    )
    cut(graph_def, graph.input, [_IMAGES, *sides])
    try:
        with tf.Graph().as_default() as imported:
            tf.import_graph_def(graph_def, name="")
            return imported
    except ValueError as error:
        hint = "export the graph without a fixed batch size"
        raise UserError("graph", "any number of images", reason(error), hint) from error


def _value(tensor, dependent, input) -> Optional[np.ndarray]:
    """The value of a tensor that does not depend on the images' values; None if it depends on them or is unknown."""
    value = tensor_util.constant_value(tensor)
    if value is not None or tensor.op.name in dependent:
        return value
    images = tensor.graph.get_tensor_by_name(f"{input}:0")
    with tf.Session(graph=tensor.graph) as session:
        try:
            return session.run(tensor, {images: np.zeros([side or _SIDE for side in images.shape.as_list()])})
        except tf.errors.OpError:
            return None


def _combined(operation, dependent, input) -> Optional[str]:
    """Why an operation may combine images, or None."""
    if operation.type == "L2Loss":
        return "a sum over the batch axis"
    if operation.type == "CropAndResize":
        return "boxes, whose number differs from image to image"
    if operation.type == "Transpose":
        order = _value(operation.inputs[1], dependent, input)
        kept = order is not None and order[0] == 0
        return None if kept else "an order of the axes in which the batch may not be first"
    if operation.type in ("Pack", "Unpack"):
        values = (operation.outputs if operation.type == "Pack" else operation.inputs)[0]
        axes = operation.get_attr("axis")
    elif operation.type in _AXES:
        values, axes = [operation.inputs[position] for position in _AXES[operation.type]]
        if values.op.name not in dependent and operation.type not in _JOINS:
            return None
        axes = _value(axes, dependent, input)
    else:
        return None
    rank = values.shape.ndims
    if axes is None or (rank is None and np.any(np.less(axes, 0))):
        return "unknown axes"
    return "the batch axis" if any(axis in (0, -(rank or 0)) for axis in np.ravel(axes)) else None

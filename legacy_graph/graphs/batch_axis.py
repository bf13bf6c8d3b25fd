"""Leave out layers that combine the images of a batch: their activations for an image depend on other images.

An operation is allowed if a rule of the table shows that it keeps the images apart, see `batch_rules`.
"""

from typing import Dict, List, Optional, Tuple

import numpy as np
import tensorflow.compat.v1 as tf
from tensorflow.python.framework import tensor_util

from legacy_graph.errors import UserError
from legacy_graph.graphs import batch_joins, batch_rules
from legacy_graph.graphs.batch_rules import IMAGES, Batch, Result, Step
from legacy_graph.graphs.choose_layers import left_out
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.model import ConvLayer
from legacy_graph.graphs.nodes import cut
from legacy_graph.graphs.op_table import SHAPES, row
from legacy_graph.graphs.tensor_types import TensorType, type_of

RULES = {**batch_rules.RULES, **batch_joins.RULES}
_SIDES = (64, 256)  # assumed height and width where the graph leaves them open: the first that the graph accepts
_LARGEST = 2**29  # values of a tensor, for 7 images: 2 GB


def check_batch(graph: Graph, layers: List[ConvLayer], all_needed: bool) -> Tuple[List[ConvLayer], List[str]]:
    """Leave out the layers after an operation that may combine the images of a batch, or is too large to run.

    Args:
        graph: frozen, of any layout.
        layers: with `label` and `start`.
        all_needed: refuse the graph if a layer would be left out.

    Returns:
        The other layers, and sentences that name the layers left out.

    Raises:
        UserError: no layer is left, or one would be left out although `all_needed`. The error names the operation, or
            the layer whose results are not one for each image.
    """
    imported, errors = _with_batch(graph)
    with tf.Session(graph=imported) as session:
        images = _Images(graph, session)
        for name in graph.order:
            before = [errors[source] for source in graph.data_inputs(name) if source in errors]
            error = errors.get(name) or (before[0] if before else images.follow(name))
            if error:
                errors[name] = error
    if None not in _sides(graph):
        graph.types = images.types()
    for layer in layers:
        if layer.start not in errors and images.places.get(layer.start) != Batch():
            errors[layer.start] = _other_results(layer, images.places.get(layer.start))
    good = [layer for layer in layers if layer.start not in errors]
    bad = [layer for layer in layers if layer.start in errors]
    if bad and (all_needed or not good):
        raise errors[bad[0].start]
    return good, left_out({layer.label: str(errors[layer.start]) for layer in bad})


def follow(step: Step) -> Result:
    """Where the images are in the outputs of an operation, or why they may be combined."""
    known = row(step.operation.type)
    dependent = [number for number, batch in enumerate(step.inputs) if batch]
    if known.data is not None and not set(dependent) <= set(known.data):
        return "parameters that depend on the images"
    if known.batch not in RULES:
        return "no rule that keeps the images apart"
    return RULES[known.batch](step, step.inputs[dependent[0]])


class _Images:
    """A graph for a batch of IMAGES, and where the images are in its tensors."""

    def __init__(self, graph, session):
        self.dependent = graph.dependents([graph.input])
        self.session = session
        self.images = session.graph.get_tensor_by_name(f"{graph.input}:0")
        self.places: Dict[str, Batch] = {graph.input: Batch()}

    def types(self) -> Dict[str, TensorType]:
        """The types of the tensors, with an open batch."""
        types = {operation.name: type_of(operation) for operation in self.session.graph.get_operations()}
        for name, place in self.places.items():
            if types[name].shape:
                types[name].shape[place.axis] = None
        return types

    def follow(self, name) -> Optional[UserError]:
        """Follow the images through a node; returns why it cannot run, or may combine them."""
        operation = self.session.graph.get_operation_by_name(name)
        where = f"operation {operation.type} ({name})"
        largest = max([tensor.shape.num_elements() or 0 for tensor in operation.outputs], default=0)
        if largest > _LARGEST:
            hint = "export a graph for smaller images or batches"
            return UserError(where, f"at most {_LARGEST:,} values", f"{largest:,}", hint)
        inputs = [self.places.get(tensor.op.name) for tensor in operation.inputs]
        if name in self.places or not any(inputs) or operation.type in SHAPES:
            return None
        place = follow(Step(operation, inputs, self.value))
        if isinstance(place, str):
            return UserError(where, "an operation within each image", place, "export the graph for inference")
        self.places[name] = place
        return None

    def value(self, tensor) -> Optional[np.ndarray]:
        """The value of a tensor; None if it depends on the images' values or is unknown."""
        value = tensor_util.constant_value(tensor)
        if value is not None or tensor.op.name in self.dependent:
            return value
        zeros = np.zeros([side or _SIDES[0] for side in self.images.shape.as_list()], np.float32)
        try:
            return self.session.run(tensor, {self.images: zeros})
        except tf.errors.OpError:
            return None


def _sides(graph):
    """Height, width and channels of the images; None where they are open."""
    return tf.TensorShape(graph.by_name[graph.input].attr["shape"].shape).as_list()[1:]


def _other_results(layer, place):
    if not place.after:
        hint, found = "export the graph with a fixed image size", "a number of results that depends on the image size"
        return UserError(f"layer {layer.label}", "one result for each image", found, hint)
    hint = "use --input to name a node after the operation that changes the batch"
    found = "images along another axis" if place.axis else f"{IMAGES * place.before * place.after} for {IMAGES} images"
    return UserError(f"layer {layer.label}", "one result for each image", found, hint)


def _with_batch(graph):
    """(the graph imported with a batch of IMAGES, {node that does not accept this number of images: the error})."""
    names, sides, errors = graph.order, _sides(graph), {}
    while True:
        for assumed in (*_SIDES, None):
            imported = _import(graph, names, [IMAGES, *(side or assumed for side in sides)])
            if imported is not None:
                return imported, errors
        refused = _first_refused(graph, names, [IMAGES, *sides])
        where = f"operation {graph.by_name[refused].op} ({refused})"
        hint = "export the graph without a fixed batch size, or name this node, or a node after it, with --input"
        errors[refused] = UserError(where, "any number of images", "a fixed number of images", hint)
        behind = graph.dependents([refused], shapes=True)
        names = [name for name in names if name not in behind]


def _first_refused(graph, names, shape) -> str:
    """The first node, in topological order, that TensorFlow does not accept with images of this shape."""
    accepted, refused = 0, len(names)
    while refused - accepted > 1:
        middle = (accepted + refused) // 2
        if _import(graph, names[:middle], shape) is None:
            refused = middle
        else:
            accepted = middle
    return names[refused - 1]


def _import(graph, names, shape) -> Optional[tf.Graph]:
    """These nodes imported, with images of this shape; None if TensorFlow does not accept them."""
    graph_def = tf.GraphDef(versions=graph.versions, node=[graph.by_name[name] for name in names])
    cut(graph_def, graph.input, shape)
    with tf.Graph().as_default() as imported:
        try:
            tf.import_graph_def(graph_def, name="")
        except ValueError:
            return None
    return imported

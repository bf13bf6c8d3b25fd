"""Leave out layers that combine the images of a batch: their activations for an image depend on other images.

An operation is allowed if a rule of the table shows that it keeps the images apart, see `batch_rules`.
"""

from typing import Dict, List, Optional, Set, Tuple

import numpy as np
import tensorflow.compat.v1 as tf
from tensorflow.python.framework import tensor_util

from legacy_graph.errors import UserError
from legacy_graph.graphs.axis_moves import Step
from legacy_graph.graphs.batch_import import SIDES, Imported, image_sides, import_accepted
from legacy_graph.graphs.batch_rules import IMAGES, Batch, Mixed, follow
from legacy_graph.graphs.choose_layers import left_out
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.model import ConvLayer
from legacy_graph.graphs.op_table import SHAPES
from legacy_graph.graphs.tensor_types import declared_type, sides, types_of

_LARGEST = 2**29  # values of a tensor, for 7 images: 2 GB


def check_batch(
    graph: Graph, layers: List[ConvLayer], before: Imported, filled: Set[str], all_needed: bool
) -> Tuple[List[ConvLayer], List[str]]:
    """Leave out the layers after an operation that may combine the images of a batch, or is too large to run.

    Args:
        graph: frozen, of any layout.
        layers: with `label` and `start`.
        before: the graph before its variables had values.
        filled: names of the nodes that had the value, or the handle, of a variable.
        all_needed: refuse the graph if a layer would be left out.

    Returns:
        The other layers, and sentences that name the layers left out.

    Raises:
        UserError: no layer is left, or one would be left out although `all_needed`. The error names the operation, or
            the layer whose results are not one for each image.
    """
    is_covered = graph.by_name.keys() <= before.types.keys()
    types, imported, errors = before.types, before.graph, {}
    if not imported or not is_covered:
        imported, errors = import_accepted(graph)
        types = types_of(imported)
    with tf.Session(graph=imported) as session:
        images = _Images(graph, session, filled)
        for name in graph.order:
            earlier = [errors[source] for source in graph.data_inputs(name) if source in errors]
            error = errors.get(name) or (earlier[0] if earlier else images.follow(name))
            if error:
                errors[name] = error
    is_fixed = None not in image_sides(graph)
    if is_fixed or is_covered:
        types = types if is_fixed else before.types
        for name, place in images.places.items() if is_fixed else ():
            if types[name].shape:
                types[name].shape[place.axis] = None
        graph.types = {**types, **{name: declared_type(graph.by_name[graph.root(name)]) for name in filled}}
    for layer in layers:
        if layer.start not in errors and images.places.get(layer.start) != Batch():
            errors[layer.start] = _other_results(layer, images.places.get(layer.start))
    good = [layer for layer in layers if layer.start not in errors]
    bad = [layer for layer in layers if layer.start in errors]
    if bad and (all_needed or not good):
        raise errors[bad[0].start]
    return good, left_out({layer.label: str(errors[layer.start]) for layer in bad})


class _Images:
    """A graph for a batch of IMAGES, and where the images are in its tensors."""

    def __init__(self, graph, session, filled):
        self.graph, self.session, self.filled = graph, session, filled
        self.dependent = graph.dependents([graph.input])
        self.images = session.graph.get_tensor_by_name(f"{graph.input}:0")
        self.places: Dict[str, Batch] = {graph.input: Batch()}

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
        shapes = [sides(tensor) for tensor in (*operation.inputs, operation.outputs[0])]
        try:
            self.places[name] = follow(Step(self.graph.by_name[name], shapes[:-1], shapes[-1], self.value), inputs)
        except Mixed as reason:
            expected = "an operation that keeps the images of a batch apart"
            hint = "export the graph for inference, or name a node after it with --input"
            return UserError(where, expected, str(reason), hint)
        return None

    def value(self, reference) -> Optional[np.ndarray]:
        """The value of a tensor; None if it depends on the images' values or is unknown."""
        tensor = self.session.graph.get_tensor_by_name(reference if ":" in reference else f"{reference}:0")
        value = tensor_util.constant_value(tensor)
        if value is not None or tensor.op.name in self.dependent:
            return value
        fed = {self.images: np.zeros([side or SIDES[0] for side in self.images.shape.as_list()], np.float32)}
        for name in self.filled and self.filled & self.graph.ancestors([tensor.op.name]):
            variable = self.session.graph.get_tensor_by_name(f"{name}:0")
            if variable.dtype != tf.resource:
                fed[variable] = self.graph.constant(name)
        try:
            return self.session.run(tensor, fed)
        except tf.errors.OpError:
            return None


def _other_results(layer, place):
    if not place.after:
        hint, found = "give the size of the images with --size", "a number of results that depends on the image size"
        return UserError(f"layer {layer.label}", "one result for each image", found, hint)
    hint = "use --input to name a node after the operation that changes the batch"
    found = "images along another axis" if place.axis else f"{IMAGES * place.before * place.after} for {IMAGES} images"
    return UserError(f"layer {layer.label}", "one result for each image", found, hint)

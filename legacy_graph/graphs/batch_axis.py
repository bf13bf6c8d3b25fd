"""Leave out layers that combine the images of a batch: their activations for an image depend on other images.

An operation is allowed if a rule of the table shows that it keeps the images apart, see `batch_rules`.
"""

from typing import Dict, List, Optional, Set, Tuple

import numpy as np
import tensorflow.compat.v1 as tf
from tensorflow.python.framework import tensor_util

from legacy_graph.errors import UserError
from legacy_graph.graphs.axis_moves import Step
from legacy_graph.graphs.batch_import import SIDES, image_sides, import_accepted
from legacy_graph.graphs.batch_rules import IMAGES, Batch, Mixed, follow
from legacy_graph.graphs.choose_layers import without_refused
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.model import ConvLayer
from legacy_graph.graphs.op_table import SHAPES
from legacy_graph.graphs.passes.shapes import fix_sizes, has_known_shapes, shape_values
from legacy_graph.graphs.tensor_types import sides

_LARGEST = 2**29  # values of a tensor, for 7 images: 2 GB


def check_batch(
    graph: Graph, layers: List[ConvLayer], imported: Optional[tf.Graph], filled: Set[str], all_needed: bool
) -> Tuple[List[ConvLayer], List[str]]:
    """Leave out the layers after an operation that may combine the images of a batch, or is too large to run.

    Args:
        graph: frozen, of any layout, with types.
        layers: with `label` and `start`.
        imported: from `import_images`, before the variables had values.
        filled: names of the nodes that had the value, or the handle, of a variable.
        all_needed: refuse the graph if a layer would be left out.

    Returns:
        The other layers, and sentences that name the layers left out.

    Raises:
        UserError: no layer is left, or one would be left out although `all_needed`. The error names the operation, or
            the layer whose results are not one for each image.
    """
    images = follow_images(graph, layers, imported, filled)
    errors = {layer.label: images.error_of(layer) for layer in layers}
    return without_refused(layers, {label: error for label, error in errors.items() if error}, all_needed)


def follow_images(graph: Graph, layers: List[ConvLayer], imported: Optional[tf.Graph], filled: Set[str]) -> "_Images":
    """Follow the images through the graph, and open the batch in its types. Arguments as for `check_batch`."""
    images = imported and _Images(graph, imported, {}, filled)
    if not images or (None in image_sides(graph) and any(map(images.error_of, layers))):
        images = _Images(graph, *import_accepted(graph), filled)
    for name, place in images.places.items():
        if graph.types[name].shape:
            graph.types[name].shape[place.axis] = None
    fix_sizes(graph, images.imported, images.places, filled)
    return images


class _Images:
    """Where the images are in the tensors of a graph, and why the values of others are not one for each image.

    Args:
        graph: as for `check_batch`.
        imported: this graph, for `IMAGES` images, without the nodes behind `errors`.
        errors: {node that does not accept this number of images: the error}.
        filled: as for `check_batch`.
    """

    def __init__(self, graph, imported, errors, filled):
        self.graph, self.imported, self.errors, self.filled = graph, imported, dict(errors), filled
        self.dependent = graph.dependent
        self.counting = graph.dependents([graph.input], shapes=True)  # may depend on the number of images
        # They read the shapes of tensors that depend on the images.
        self.readers = {name for name in self.counting - self.dependent if graph.by_name[name].op in SHAPES}
        self.images = imported.get_tensor_by_name(f"{graph.input}:0")
        self.places: Dict[str, Batch] = {graph.input: Batch()}
        with tf.Session(graph=imported) as self.session:
            for name in graph.order:
                earlier = [self.errors[source] for source in graph.data_inputs(name) if source in self.errors]
                error = self.errors.get(name) or (earlier[0] if earlier else self.follow(name))
                if error:
                    self.errors[name] = error

    def error_of(self, layer: ConvLayer) -> Optional[UserError]:
        """Why a layer has no result for each image; None if it has."""
        place = self.places.get(layer.start)
        return None if place == Batch() else self.errors.get(layer.start) or _other_results(layer, place)

    def follow(self, name) -> Optional[UserError]:
        """Follow the images through a node; returns why it cannot run, or may combine them."""
        operation = self.imported.get_operation_by_name(name)
        where = f"operation {operation.type} ({name})"
        largest = max([tensor.shape.num_elements() or 0 for tensor in operation.outputs], default=0)
        if largest > _LARGEST:
            hint = "export a graph for smaller images or batches"
            return UserError(where, f"at most {_LARGEST:,} values", f"{largest:,}", hint)
        inputs = [self.places.get(tensor.op.name) for tensor in operation.inputs]
        if name in self.places or not any(inputs) or operation.type in SHAPES:
            return None
        shapes = [sides(tensor.shape) for tensor in (*operation.inputs, operation.outputs[0])]
        counting = [tensor.op.name in self.counting for tensor in operation.inputs]
        step = Step(self.graph.by_name[name], shapes[:-1], shapes[-1], self.value)
        try:
            self.places[name] = follow(step, inputs, counting)
        except Mixed as reason:
            expected = "an operation that keeps the images of a batch apart"
            hint = "export the graph for inference, or name a node after it with --input"
            return UserError(where, expected, str(reason), hint)
        return None

    def value(self, reference, images=IMAGES) -> Optional[np.ndarray]:
        """The value of a tensor for a number of images; None if it depends on the images' values or is unknown."""
        tensor = self.session.graph.get_tensor_by_name(reference if ":" in reference else f"{reference}:0")
        if tensor.op.name in self.dependent:
            return None
        if tensor.op.name not in self.counting:
            value = tensor_util.constant_value(tensor)  # a shape that it reads cannot be fed later
            if value is not None:
                return value
        before = self.graph.ancestors([tensor.op.name])
        shapes = [self.imported.get_operation_by_name(name) for name in before & self.readers]
        if all(has_known_shapes(operation, self.places) for operation in shapes):
            fed = shape_values(shapes, self.places, images)  # without the tensors: TensorFlow cannot run NCHW
        elif images == IMAGES:
            fed = {self.images: np.zeros([side or SIDES[0] for side in self.images.shape.as_list()], np.float32)}
        else:
            return None
        for name in self.filled & before:
            variable = self.imported.get_tensor_by_name(f"{name}:0")
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

"""Load a graph of the user: read it, run the passes, choose the input and the layers, fill the variables, measure."""

from typing import Any, Dict, Optional, Tuple

from legacy_graph.config import DEFAULT_SIGNATURE
from legacy_graph.errors import UserError
from legacy_graph.graphs.batch_axis import check_batch, follow_images
from legacy_graph.graphs.batch_import import import_images
from legacy_graph.graphs.choose_layers import choose_layers, unknown_layer, without_refused
from legacy_graph.graphs.entry import cut_at_input, set_size
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.inspect import AS_IMAGE, measure_layers, stand_as_images
from legacy_graph.graphs.layers import has_name
from legacy_graph.graphs.model import ConvLayer, Model
from legacy_graph.graphs.nodes import canonical
from legacy_graph.graphs.passes import FROZEN_PASSES, PASSES, run_passes
from legacy_graph.graphs.passes.inference import set_placeholders
from legacy_graph.graphs.passes.moving_averages import MOVING_AVERAGE
from legacy_graph.graphs.passes.nhwc import NCHW
from legacy_graph.graphs.passes.shapes import remove_reshapes
from legacy_graph.graphs.passes.single_nodes import HALF_NAMES
from legacy_graph.graphs.read import read_source
from legacy_graph.graphs.read.variables import Source, fill_variables
from legacy_graph.tf_setup import paused_collection


def load_model(
    path: str,
    checkpoint: Optional[str] = None,
    signature: str = DEFAULT_SIGNATURE,
    tags: Optional[str] = None,
    **options: Any,
) -> Model:
    """Load a file with a graph.

    Args:
        path: a frozen GraphDef (.pb, .pbtxt), a MetaGraph (.meta), a Keras file (.h5, .keras) or a SavedModel
            directory.
        checkpoint, signature, tags: as in `read_source`.
        options: as in `load_source`.

    Raises:
        UserError: the graph cannot be read, run, or shown correctly.
    """
    return load_source(read_source(path, checkpoint, signature, tags), path, **options)


def load_source(
    source: Source,
    path: str,
    input: Optional[str] = None,
    layer: Optional[str] = None,
    size: Optional[Tuple[int, int]] = None,
    values: Optional[Dict[str, bool]] = None,
) -> Model:
    """Load a graph that was read before.

    Args:
        source: the graph; it is changed.
        path: of its file, or another name, for messages.
        input: name of the node that takes the images; by default the only one.
        layer: label or name; by default all. With a layer, only the nodes from the input to it are kept.
        size: height and width of the images, in pixels, if the graph does not fix them.
        values: of bool placeholders, such as {"is_training": False}; by default their names decide.

    Raises:
        UserError: the graph cannot be run, or shown correctly.
    """
    with paused_collection():
        return _load(source, path, input, layer, size, values or {})


def _load(source, path, input, layer, size, values):
    graph = source.graph
    notes = set_placeholders(graph, values) + run_passes(graph, PASSES)
    names, entry_notes = cut_at_input(graph, path, input, source.inputs, size)
    imported = import_images(graph, names, layer, size)
    remove_reshapes(graph)
    layers, left_out = choose_layers(graph, layer)
    _prune(graph, layers)
    filled = fill_variables(graph, source.read)
    layers, batch_notes = check_batch(graph, layers, imported, filled, all_needed=layer is not None)
    _prune(graph, layers)
    notes = _mark_notes(graph) + notes
    layout_notes = run_passes(graph, FROZEN_PASSES)
    layers, axes_notes = without_refused(layers, _axes_errors(graph, layers), all_needed=layer is not None)
    layers = measure_layers(graph, stand_as_images(graph, layers))
    shape = tuple(graph.types[graph.input].shape[1:])
    notes += entry_notes + left_out + batch_notes + layout_notes + axes_notes
    return Model(graph, graph.input, shape, layers, notes)


def _axes_errors(graph, layers):
    """{label: the error}, of the layers that end with a tensor of rank 4 whose height, width and maps are unknown."""
    expected, hint = "a tensor whose height, width and maps are known", "choose a layer before it"
    errors = {}
    for layer in layers:
        if NCHW in graph.marks.get(layer.start, ()) and len(graph.types[layer.start].shape or ()) == 4:
            found = f"{graph.by_name[layer.start].op} ({layer.start}), which could not be converted from NCHW"
            errors[layer.label] = UserError(f"layer {layer.label}", expected, found, hint)
    return errors


def with_size(model: Model, height: int, width: int) -> Model:
    """The same model for images of one size, so that all shapes and receptive fields are known.

    Args:
        model: whose input does not fix the height or the width.
        height: of the images, in pixels.
        width: of the images, in pixels.

    Raises:
        UserError: the graph does not accept this size, or fixes a different one.
    """
    graph = Graph(model.graph_def)
    graph.input = model.input
    shape = tuple(set_size(graph, (height, width)))
    imported = import_images(graph, set(graph.by_name), None, (height, width))
    remove_reshapes(graph)
    follow_images(graph, model.layers, imported, set())
    return model._replace(graph=graph, input_shape=shape, layers=measure_layers(graph, model.layers))


def find_layer(model: Model, name: str) -> ConvLayer:
    """The layer with this label or name (see `has_name`), or with an end or activation of this name.

    Raises:
        UserError: there is no such layer.
    """
    for layer in model.layers:
        if name == layer.name or has_name(layer, name):
            return layer
    tensors = {canonical(name), canonical(name) + AS_IMAGE}
    for layer in model.layers:
        if not tensors.isdisjoint((layer.label, layer.name, layer.activation, layer.start)):
            return layer
    raise unknown_layer(name, [layer.label for layer in model.layers])


def _mark_notes(graph):
    """A sentence each about the moving averages and about the half precision tensors of a pruned graph."""
    marks, notes = [graph.marks[name] for name in graph.by_name if name in graph.marks], []
    count = (sum(MOVING_AVERAGE in names for names in marks) + 1) // 2  # a model can need the mean alone
    if count:
        notes.append(f"Batch norms that use the moving averages of the checkpoint, as at inference: {count}.")
    kinds = sorted(HALF_NAMES.intersection(set().union(*marks)))
    if kinds:
        notes.append(f"The {' and '.join(kinds)} tensors of the graph are computed as float32.")
    return notes


def _prune(graph, layers):
    names = {name for layer in layers for name in (layer.name, layer.start, layer.activation) if name}
    graph.keep(graph.ancestors(names))

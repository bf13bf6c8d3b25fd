"""Load a graph of the user: read, set to inference, cut at the input, freeze, inspect."""

import os
from typing import List, NamedTuple, Optional, Tuple

import tensorflow.compat.v1 as tf

from legacy_graph.config import DEFAULT_SIGNATURE
from legacy_graph.errors import UserError
from legacy_graph.graphs import inference, nhwc, rewrite
from legacy_graph.graphs.batch_axis import check_batch
from legacy_graph.graphs.choose_layers import choose_layers, unknown_layer
from legacy_graph.graphs.functions import inline_functions
from legacy_graph.graphs.inputs import choose_input, find_sources, first_image, split_batches
from legacy_graph.graphs.inspect import find_convolutions, measure_layers
from legacy_graph.graphs.model import ConvLayer, Model
from legacy_graph.graphs.moving_averages import use_moving_averages
from legacy_graph.graphs.nodes import Nodes, keep
from legacy_graph.graphs.one_dimension import move_squeezes
from legacy_graph.graphs.op_table import CONVOLUTIONS, ELEMENTWISE, of_kind
from legacy_graph.graphs.operations import check_operations, definition, strip_attributes
from legacy_graph.graphs.read_file import read_frozen, read_meta_graph
from legacy_graph.graphs.saved_model import read_signature
from legacy_graph.graphs.tensor_types import infer_types
from legacy_graph.graphs.variables import ReadVariables, fill_variables, read_checkpoint, refuse_variables

# These keep the values of the images; the type or the shape may change.
_KEEPING = of_kind("identity", "pass", "stop", "cast", "reshape", "transpose", "input")


class _Source(NamedTuple):
    """A graph before any rewrite."""

    graph_def: tf.GraphDef
    inputs: List[str]  # declared by a signature
    read: ReadVariables


def load_model(
    path: str,
    checkpoint: Optional[str] = None,
    signature: str = DEFAULT_SIGNATURE,
    input: Optional[str] = None,
    layer: Optional[str] = None,
    size: Optional[Tuple[int, int]] = None,
) -> Model:
    """Load a graph for its feature maps.

    Args:
        path: a frozen GraphDef (.pb, .pbtxt), a MetaGraph (.meta) or a SavedModel directory.
        checkpoint: prefix of a checkpoint; by default that with the name of the MetaGraph.
        signature: of a SavedModel.
        input: name of the node that takes the images; by default the only one.
        layer: label or name; by default all convolution layers. With a layer, only the nodes from the input to it are
            kept.
        size: height and width of the images, in pixels, if the graph does not fix them.

    Raises:
        UserError: the graph cannot be read, run, or shown correctly.
    """
    source = _read(path, checkpoint, signature)
    graph_def = source.graph_def
    strip_attributes(graph_def.node)
    rewrite.pass_on(graph_def)
    split_batches(graph_def)
    averages, notes = use_moving_averages(graph_def), inference.set_to_inference(graph_def)
    graph_def = inline_functions(graph_def)
    halves = rewrite.to_float32(graph_def)
    rewrite.unfuse(graph_def)
    inference.remove_dropout(graph_def, find_sources(Nodes(graph_def)))
    move_squeezes(graph_def)
    graph_def, name, types, cut_notes = _cut_at_input(graph_def, path, input, source.inputs)
    kept, left_out = choose_layers(Nodes(graph_def), types, name, layer)
    graph_def = _prune(graph_def, kept)
    fill_variables(graph_def, source.read)
    kept, batch_notes = check_batch(graph_def, name, kept, all_needed=layer is not None)
    graph_def = _prune(graph_def, kept)
    notes = _value_notes(graph_def, averages, halves) + notes
    graph_def, layout_notes = nhwc.to_nhwc(graph_def, name)
    layers = measure_layers(graph_def, name, kept)
    shape = tuple(infer_types(graph_def)[name].shape[1:])
    model = Model(graph_def, name, shape, layers, notes + cut_notes + left_out + batch_notes + layout_notes)
    return model if size is None else with_size(model, *size)


def with_size(model: Model, height: int, width: int) -> Model:
    """The same model for images of one size, so that all shapes and receptive fields are known.

    Args:
        model: whose input does not fix the height or the width.
        height: of the images, in pixels.
        width: of the images, in pixels.

    Raises:
        UserError: the graph does not accept this size, or fixes a different one.
    """
    if any(side not in (None, given) for side, given in zip(model.input_shape, (height, width))):
        expected = " x ".join(str(side or "any") for side in model.input_shape[:2])
        raise UserError("--size", expected, f"{height} x {width}", "leave it out: the graph fixes the size")
    graph_def = tf.GraphDef.FromString(model.graph_def.SerializeToString())
    shape = [height, width, model.input_shape[2]]
    rewrite.cut(graph_def, model.input, [None, *shape])
    try:
        rewrite.remove_reshapes(graph_def, infer_types(graph_def))
        layers = measure_layers(graph_def, model.input, model.layers)
    except UserError as error:
        found = f"{height} x {width} ({str(error.found).split(' for ')[0]})"
        hint = "choose larger images, or a larger --size"
        raise UserError("image size", "a height and width that the graph accepts", found, hint) from error
    return model._replace(graph_def=graph_def, input_shape=tuple(shape), layers=layers)


def find_layer(model: Model, name: str) -> ConvLayer:
    """The layer with this label or name, or with an activation or pool of this name.

    Raises:
        UserError: there is no such layer.
    """
    found = [layer for layer in model.layers if name in (layer.label, layer.name)]
    for layer in found or model.layers:
        if name in (layer.label, layer.name, layer.activation, layer.start):
            return layer
    raise unknown_layer(name, [layer.label for layer in model.layers])


def _read(path, checkpoint, signature) -> _Source:
    if os.path.isdir(path):
        if checkpoint is not None:
            hint = "leave it out: a SavedModel holds its variables"
            raise UserError("--checkpoint", "a MetaGraph", f"the SavedModel {path}", hint)
        graph = read_signature(path, signature)
        return _Source(graph.graph_def, graph.inputs, graph.read)
    if signature != DEFAULT_SIGNATURE:
        raise UserError("--signature", "a SavedModel directory", path, "leave it out: only a SavedModel has signatures")
    if path.endswith(".meta"):
        graph_def = read_meta_graph(path).graph_def
        return _Source(graph_def, [], read_checkpoint(checkpoint or path[: -len(".meta")], graph_def))
    graph_def = read_frozen(path)
    read = read_checkpoint(checkpoint, graph_def) if checkpoint else refuse_variables(path)
    return _Source(graph_def, [], read)


def _cut_at_input(graph_def, path, named, declared):
    """(graph after the new placeholder, its name, types of the tensors, notes)."""
    nodes = Nodes(graph_def)
    convolutions = {name for name, node in nodes.by_name.items() if node.op in CONVOLUTIONS}
    if not convolutions:
        check_operations(nodes.by_name[name] for name in nodes.order)
        raise UserError(path, "a graph with 2-D convolutions", "none", "give a convolutional network")
    start = choose_input(nodes, named, declared, convolutions)
    names = set(find_convolutions(nodes, nodes.dependents([start])))
    unknown = {name for name, node in nodes.by_name.items() if definition(node.op) is None}
    importable = {name for name in names if not unknown or not unknown & nodes.ancestors([name])}
    if not importable:
        check_operations(nodes.by_name[name] for name in nodes.order if name in nodes.ancestors(names))
    types = infer_types(keep(graph_def, nodes.ancestors(_with_elementwise(nodes, importable, unknown))))
    name = first_image(nodes, start, types, names, skip=named is None)
    shape = types[name].shape or [None] * 4
    channels = shape[3] or _channels(nodes, types, names)
    graph_def = keep(graph_def, set(nodes.by_name))
    del graph_def.library.function[:]
    rewrite.cut(graph_def, name, [None, *shape[1:3], channels])
    if shape[0] == 1:
        rewrite.free_batch(graph_def, name, types)
    rewrite.remove_reshapes(graph_def, types)
    rewrite.remove_defaults(graph_def, name)
    return graph_def, name, types, _entry_notes(nodes, start, name)


def _with_elementwise(nodes, convolutions, unknown):
    """The convolutions, and the elementwise operations and reshapes after them that this TensorFlow knows."""
    found = set(convolutions)
    for name in nodes.order:
        follows = nodes.by_name[name].op in ELEMENTWISE | {"Reshape"} and found.intersection(nodes.data_inputs(name))
        if follows and not (unknown and unknown & nodes.ancestors([name])):
            found.add(name)
    return found


def _entry_notes(nodes, start, name):
    """A sentence that names the node where the images enter, if this is not the input of the graph."""
    if name == start:
        return []
    skipped = nodes.ancestors([name]) & nodes.dependents([start]) - {start, name}
    does = any(nodes.by_name[one].op not in _KEEPING for one in skipped)
    note = f"The images enter at {name}, after {start}."
    return [f"{note} The operations between them do not run." if does else note]


def _channels(nodes, types, names):
    """The channels that the first convolution expects."""
    first = min(names, key=nodes.order.index)
    kernel = types[nodes.data_inputs(first)[1]].shape
    return kernel and kernel[2]


def _value_notes(graph_def, averages, halves):
    """A sentence each about the moving averages and about the half precision tensors of a pruned graph.

    `averages` and `halves` are as from `use_moving_averages` and `to_float32`.
    """
    names, notes = {node.name for node in graph_def.node}, []
    count = (len(averages & names) + 1) // 2  # a model can need the mean alone
    if count:
        notes.append(f"Batch norms that use the moving averages of the checkpoint, as at inference: {count}.")
    kinds = sorted(set().union(*(halves[name] for name in names & set(halves))))
    if kinds:
        notes.append(f"The {' and '.join(kinds)} tensors of the graph are computed as float32.")
    return notes


def _prune(graph_def, layers):
    names = {name for layer in layers for name in (layer.name, layer.start, layer.activation) if name}
    return keep(graph_def, Nodes(graph_def).ancestors(names))

"""Load a graph that someone else trained: read, set to inference, cut at the input, freeze, inspect."""

import os
from typing import Dict, List, NamedTuple, Optional

import tensorflow.compat.v1 as tf

from legacy_graph.errors import UserError
from legacy_graph.graphs import inference, layout, rewrite
from legacy_graph.graphs.inputs import choose_input, find_sources, first_image
from legacy_graph.graphs.inspect import CONVOLUTIONS, find_convolutions, find_ends, measure_layers, short_labels
from legacy_graph.graphs.model import ConvLayer, Model
from legacy_graph.graphs.nodes import Nodes, keep
from legacy_graph.graphs.operations import check_operations, definition, strip_attributes
from legacy_graph.graphs.read_file import read_frozen, read_meta_graph
from legacy_graph.graphs.saved_model import read_signature
from legacy_graph.graphs.tensor_types import infer_types
from legacy_graph.graphs.variables import ReadVariables, fill_variables, read_checkpoint, refuse_variables


class _Source(NamedTuple):
    """A graph as it was read."""

    graph_def: tf.GraphDef
    inputs: List[str]  # declared by a signature
    read: ReadVariables


def load_model(
    path: str,
    checkpoint: Optional[str] = None,
    signature: str = "serving_default",
    input: Optional[str] = None,
    layer: Optional[str] = None,
) -> Model:
    """Load a graph for its feature maps.

    Args:
        path: a frozen GraphDef (.pb, .pbtxt), a MetaGraph (.meta) or a SavedModel directory.
        checkpoint: prefix of a checkpoint; by default the one beside a MetaGraph.
        signature: of a SavedModel.
        input: name of the node that takes the images; by default the only one.
        layer: label or name; by default all convolution layers. Only this layer's way from the input is kept then.

    Raises:
        UserError: the graph cannot be read, run, or shown truthfully.
    """
    source = _read(path, checkpoint, signature)
    graph_def = source.graph_def
    strip_attributes(graph_def.node)
    notes = inference.set_to_inference(graph_def)
    rewrite.unfuse(graph_def)
    inference.remove_dropout(graph_def, find_sources(Nodes(graph_def)))
    graph_def, name = _cut_at_input(graph_def, path, input, source.inputs)
    kept, left_out = _choose_layers(graph_def, name, layer)
    graph_def = _prune(graph_def, kept)
    fill_variables(graph_def, source.read)
    rewrite.check_batch(Nodes(graph_def), name)
    graph_def, layout_notes = layout.to_nhwc(graph_def, name)
    layers = measure_layers(graph_def, name, kept)
    shape = tuple(infer_types(graph_def)[name].shape[1:])
    return Model(graph_def, name, shape, layers, notes + left_out + layout_notes)


def with_size(model: Model, height: int, width: int) -> Model:
    """The same model for images of one size, so that all shapes and receptive fields are known.

    Args:
        model: whose input leaves the height or the width open.
        height: of the images, in pixels.
        width: of the images, in pixels.

    Raises:
        UserError: the graph does not take this size.
    """
    graph_def = tf.GraphDef.FromString(model.graph_def.SerializeToString())
    shape = [height, width, model.input_shape[2]]
    rewrite.cut(graph_def, model.input, [None, *shape])
    layers = measure_layers(graph_def, model.input, model.layers)
    return model._replace(graph_def=graph_def, input_shape=tuple(shape), layers=layers)


def find_layer(model: Model, name: str) -> ConvLayer:
    """The layer of that label or name.

    Raises:
        UserError: there is none.
    """
    for layer in model.layers:
        if name in (layer.label, layer.name):
            return layer
    raise _unknown_layer(name, [layer.label for layer in model.layers])


def _read(path, checkpoint, signature) -> _Source:
    if os.path.isdir(path):
        graph = read_signature(path, signature)
        return _Source(graph.graph_def, graph.inputs, graph.read)
    if path.endswith(".meta"):
        graph_def = read_meta_graph(path).graph_def
        return _Source(graph_def, [], read_checkpoint(checkpoint or path[: -len(".meta")], graph_def))
    graph_def = read_frozen(path)
    read = read_checkpoint(checkpoint, graph_def) if checkpoint else refuse_variables(path)
    return _Source(graph_def, [], read)


def _cut_at_input(graph_def, path, named, declared):
    """(graph from the new placeholder on, its name)."""
    nodes = Nodes(graph_def)
    convolutions = {name for name, node in nodes.by_name.items() if node.op in CONVOLUTIONS}
    if not convolutions:
        check_operations(nodes.by_name[name] for name in nodes.order)
        raise UserError(path, "a graph with 2-D convolutions", "none", "give a convolutional network")
    start = choose_input(nodes, named, declared, convolutions)
    names = set(find_convolutions(nodes, nodes.dependents([start])))
    unknown = {name for name, node in nodes.by_name.items() if definition(node.op) is None}
    importable = {name for name in names if not unknown & nodes.ancestors([name])}
    if not importable:
        check_operations(nodes.by_name[name] for name in nodes.order if name in nodes.ancestors(names))
    types = infer_types(keep(graph_def, nodes.ancestors(importable)))
    name = first_image(nodes, start, types, names)
    shape = types[name].shape or [None] * 4
    channels = shape[3] or _channels(nodes, types, names)
    graph_def = keep(graph_def, set(nodes.by_name))
    del graph_def.library.function[:]
    rewrite.cut(graph_def, name, [None, *shape[1:3], channels])
    if shape[0] == 1:
        rewrite.free_batch(graph_def, name, types)
    rewrite.remove_defaults(graph_def, name)
    return graph_def, name


def _channels(nodes, types, names):
    """The channels that the first convolution expects."""
    first = min(names, key=nodes.order.index)
    kernel = types[nodes.data_inputs(first)[1]].shape
    return kernel and kernel[2]


def _choose_layers(graph_def, input, wanted):
    """(the layers that can be shown, sentences about those that cannot)."""
    nodes = Nodes(graph_def)
    names = find_convolutions(nodes, nodes.dependents([input]))
    labels, errors = short_labels(names), _errors(nodes, input)
    if wanted is not None:
        names = [name for name in names if wanted in (name, labels[name])]
        if not names:
            raise _unknown_layer(wanted, list(labels.values()))
    good = [name for name in names if errors[name] is None]
    if not good:
        raise errors[names[0]]
    target = nodes.ancestors(good)
    layers = []
    for name in labels:
        if name in target:
            activation, start = find_ends(nodes, input, name)
            operation = nodes.by_name[name].op
            layers.append(ConvLayer(name, labels[name], operation, activation, start, (None, None, 0), 0, None))
    if wanted is not None:
        ends = nodes.ancestors([layer.start for layer in layers if layer.name in good])
        layers = [layer for layer in layers if layer.start in ends]
    left_out = [f"The layer {labels[name]} is left out: {errors[name]}." for name in names if name not in good]
    return layers, left_out


def _errors(nodes, input) -> Dict[str, Optional[UserError]]:
    """{node: why its values cannot be shown, None where they can}."""
    sources, errors = set(find_sources(nodes)) - {input}, {}
    for name in nodes.order:
        node, error = nodes.by_name[name], None
        try:
            check_operations([node])
        except UserError as refusal:
            error = refusal
        if name in sources:
            error = UserError(f"placeholder {name}", "one input", "another one", "a layer needs its value: freeze it")
        for source in nodes.data_inputs(name):
            error = error or errors[source]
        errors[name] = error
    return errors


def _prune(graph_def, layers):
    names = {name for layer in layers for name in (layer.name, layer.start, layer.activation) if name}
    return keep(graph_def, Nodes(graph_def).ancestors(names))


def _unknown_layer(name, labels):
    return UserError("--layer", f"one of {', '.join(labels)}", name, "list them with the command layers")

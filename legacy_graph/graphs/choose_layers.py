"""Select the convolutions of a graph that can be shown, and explain why others cannot."""

import difflib
from typing import Dict, List, Optional, Tuple

from legacy_graph.errors import UserError
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.layers import find_layers, has_name, name_tensor, values_input
from legacy_graph.graphs.model import ConvLayer
from legacy_graph.graphs.nodes import canonical, is_bool
from legacy_graph.graphs.op_table import CONVOLUTIONS, SOURCES
from legacy_graph.graphs.operations import refusal_of

_LISTED = 12  # maximum number of layers in a message
_NAMED = 3  # maximum number of operations in a note


def choose_layers(graph: Graph, wanted: Optional[str]) -> Tuple[List[ConvLayer], List[str]]:
    """Select the layers that can be shown.

    Args:
        graph: complete after the input, with the types of the tensors before the layers.
        wanted: label or name of the only layer to load, or the name of its activation or pool; None for all.

    Returns:
        The layers, without shapes and parameters yet, and a sentence for each omitted layer.

    Raises:
        UserError: there is no such layer, or none that can be shown.
    """
    layers, left = find_layers(graph)
    chosen = None if wanted is None else _select(graph, layers, wanted)
    if chosen:
        before = graph.ancestors([chosen.start])
        layers = {**layers, chosen.name: chosen}
        layers = {name: layer for name, layer in layers.items() if layer.start in before}
    errors, refused = _errors(graph, layers), {}
    for name, layer in layers.items():
        # The operations between a convolution and the end of its layer run too.
        error = next(filter(None, map(errors.get, (name, layer.activation, layer.start))), None)
        if error and layer is chosen:
            raise error
        if error:
            refused[layer.label] = error
    shown, notes = without_refused(list(layers.values()), refused, all_needed=False)
    notes += [] if chosen else left_out(_without_kernel(graph))
    return shown, notes + _other_readers(graph, {layer.label: left.get(layer.name, ()) for layer in shown})


def _without_kernel(graph) -> Dict[str, str]:
    """{convolution: why it is no layer}, of those whose values and kernel both depend on the images."""
    dependent = graph.dependent
    names = [
        name
        for name in graph.names(CONVOLUTIONS)
        if {values_input(graph, name), graph.data_inputs(name)[1]} <= dependent
    ]
    where = f"operation {graph.by_name[names[0]].op} ({names[0]})" if names else ""
    error = UserError(where, "a kernel of its own", "one that depends on the images", "choose another layer")
    return dict.fromkeys(names, str(error))


def _select(graph, layers, wanted) -> ConvLayer:
    """The layer that the user names: by its label, its convolution, its end, or any tensor."""
    for layer in layers.values():
        if has_name(layer, wanted):
            return layer
    tensor = canonical(wanted)
    for layer in layers.values():
        clipped = tensor == layer.activation and tensor not in graph.ancestors([layer.start])  # the start is before it
        if tensor == layer.start or clipped:
            return layer
    if tensor not in graph.dependent:
        raise unknown_layer(wanted, [layer.label for layer in layers.values()])
    return name_tensor(graph, layers, tensor)


def _other_readers(graph, left) -> List[str]:
    """A sentence about the nodes that read values before the activation of a layer: {label: their names}."""
    named = {label: names for label, names in left.items() if names}
    if not named:
        return []
    label, names = next(iter(named.items()))
    names = list(dict.fromkeys(names))
    operations = ", ".join(f"{graph.by_name[name].op} ({name})" for name in names[:_NAMED])
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    more += f" (and other operations for {len(named) - 1} more layers)" if len(named) > 1 else ""
    return [f"Operations that read a value before the activation of {label} are not in the layer: {operations}{more}."]


def unknown_layer(name: str, labels: List[str]) -> UserError:
    """The error for a layer that does not exist."""
    near = difflib.get_close_matches(name, labels, _LISTED, 0) if len(labels) > _LISTED else labels
    more = f" and {len(labels) - len(near)} more" if len(labels) > len(near) else ""
    return UserError("--layer", f"one of {', '.join(near)}{more}", repr(name), "list them with the command layers")


def without_refused(
    layers: List[ConvLayer], errors: Dict[str, UserError], all_needed: bool
) -> Tuple[List[ConvLayer], List[str]]:
    """The layers whose labels have no error, and a sentence for each reason to leave out others.

    Raises:
        UserError: no layer is left, or one would be left out although `all_needed`.
    """
    if errors and (all_needed or len(errors) == len(layers)):
        raise next(iter(errors.values()))
    kept = [layer for layer in layers if layer.label not in errors]
    return kept, left_out({label: str(error) for label, error in errors.items()})


def left_out(reasons: Dict[str, str]) -> List[str]:
    """A sentence for each reason to leave out the layers with these labels."""
    sentences = []
    for reason in dict.fromkeys(reasons.values()):
        labels = [label for label, other in reasons.items() if other == reason]
        names = f"layer {labels[0]} is" if len(labels) == 1 else f"layers {labels[0]} and {len(labels) - 1} more are"
        sentences.append(f"The {names} left out: {reason}.")
    return sentences


def _errors(graph, layers) -> Dict[str, Optional[UserError]]:
    """{node: the error why its values cannot be shown, or None}."""
    types, sources = graph.types, set(graph.names(SOURCES)) - {graph.input}
    errors: Dict[str, Optional[UserError]] = {}
    floats = {graph.input}
    for name in graph.order:
        before = [errors[source] for source in graph.data_inputs(name) if errors.get(source)]
        errors[name] = before[0] if before else _refusal(graph.by_name[name], sources)
        if name in types and types[name].is_float and floats.intersection(graph.data_inputs(name)):
            floats.add(name)
        values = values_input(graph, name) if graph.by_name[name].op in CONVOLUTIONS else name
        if name in layers and name in types and not errors[name] and values not in floats:
            errors[name] = _no_float_path(graph, name, layers[name].label)
    return errors


def _refusal(node, sources):
    if node.name in sources and is_bool(node):
        where, hint = f"placeholder {node.name}", f"add --set {node.name}=false or --set {node.name}=true"
        return UserError(where, "a value at inference", "none: neither its name nor the graph decides it", hint)
    if node.name in sources:
        hint = "a layer needs its value: build the graph with a constant or tf.placeholder_with_default instead"
        return UserError(f"placeholder {node.name}", "one input", "one more input", hint)
    return refusal_of(node)


def _no_float_path(graph, name, label):
    types, way = graph.types, graph.ancestors([name]) & graph.dependent
    broken = next(candidate for candidate in graph.order if candidate in way and not types[candidate].is_float)
    return UserError(
        f"operation {graph.by_name[broken].op} ({broken})", f"a float path from the input to layer {label}",
        types[broken].dtype.name, "name a node after it with --input",
    )  # fmt: skip

"""Which convolutions of a graph can be shown, and why the others cannot."""

from typing import Dict, List, Optional, Tuple

from legacy_graph.errors import UserError
from legacy_graph.graphs.inputs import find_sources
from legacy_graph.graphs.inspect import find_convolutions, find_ends, short_labels, values_input
from legacy_graph.graphs.model import ConvLayer
from legacy_graph.graphs.nodes import Nodes
from legacy_graph.graphs.operations import check_operations
from legacy_graph.graphs.tensor_types import TensorType


def choose_layers(
    nodes: Nodes, types: Dict[str, TensorType], input: str, wanted: Optional[str]
) -> Tuple[List[ConvLayer], List[str]]:
    """The layers that can be shown.

    Args:
        nodes: of the graph from the input on.
        types: of the tensors before the layers.
        input: name of the placeholder.
        wanted: label or name of the only layer that matters, or None for all.

    Returns:
        The layers, not measured yet, and a sentence for each one that is left out.

    Raises:
        UserError: there is no such layer, or none that can be shown.
    """
    names = find_convolutions(nodes, nodes.dependents([input]))
    labels = short_labels(names)
    if wanted is not None:
        names = [name for name in names if wanted in (name, labels[name])]
        if not names:
            raise unknown_layer(wanted, list(labels.values()))
    errors = _errors(nodes, types, input, labels)
    good = [name for name in names if errors[name] is None]
    if not good:
        raise errors[names[0]]
    layers, before, dependent = [], nodes.ancestors(good), nodes.dependents([input])
    for name in labels:
        if name in before:
            activation, start = find_ends(nodes, dependent, name)
            operation = nodes.by_name[name].op
            layers.append(ConvLayer(name, labels[name], operation, activation, start, (None, None, 0), 0, None))
    if wanted is not None:
        way = nodes.ancestors([layer.start for layer in layers if layer.name in good])
        layers = [layer for layer in layers if layer.start in way]
    return layers, [f"The layer {labels[name]} is left out: {errors[name]}." for name in names if name not in good]


def unknown_layer(name: str, labels: List[str]) -> UserError:
    """The refusal of a layer that does not exist."""
    return UserError("--layer", f"one of {', '.join(labels)}", name, "list them with the command layers")


def _errors(nodes, types, input, labels) -> Dict[str, Optional[UserError]]:
    """{node: why its values cannot be shown, None where they can}."""
    sources = set(find_sources(nodes)) - {input}
    errors: Dict[str, Optional[UserError]] = {}
    floats = {input}
    for name in nodes.order:
        before = [errors[source] for source in nodes.data_inputs(name) if errors.get(source)]
        errors[name] = before[0] if before else _refusal(nodes.by_name[name], sources)
        if name in types and types[name].is_float and floats.intersection(nodes.data_inputs(name)):
            floats.add(name)
        if name in labels and not errors[name] and values_input(nodes, name) not in floats:
            errors[name] = _no_float_path(nodes, types, input, name, labels[name])
    return errors


def _refusal(node, sources):
    if node.name in sources:
        hint = "a layer needs its value: freeze it"
        return UserError(f"placeholder {node.name}", "one input", "another one", hint)
    try:
        check_operations([node])
    except UserError as error:
        return error
    return None


def _no_float_path(nodes, types, input, name, label):
    way = nodes.ancestors([name]) & nodes.dependents([input])
    broken = next(one for one in nodes.order if one in way and not types[one].is_float)
    return UserError(
        f"operation {nodes.by_name[broken].op} ({broken})", f"a float path from the input to layer {label}",
        types[broken].dtype.name, "name a node after it with --input",
    )  # fmt: skip

"""Remove what a training graph computes beside the model: it would count as a reader of a layer."""

from typing import Dict, List

from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.nodes import node_name
from legacy_graph.graphs.op_table import CONVOLUTIONS, of_kind, row

_SIDE_EFFECTS = of_kind("effect")  # summaries, updates of variables


def remove_side_effects(graph: Graph) -> List[str]:
    """Remove summaries, updates of variables, and nodes that only these read, unless these are the model itself."""
    effects = {name for name, node in graph.by_name.items() if node.op in _SIDE_EFFECTS}
    ends = set(effects)
    for name in reversed(graph.order):
        readers = {node.name for node in graph.consumers[name]}
        if readers and readers <= ends:
            ends.add(name)
    # A graph for evaluation may end in the summary of its loss.
    model = graph.dependents([name for name in ends if graph.by_name[name].op in CONVOLUTIONS])
    graph.remove((ends - graph.ancestors(model)) | effects)
    return []


def remove_gradients(graph: Graph) -> List[str]:
    """Remove the operations that only gradients contain, and all that depend on them, such as an optimizer's updates.

    They are recognised by what they compute, not by the scope of their names.
    """
    gradients = {name for name, node in graph.by_name.items() if row(node.op).kind == "gradient"}
    # The gradient of y = Conv2D(x, kernel) is Conv2DBackpropFilter(x, shape, signal) and, with a later signal,
    # Conv2DBackpropInput(shape, kernel, signal). A transposed convolution has no such partner, or an earlier signal.
    place = {name: number for number, name in enumerate(graph.order)}
    signals: Dict[str, List[str]] = {}
    for _, (values, _, signal) in _inputs(graph, "Conv2DBackpropFilter"):
        signals.setdefault(values, []).append(signal)
    pairs = {
        (kernel, signal)
        for name, (values, kernel) in _inputs(graph, "Conv2D")
        for signal in signals.get(values, ())
        if place[name] < place[node_name(signal)]
    }
    gradients.update(name for name, (_, *pair) in _inputs(graph, "Conv2DBackpropInput") if tuple(pair) in pairs)
    graph.remove(gradients)
    return []


def _inputs(graph, operation):
    """(name, inputs) of each node of an operation."""
    return [(name, graph.references(name)) for name, node in graph.by_name.items() if node.op == operation]

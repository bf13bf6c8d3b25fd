"""Remove what a training graph computes beside the model: it would count as a reader of a layer."""

import re
from typing import List, Set

from legacy_graph.errors import UserError
from legacy_graph.graphs.choose_layers import left_out
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.op_table import CONVOLUTIONS, SIDE_EFFECTS, row
from legacy_graph.graphs.operations import definition


def remove_side_effects(graph: Graph) -> List[str]:
    """Remove summaries, updates of variables, and nodes that only these read, unless these are the model itself.

    Nodes that read the result of an update go too: the returned note counts the convolutions among them.
    """
    effects = set(graph.names(SIDE_EFFECTS))
    if not effects:
        return []
    ends = set(effects)
    for name in reversed(graph.order):
        readers = {node.name for node in graph.consumers[name]}
        if readers and readers <= ends:
            ends.add(name)
    # A graph for evaluation may end in the summary of its loss.
    model = graph.dependents([name for name in ends if graph.by_name[name].op in CONVOLUTIONS])
    notes = _name_readers(graph, effects)
    graph.remove((ends - graph.ancestors(model)) | effects)
    return notes


def _name_readers(graph, effects) -> List[str]:
    """A sentence about the convolutions that read the result of an update, as in a training with quantization.

    Raises:
        UserError: all convolutions do.
    """
    after = graph.dependents(effects, shapes=True)
    if not any(graph.by_name[name].op in CONVOLUTIONS for name in after):
        return []
    gradients = _find_gradients(graph)
    names = [name for name in graph.names(CONVOLUTIONS) if name not in gradients]
    readers = [name for name in names if name in after]
    if not readers:
        return []
    before = graph.ancestors(readers[:1])
    first = next(name for name in graph.order if name in effects and name in before)
    where, hint = f"operation {graph.by_name[first].op} ({first})", "export the graph for inference"
    error = UserError(where, "a value at inference", "the result of an update", hint)
    if readers == names:
        raise error
    return left_out(dict.fromkeys(readers, str(error)))


def remove_gradients(graph: Graph) -> List[str]:
    """Remove the gradients of all operations, and what depends on them, such as an optimizer's updates."""
    graph.remove(_find_gradients(graph))
    return []


def _find_gradients(graph) -> Set[str]:
    """The gradients of all operations.

    Some gradients are operations that only gradients contain, or what an optimizer applies to a variable. Others are
    ordinary operations, such as the two MatMul of the gradient of a MatMul. `tf.gradients` puts both in one scope of
    their own, and names those of an operation NAME "SCOPE/NAME_grad/...": the former show which scopes these are.
    """
    known = {name for name, node in graph.by_name.items() if row(node.op).kind == "gradient"}
    known.update(graph.data_inputs(name)[place] for name, place in _updates(graph))
    sums = [name for name in known if row(graph.by_name[name].op).kind == "sum"]
    terms = {term for name in sums for term in graph.data_inputs(name)}  # of a gradient along several ways
    scopes = tuple(set().union(*(_scopes(graph, name) for name in known | terms)))
    known.update(name for name in graph.by_name if "_grad/" in name and name.startswith(scopes))
    for name in reversed(graph.order):  # what only gradients read, such as zeros_like, has no NAME
        readers = {node.name for node in graph.consumers[name]}
        if readers <= known and name.startswith(scopes):
            known.add(name)
    return known


def _updates(graph):
    """(name of an operation of an optimizer, number of its input with the gradient)."""
    for name, node in graph.by_name.items():
        if row(node.op).kind == "update" and definition(node.op):
            for number, argument in enumerate(definition(node.op).input_arg):
                if argument.name in ("grad", "delta"):
                    yield name, number


def _scopes(graph, name) -> Set[str]:
    """The scopes of `tf.gradients` that the name of a gradient can have: the rest names an operation of the graph."""
    scopes = set()
    for end in re.finditer("_grad/", name):
        parts = name[: end.start()].split("/")
        for number in range(1, len(parts)):
            operation = "/".join(parts[number:])
            # An imported graph has a scope around its gradients and around its operations.
            outer = ("/".join([*parts[:depth], operation]) for depth in range(number))
            if not graph.by_name.keys().isdisjoint(outer):
                scopes.add("/".join(parts[:number]) + "/")
    return scopes

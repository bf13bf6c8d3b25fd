"""Batch norms of a training graph: use the moving averages of mean and variance, as at inference."""

from typing import Dict, List, NamedTuple

import tensorflow.compat.v1 as tf

from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.nodes import identity, new_node, node_name
from legacy_graph.graphs.op_table import of_kind, row
from legacy_graph.graphs.operations import attribute

_UPDATES, _ASSIGNMENTS = of_kind("subtraction"), of_kind("assignment")
MOVING_AVERAGE = "moving average"  # the mark of a node that reads one, two for each batch norm
_MEAN, _VARIANCE = 3, 4  # inputs of FusedBatchNorm; its outputs 1 and 2 are the statistics of the batch


def use_moving_averages(graph: Graph) -> List[str]:
    """Replace the statistics of the batch by their moving averages, and mark the nodes that read these.

    A training graph updates an average by `average -= (average - statistic) * (1 - decay)`, or by `average = average *
    decay + statistic * (1 - decay)`. These operations show which variable holds the average of each statistic.
    """
    updates = _find_updates(graph)
    for name, node in list(graph.by_name.items()):
        if node.op.startswith("FusedBatchNorm") and attribute(node, "is_training").b:
            pair = [updates.get(f"{name}:{output}") for output in (1, 2)]
            if all(pair):
                node.attr["is_training"].b = False
                for position, update in zip((_MEAN, _VARIANCE), pair):
                    graph.connect(name, position, _read(graph, update.variable, f"{name}/average_{position}"))
    replacements = {}
    for statistic, update in updates.items():
        if _is_mean(graph, node_name(statistic)):
            replacements[statistic] = _read(graph, update.variable, f"{node_name(statistic)}/average")
    graph.redirect(replacements)
    # Each update still reads its statistic. Both are later removed together, so neither counts as a reader of a layer.
    for statistic in replacements:
        graph.connect(updates[statistic].reader.name, updates[statistic].position, statistic)
    return []


def _is_mean(graph, name):
    """Whether a node is the last of `tf.nn.moments`: a mean, or the Squeeze of one."""
    node = graph.by_name[name]
    return (graph.by_name[graph.data_inputs(name)[0]] if node.op == "Squeeze" else node).op == "Mean"


class _Update(NamedTuple):
    """The update of a moving average."""

    variable: tf.NodeDef
    reader: tf.NodeDef  # of the statistic
    position: int  # of the statistic among its inputs


def _find_updates(graph) -> Dict[str, _Update]:
    """{reference of a statistic: the update of its moving average}."""
    updates = {}
    for node in graph.by_name.values():
        if node.op in _UPDATES:
            variable, product = [graph.by_name[graph.root(name)] for name in graph.data_inputs(node.name)[:2]]
            for factor in product.input if product.op == "Mul" else ():
                difference = graph.by_name[graph.root(factor)]
                if difference.op == "Sub" and graph.root(difference.input[0]) == variable.name:
                    updates[graph.source(difference.input[1])] = _Update(variable, difference, 1)
        elif node.op in _ASSIGNMENTS:
            updates.update(_weighted_means(graph, node))
    return updates


def _weighted_means(graph, assign):
    """The update of a variable by `variable * decay + statistic * (1 - decay)`, as `_find_updates`."""
    variable, total = [graph.by_name[graph.root(name)] for name in graph.data_inputs(assign.name)[:2]]
    products = [graph.by_name[graph.root(name)] for name in graph.data_inputs(total.name)]
    if row(total.op) != row("Add") or [product.op for product in products] != ["Mul", "Mul"]:
        return
    own, other = sorted(products, key=lambda product: variable.name not in map(graph.root, product.input))
    if variable.name in map(graph.root, own.input):
        for position, reference in enumerate(graph.references(other.name)):
            if graph.constant(reference) is None:
                yield graph.source(reference), _Update(variable, other, position)


def _read(graph, variable, name):
    """Add a node that reads a variable; returns its name."""
    if variable.op == "VarHandleOp":
        node = new_node("ReadVariableOp", name, [variable.name], dtype=variable.attr["dtype"])
    else:
        node = identity(name, variable.name, variable.attr["dtype"])
    graph.add(node)
    graph.marks[name] = {MOVING_AVERAGE}
    return name

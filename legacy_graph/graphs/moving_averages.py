"""Batch norms of a training graph: use the moving averages of mean and variance, as at inference."""

from typing import Dict, NamedTuple, Set

import tensorflow.compat.v1 as tf

from legacy_graph.graphs.nodes import Nodes, canonical, identity, new_node, node_name, redirect
from legacy_graph.graphs.operations import attribute

_UPDATES = ("AssignSub", "AssignSubVariableOp")
_STATISTICS = ("Squeeze", "Mean")  # the last operations of tf.nn.moments
_MEAN, _VARIANCE = 3, 4  # inputs of FusedBatchNorm; its outputs 1 and 2 are the statistics of the batch


def use_moving_averages(graph_def: tf.GraphDef) -> Set[str]:
    """Replace the statistics of the batch by their moving averages. Changes the graph.

    A training graph updates an average by `average -= (average - statistic) * (1 - decay)`. These operations show which
    variable holds the average of each statistic.

    Returns:
        The names of the nodes that read the averages, two for each batch norm.
    """
    nodes = Nodes(graph_def)
    updates = _find_updates(nodes)
    readers = set()
    for name, node in nodes.by_name.items():
        if node.op.startswith("FusedBatchNorm") and attribute(node, "is_training").b:
            found = [updates.get(f"{name}:{output}") for output in (1, 2)]
            if all(found):
                node.attr["is_training"].b = False
                for position, update in zip((_MEAN, _VARIANCE), found):
                    node.input[position] = _read(graph_def, update.variable, f"{name}/average_{position}")
                    readers.add(node.input[position])
    replacements = {}
    for statistic, update in updates.items():
        if nodes.by_name[node_name(statistic)].op in _STATISTICS:
            replacements[statistic] = _read(graph_def, update.variable, f"{node_name(statistic)}/average")
    redirect(graph_def, replacements)
    # Each update still reads its statistic. Both are later removed together, so neither counts as a reader of a layer.
    for statistic in replacements:
        updates[statistic].difference.input[1] = statistic
    return readers.union(replacements.values())


class _Update(NamedTuple):
    """The update of a moving average."""

    variable: tf.NodeDef
    difference: tf.NodeDef  # variable - statistic


def _find_updates(nodes) -> Dict[str, _Update]:
    """{reference of a statistic: the update of its moving average}."""
    found = {}
    for node in nodes.by_name.values():
        if node.op in _UPDATES:
            variable, product = [nodes.by_name[nodes.root(name)] for name in nodes.data_inputs(node.name)[:2]]
            for factor in product.input if product.op == "Mul" else ():
                difference = nodes.by_name[nodes.root(node_name(factor))]
                if difference.op == "Sub" and _variable(nodes, difference.input[0]) == variable.name:
                    found[_source(nodes, difference.input[1])] = _Update(variable, difference)
    return found


def _variable(nodes, reference):
    """The name of the variable that a node reads."""
    name = nodes.root(node_name(reference))
    if nodes.by_name[name].op == "ReadVariableOp":
        name = nodes.root(nodes.data_inputs(name)[0])
    return name


def _source(nodes, reference):
    """The reference at the start of a chain of Identity nodes."""
    while nodes.by_name[node_name(reference)].op == "Identity":
        reference = nodes.by_name[node_name(reference)].input[0]
    return canonical(reference)


def _read(graph_def, variable, name):
    """Add a node that reads a variable; returns its name."""
    if variable.op == "VarHandleOp":
        node = new_node("ReadVariableOp", name, [variable.name], dtype=variable.attr["dtype"])
    else:
        node = identity(name, variable.name, variable.attr["dtype"].type)
    graph_def.node.add().CopyFrom(node)
    return name

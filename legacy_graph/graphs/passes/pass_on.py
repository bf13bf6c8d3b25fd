"""Operations whose output equals their input become Identity."""

from typing import List

from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.nodes import identity
from legacy_graph.graphs.op_table import PASSING
from legacy_graph.graphs.operations import attribute


def pass_on(graph: Graph) -> List[str]:
    """Replace each operation whose output equals its input with Identity.

    Such operations print, check, or change only the gradient. IdentityN, for example, has a swish's custom gradient.
    """
    replacements = {}
    for name, node in list(graph.by_name.items()):
        if node.op in PASSING:
            kind = attribute(node, "T")
            dtypes = list(kind.list.type) or [kind.type]
            outputs = list(node.input[: len(dtypes)])
            replacements.update({f"{name}:{number}": text for number, text in enumerate(outputs) if number})
            graph.add(identity(name, outputs[0], dtypes[0]))
    graph.redirect(replacements)
    return []


def remove_defaults(graph: Graph) -> List[str]:
    """Replace each placeholder whose default depends on the input by an Identity of the default."""
    nodes = [node for node in graph.by_name.values() if node.op == "PlaceholderWithDefault"]
    dependent = graph.dependents([graph.input]) if nodes else set()
    for node in nodes:
        if node.name in dependent:
            graph.add(identity(node.name, node.input[0], node.attr["dtype"].type))
    return []

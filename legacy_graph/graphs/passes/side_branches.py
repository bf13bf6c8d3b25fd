"""Remove what a training graph computes beside the model: it would count as a reader of a layer."""

import re
from typing import List

from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.op_table import of_kind

_SIDE_EFFECTS = of_kind("effect")  # summaries, updates of variables


def remove_side_branches(graph: Graph) -> List[str]:
    """Remove gradients, summaries, updates of variables, and nodes that only summaries and updates read."""
    ends = {name for name, node in graph.by_name.items() if node.op in _SIDE_EFFECTS}
    for name in reversed(graph.order):
        readers = {node.name for node in graph.consumers[name]}
        if readers and readers <= ends:
            ends.add(name)
    graph.remove(ends | {name for name in graph.by_name if re.search(r"(^|/)gradients(_\d+)?/", name)})
    return []

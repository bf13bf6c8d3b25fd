"""The order of the nodes of a graph."""

from typing import Dict, List

import tensorflow.compat.v1 as tf

from legacy_graph.errors import UserError
from legacy_graph.graphs.nodes import canonical, node_name
from legacy_graph.graphs.op_table import of_kind

_BACK_EDGES = of_kind("back edge")


def topological_order(nodes: Dict[str, tf.NodeDef]) -> List[str]:
    """The names of the nodes, inputs first, in linear time; the back edges of while loops do not count.

    Raises:
        UserError: the graph has another cycle.
    """
    order: List[str] = []
    state: Dict[str, str] = {}
    for start in nodes:
        waiting = [start]
        while waiting:
            name = waiting[-1]
            if name not in state:
                state[name] = "open"
                node = nodes[name]
                sources = [] if node.op in _BACK_EDGES else list(map(node_name, node.input))
                cycle = [source for source in sources if state.get(source) == "open"]
                if cycle:
                    raise _cyclic(cycle[0])
                waiting += [source for source in sources if source not in state]
            else:
                waiting.pop()
                if state[name] == "open":
                    state[name] = "done"
                    order.append(name)
    return order


def _cyclic(name: str) -> UserError:
    hint = "no program of TensorFlow writes this: give the file that the training program wrote"
    return UserError("graph", "no cycles", f"a cycle through node {name}", hint)


def follow(replacements: Dict[str, str]) -> Dict[str, str]:
    """The same replacements of references, each followed to its end, in linear time.

    Raises:
        UserError: a reference leads back to itself.
    """
    ends: Dict[str, str] = {}
    for start in replacements:
        chain, reference = [], start
        while reference in replacements and reference not in ends:
            if len(chain) > len(replacements):
                raise _cyclic(node_name(reference))
            chain.append(reference)
            reference = canonical(replacements[reference])
        ends.update(dict.fromkeys(chain, ends.get(reference, reference)))
    return ends

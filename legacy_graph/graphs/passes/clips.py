"""ReLUs that are written as a maximum and a minimum, such as Keras's `clip_by_value(relu(x), 0, 6)`."""

from typing import List

import tensorflow.compat.v1 as tf

from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.nodes import identity, new_node, node_name
from legacy_graph.graphs.op_table import RELUS
from legacy_graph.graphs.operations import attribute

_LIMITS = {"Maximum": 0, "Minimum": 6}


def name_relus(graph: Graph) -> List[str]:
    """Replace a maximum with 0 by Relu, and a ReLU that is limited to 6 by Relu6. The values are the same."""
    readers = graph.consumers
    for name in list(graph.order):
        node = graph.by_name[name]
        values = _beside(graph, name, _LIMITS[node.op]) if node.op in _LIMITS else None
        if values is None:
            continue
        kind, source = attribute(node, "T"), graph.by_name[graph.root(node_name(values))]
        if node.op == "Minimum":
            if source.op == "Relu" and len(readers[source.name]) == 1:
                # A ReLU that nothing reads any more would count as a second reader of the layer.
                graph.edit(source.name).op = "Relu6"
                graph.add(identity(name, values, kind.type))
            elif source.op == "Relu":
                graph.add(new_node("Relu6", name, graph.references(source.name), T=kind))
        elif source.op in RELUS:
            graph.add(identity(name, values, kind.type))
        else:
            limited = _beside(graph, source.name, 6) if source.op == "Minimum" else None
            if limited and len(readers[source.name]) == 1:
                graph.add(identity(source.name, limited, kind.type))
            graph.add(new_node("Relu6" if limited else "Relu", name, [limited or values], T=kind))
    return []


def _beside(graph, name, limit):
    """The input of a maximum or minimum of floats whose other input is the scalar `limit`; None if there is none."""
    references = graph.references(name)
    for values, other in (references, references[::-1]):
        value = graph.constant(other)
        if value is not None and value.shape == () and value == limit and tf.as_dtype(value.dtype).is_floating:
            return values
    return None

"""What a reader of a file returns."""

from typing import Callable, Dict, List, NamedTuple

import tensorflow.compat.v1 as tf

from legacy_graph.graphs.graph import Graph

# nodes of the variables -> {name: value}; raises UserError if a variable has no value.
ReadVariables = Callable[[List[tf.NodeDef]], Dict[str, object]]


class Source(NamedTuple):
    """A graph before any rewrite."""

    graph: Graph
    inputs: List[str]  # names of the nodes that a signature declares as inputs
    read: ReadVariables

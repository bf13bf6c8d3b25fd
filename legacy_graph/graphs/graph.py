"""A graph that can be changed, with an index of its nodes that is always current."""

import collections
from typing import Collection, Dict, Iterable, List, Optional, Set

import numpy as np
import tensorflow.compat.v1 as tf
from tensorflow.python.framework import tensor_util

from legacy_graph.errors import UserError
from legacy_graph.graphs.nodes import canonical, node_name
from legacy_graph.graphs.op_table import LOGIC, SHAPES, of_kind
from legacy_graph.graphs.order import follow, topological_order
from legacy_graph.graphs.tensor_types import TensorType, import_graph, types_of

_IDENTITIES = of_kind("identity", "stop", "read")


MOST_NODES = 200_000  # in a graph without function calls; the largest graphs of training programs have about half


def check_size(nodes: int) -> None:
    """Refuse a graph with more than `MOST_NODES` nodes.

    Raises:
        UserError: says how many.
    """
    if nodes > MOST_NODES:
        expected = f"at most {MOST_NODES:,} nodes without function calls"
        raise UserError("graph", expected, f"{nodes:,}", "export the part that computes the layers")


class Graph:
    """The nodes of a graph by name, with their order, inputs, readers and types.

    Change nodes only by the methods below: each of them discards what it makes invalid of the index. The index is built
    when it is next read, in time linear in the number of nodes. A pass therefore first reads, then changes.

    Args:
        graph_def: becomes part of the graph; do not use it afterwards.
    """

    def __init__(self, graph_def: tf.GraphDef) -> None:
        self.versions, self.library = graph_def.versions, graph_def.library
        self.by_name: Dict[str, tf.NodeDef] = {node.name: node for node in graph_def.node}
        self.input = ""  # name of the node that provides the images; once the graph is cut there, a placeholder
        self.marks: Dict[str, Set[str]] = {}  # {node name: what a pass has changed in it}, for notes
        self._inputs: Dict[str, List[str]] = {}
        self._types: Optional[Dict[str, TensorType]] = None
        self._forget()

    # What the graph is.

    @property
    def order(self) -> List[str]:
        """The names of the nodes, inputs first; the back edges of while loops do not count.

        Raises:
            UserError: the graph has another cycle.
        """
        if self._order is None:
            self._order = topological_order(self.by_name)
        return self._order

    @property
    def dependent(self) -> Set[str]:
        """The names of the nodes whose values depend on the images."""
        return self.dependents([self.input])

    @property
    def consumers(self) -> Dict[str, List[tf.NodeDef]]:
        """{node name: the nodes that read its outputs}, in topological order."""
        if self._consumers is None:
            self._consumers = collections.defaultdict(list)
            for name in self.order:
                for source in dict.fromkeys(self.data_inputs(name)):
                    self._consumers[source].append(self.by_name[name])
        return self._consumers

    @property
    def types(self) -> Dict[str, TensorType]:
        """{node name: type of its output 0}.

        Raises:
            UserError: TensorFlow does not accept the graph.
        """
        if self._types is None:
            self._types = types_of(import_graph(self.to_graph_def()))
        return self._types

    @types.setter
    def types(self, types: Dict[str, TensorType]) -> None:
        self._types = types

    def infer_types(self, names: Iterable[str]) -> Dict[str, TensorType]:
        """`types` for these nodes and their ancestors: TensorFlow need not know the operations of the others."""
        return types_of(import_graph(self.to_graph_def(self.ancestors(names))))

    def data_inputs(self, name: str) -> List[str]:
        """The names of the nodes whose outputs this node reads, without control inputs."""
        if name not in self._inputs:
            self._inputs[name] = [node_name(text) for text in self.by_name[name].input if not text.startswith("^")]
        return self._inputs[name]

    def names(self, operations: Collection[str]) -> List[str]:
        """The names, in topological order, of the nodes with one of these operations."""
        return [name for name in self.order if self.by_name[name].op in operations]

    def references(self, name: str) -> List[str]:
        """The inputs of a node, "name" or "name:1", without control inputs."""
        return [canonical(text) for text in self.by_name[name].input if not text.startswith("^")]

    def ancestors(self, names: Iterable[str], without: Collection[str] = ()) -> Set[str]:
        """The named nodes and all nodes that they read, directly or indirectly, but not through nodes `without`."""
        reached: Set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in reached and name not in without:
                reached.add(name)
                waiting += self.data_inputs(name)
        return reached

    def dependents(self, names: Iterable[str], shapes: bool = False, without: Collection[str] = ()) -> Set[str]:
        """The named nodes and all that depend on their values, or `shapes` too, but not through nodes `without`."""
        reached, consumers = set(names), self.consumers
        waiting = list(reached)
        while waiting:
            for reader in consumers.get(waiting.pop(), ()):
                is_reached = reader.name in reached or reader.name in without
                if not is_reached and (shapes or reader.op not in SHAPES):
                    reached.add(reader.name)
                    waiting.append(reader.name)
        return reached

    def source(self, reference: str) -> str:
        """The reference at the start of a chain of Identity nodes and reads of a variable."""
        chain, reference = [], canonical(reference)
        while reference not in self._sources and self.by_name[node_name(reference)].op in _IDENTITIES:
            chain.append(reference)
            reference = self.references(node_name(reference))[0]
        reference = self._sources.get(reference, reference)
        self._sources.update(dict.fromkeys(chain, reference))
        return reference

    def root(self, reference: str) -> str:
        """The node of `source`."""
        return node_name(self.source(reference))

    def constant(self, reference: str) -> Optional[np.ndarray]:
        """The value of a Const, also through Identity nodes; None for any other node."""
        node = self.by_name[self.root(reference)]
        return tensor_util.MakeNdarray(node.attr["value"].tensor) if node.op == "Const" else None

    def truth(self, reference: str) -> Optional[bool]:
        """The value of a bool scalar computed from constants; None if it is not constant."""
        if not self._truths:
            for name in self.order:
                self._truths[name] = self._truth(self.by_name[name])
        return self._truths[self.root(reference)]

    def to_graph_def(self, names: Optional[Collection[str]] = None) -> tf.GraphDef:
        """A copy of the graph, or of these nodes."""
        nodes = [node for name, node in self.by_name.items() if names is None or name in names]
        return tf.GraphDef(versions=self.versions, library=self.library, node=nodes)

    # Changes.

    def add(self, *nodes: tf.NodeDef) -> None:
        """Add nodes, or replace those of the same names."""
        for node in nodes:
            self.by_name[node.name] = node
            self._forget(node.name)

    def expand(self, bodies: Dict[str, List[tf.NodeDef]]) -> None:
        """Put several nodes in the place of each named node."""
        old, self.by_name = self.by_name, {}
        for name, node in old.items():
            for new in bodies.get(name, (node,)):
                self.by_name[new.name] = new
        self._forget(*bodies)

    def connect(self, name: str, position: int, reference: str) -> None:
        """Let input `position` of a node read `reference`."""
        self.by_name[name].input[position] = reference
        self._forget(name)

    def redirect(self, replacements: Dict[str, str]) -> None:
        """Replace references, "name" or "name:1", in every node; replacements are followed to the end."""
        ends = follow(replacements)
        for name, node in self.by_name.items() if ends else ():
            for position, reference in enumerate(node.input):
                end = ends.get(canonical(reference))
                if end is not None:
                    self.connect(name, position, end)

    def keep(self, names: Set[str]) -> None:
        """Remove all nodes but the named ones."""
        if not self.by_name.keys() <= names:
            self.by_name = {name: node for name, node in self.by_name.items() if name in names}
            self._forget_order()

    def remove(self, names: Set[str]) -> None:
        """Remove the named nodes and all nodes that depend on their outputs, such as an optimizer's update."""
        removed = set(names)
        for name in self.order if removed else ():
            if not removed.isdisjoint(self.data_inputs(name)):
                removed.add(name)
        self.keep(self.by_name.keys() - removed)

    def drop_control_inputs(self, sources: Optional[Collection[str]] = None) -> None:
        """Remove the control inputs from these nodes, or all: they only order side effects."""
        for node in self.by_name.values():
            kept = [text for text in node.input if not text.startswith("^") or sources and text[1:] not in sources]
            if len(kept) < len(node.input):
                node.input[:] = kept
                self._forget_order()

    def edit(self, name: str) -> tf.NodeDef:
        """The node, to change its attributes at once."""
        self._forget(name)
        return self.by_name[name]

    def _forget(self, *names):
        self._forget_order()
        self._types = None
        for name in names:
            self._inputs.pop(name, None)

    def _forget_order(self):
        self._order = self._consumers = None
        self._sources, self._truths = {}, {}

    def _truth(self, node):
        if node.op in LOGIC:
            values = [self._truths.get(self.root(source)) for source in self.data_inputs(node.name)]
            return None if None in values else LOGIC[node.op](values)
        is_single = node.op == "Const" and tf.TensorShape(node.attr["value"].tensor.tensor_shape).num_elements() == 1
        return bool(self.constant(node.name)) if is_single else None

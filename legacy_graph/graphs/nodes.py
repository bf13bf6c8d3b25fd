"""An index over the nodes of a GraphDef: inputs, consumers, dependencies."""

from typing import Dict, Iterable, List, Optional, Set

import numpy as np
import tensorflow.compat.v1 as tf
from tensorflow.python.framework import tensor_util

from legacy_graph.graphs.op_table import SHAPES, of_kind

_IDENTITIES = of_kind("identity", "stop")


def node_name(reference: str) -> str:
    """The node's name in an input reference: "conv", "conv:1" or "^conv"."""
    return reference.lstrip("^").split(":")[0]


def canonical(reference: str) -> str:
    """An input reference without ":0"."""
    return reference[:-2] if reference.endswith(":0") else reference


class Nodes:
    """The nodes of a GraphDef by name, in topological order, with their inputs and consumers.

    The index is not updated when the graph changes: make a new one.
    """

    def __init__(self, graph_def: tf.GraphDef) -> None:
        self.by_name: Dict[str, tf.NodeDef] = {node.name: node for node in graph_def.node}
        self._inputs = {
            name: [node_name(text) for text in node.input if not text.startswith("^")]
            for name, node in self.by_name.items()
        }
        self.order = self._topological_order()
        self.consumers: Dict[str, List[tf.NodeDef]] = {name: [] for name in self.by_name}
        for name in self.order:
            for source in dict.fromkeys(self.data_inputs(name)):
                self.consumers[source].append(self.by_name[name])

    def data_inputs(self, name: str) -> List[str]:
        """The names of the nodes whose outputs this node reads, without control inputs."""
        return list(self._inputs[name])

    def ancestors(self, names: Iterable[str]) -> Set[str]:
        """The named nodes and all nodes that they read, directly or indirectly."""
        found: Set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += self.data_inputs(name)
        return found

    def dependents(self, names: Iterable[str], shapes: bool = False) -> Set[str]:
        """The named nodes and all nodes that depend on their values, or, with `shapes`, on their shapes."""
        found = set(names)
        waiting = list(found)
        while waiting:
            for reader in self.consumers.get(waiting.pop(), ()):
                if reader.name not in found and (shapes or reader.op not in SHAPES):
                    found.add(reader.name)
                    waiting.append(reader.name)
        return found

    def root(self, name: str) -> str:
        """The source of a chain of Identity nodes."""
        while self.by_name[name].op in _IDENTITIES:
            name = self.data_inputs(name)[0]
        return name

    def constant(self, reference: str) -> Optional[np.ndarray]:
        """The value of a Const, also through Identity nodes; None for any other node."""
        node = self.by_name[self.root(node_name(reference))]
        return tensor_util.MakeNdarray(node.attr["value"].tensor) if node.op == "Const" else None

    def truth(self, reference: str) -> Optional[bool]:
        """The value of a bool scalar computed from constants; None if it is not constant."""
        value = self.constant(reference)
        if value is not None:
            return bool(value) if value.size == 1 else None
        node = self.by_name[self.root(node_name(reference))]
        if node.op == "Squeeze":
            return self.truth(node.input[0])
        if node.op not in ("LogicalNot", "LogicalAnd", "LogicalOr"):
            return None
        values = [self.truth(text) for text in self.data_inputs(node.name)]
        if None in values:
            return None
        return {"LogicalNot": not values[0], "LogicalAnd": all(values), "LogicalOr": any(values)}[node.op]

    def _topological_order(self):
        """Names, inputs first; ignores the back edges of while loops."""
        order, state = [], {}
        for start in self.by_name:
            waiting = [start]
            while waiting:
                name = waiting[-1]
                if state.get(name) is None:
                    state[name] = "open"
                    node = self.by_name[name]
                    inputs = () if node.op in ("NextIteration", "RefNextIteration") else node.input
                    waiting += [source for source in map(node_name, inputs) if source not in state]
                else:
                    waiting.pop()
                    if state[name] == "open":
                        state[name] = "done"
                        order.append(name)
        return order


def constant(name: str, value: object, dtype: int) -> tf.NodeDef:
    """A Const node.

    Args:
        name: of the node.
        value: array or scalar.
        dtype: TensorFlow's number of the type, as in an attribute.
    """
    tensor = tf.make_tensor_proto(value, dtype=dtype)
    return new_node("Const", name, dtype=tf.AttrValue(type=dtype), value=tf.AttrValue(tensor=tensor))


def new_node(operation: str, name: str, inputs: Iterable[str] = (), **attributes: tf.AttrValue) -> tf.NodeDef:
    """A node with these inputs and attributes."""
    node = tf.NodeDef(op=operation, name=name, input=list(inputs))
    for key, value in attributes.items():
        node.attr[key].CopyFrom(value)
    return node


def identity(name: str, source: str, dtype: int) -> tf.NodeDef:
    """An Identity node of `source`."""
    return new_node("Identity", name, [source], T=tf.AttrValue(type=dtype))


def redirect(graph_def: tf.GraphDef, replacements: Dict[str, str]) -> None:
    """Replace input references, "name" or "name:1", in every node; replacements are followed to the end."""
    for node in graph_def.node:
        for position, reference in enumerate(node.input):
            reference = canonical(reference)
            while reference in replacements:
                reference = replacements[reference]
            node.input[position] = reference


def keep(graph_def: tf.GraphDef, names: Set[str]) -> tf.GraphDef:
    """A copy with the named nodes only, without control inputs."""
    kept = tf.GraphDef(versions=graph_def.versions, library=graph_def.library)
    for node in graph_def.node:
        if node.name in names:
            copy = kept.node.add()
            copy.CopyFrom(node)
            del copy.input[:]
            copy.input.extend(canonical(text) for text in node.input if not text.startswith("^"))
    return kept


def replace_node(graph_def: tf.GraphDef, new: tf.NodeDef) -> None:
    """Replace the node with the name of `new` by `new`."""
    for node in graph_def.node:
        if node.name == new.name:
            node.CopyFrom(new)

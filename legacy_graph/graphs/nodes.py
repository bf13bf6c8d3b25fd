"""References to nodes, and new nodes."""

from typing import Iterable, List, Optional

import tensorflow.compat.v1 as tf

from legacy_graph.graphs.op_table import PLACEHOLDERS


def node_name(reference: str) -> str:
    """The node's name in an input reference: "conv", "conv:1" or "^conv"."""
    return reference.lstrip("^").split(":")[0]


def canonical(reference: str) -> str:
    """An input reference without ":0"."""
    return reference[:-2] if reference.endswith(":0") else reference


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


def placeholder(name: str, shape: List[Optional[int]]) -> tf.NodeDef:
    """A float32 placeholder; lengths that are None are open."""
    dtype = tf.AttrValue(type=tf.float32.as_datatype_enum)
    return new_node("Placeholder", name, dtype=dtype, shape=tf.AttrValue(shape=tf.TensorShape(shape).as_proto()))


def cut(graph_def: tf.GraphDef, name: str, shape: List[Optional[int]]) -> None:
    """Replace a node of a GraphDef by a float32 placeholder of this shape."""
    for node in graph_def.node:
        if node.name == name:
            node.CopyFrom(placeholder(name, shape))


def is_bool(node: tf.NodeDef) -> bool:
    """Whether a node is a bool placeholder, such as a training switch."""
    return node.op in PLACEHOLDERS and node.attr["dtype"].type == tf.bool.as_datatype_enum

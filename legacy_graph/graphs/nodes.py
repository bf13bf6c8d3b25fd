"""References to nodes, and new nodes."""

from typing import Iterable, List, Optional, Union

import tensorflow.compat.v1 as tf

from legacy_graph.graphs.op_table import PLACEHOLDERS


def node_name(reference: str) -> str:
    """The node's name in an input reference: "conv", "conv:1" or "^conv"."""
    return reference.lstrip("^").split(":")[0]


def canonical(reference: str) -> str:
    """An input reference without ":0"."""
    return reference[:-2] if reference.endswith(":0") else reference


Attribute = Union[tf.AttrValue, tf.DType]


def constant(name: str, value: object, dtype: Optional[int] = None) -> tf.NodeDef:
    """A Const node of an array or a scalar; `dtype` is a number of TensorFlow. An int is an int32 without it."""
    tensor = tf.make_tensor_proto(value, dtype)
    return new_node("Const", name, dtype=tf.as_dtype(tensor.dtype), value=tf.AttrValue(tensor=tensor))


def new_node(operation: str, name: str, inputs: Iterable[str] = (), **attributes: Attribute) -> tf.NodeDef:
    """A node with these inputs and attributes."""
    node = tf.NodeDef(op=operation, name=name, input=list(inputs))
    for key, value in attributes.items():
        is_type = isinstance(value, tf.DType)
        node.attr[key].CopyFrom(tf.AttrValue(type=value.as_datatype_enum) if is_type else value)
    return node


def identity(name: str, source: str, kind: Attribute) -> tf.NodeDef:
    """An Identity node of `source`, a tensor of this type."""
    return new_node("Identity", name, [source], T=kind)


def placeholder(name: str, shape: List[Optional[int]]) -> tf.NodeDef:
    """A float32 placeholder; lengths that are None are open."""
    shape = tf.AttrValue(shape=tf.TensorShape(shape).as_proto())
    return new_node("Placeholder", name, dtype=tf.float32, shape=shape)


def cut(graph_def: tf.GraphDef, name: str, shape: List[Optional[int]]) -> None:
    """Replace a node of a GraphDef by a float32 placeholder of this shape."""
    for node in graph_def.node:
        if node.name == name:
            node.CopyFrom(placeholder(name, shape))


def is_bool(node: tf.NodeDef) -> bool:
    """Whether a node is a bool placeholder, such as a training switch."""
    return node.op in PLACEHOLDERS and node.attr["dtype"].type == tf.bool.as_datatype_enum

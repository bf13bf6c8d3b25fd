"""Iterators and queues that give a batch of images, labels and so on become placeholders."""

from typing import List

import tensorflow.compat.v1 as tf

from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.nodes import new_node
from legacy_graph.graphs.op_table import of_kind

# Each has one output for each part of the batch. The data is not in the graph.
_BATCHES = of_kind("batch source")


def split_batches(graph: Graph) -> List[str]:
    """Replace each node that reads a batch from an iterator or a queue with placeholders.

    Output 0 becomes the placeholder "node"; output 1, if a node reads it, becomes "node/output_1".
    """
    replacements, nodes = {}, [node for node in graph.by_name.values() if node.op in _BATCHES]
    read = {text for name in graph.by_name for text in graph.references(name)} if nodes else set()
    for node in nodes:
        kinds, shapes = _components(graph, node)
        for number, (kind, shape) in enumerate(zip(kinds, shapes)):
            name = f"{node.name}/output_{number}" if number else node.name
            if number and f"{node.name}:{number}" not in read:
                continue
            graph.add(new_node("Placeholder", name, dtype=tf.AttrValue(type=kind), shape=tf.AttrValue(shape=shape)))
            if number:
                replacements[f"{node.name}:{number}"] = name
    graph.redirect(replacements)
    return []


def _components(graph, node):
    """(types, shapes) of the outputs of an iterator or a queue. A queue may fix the batch, as `tf.train.batch` does."""
    if "output_types" in node.attr:
        return node.attr["output_types"].list.type, node.attr["output_shapes"].list.shape
    kinds = node.attr["component_types"].list.type
    source, *numbers = graph.data_inputs(node.name)
    shapes = [tf.TensorShape(shape) for shape in graph.by_name[source].attr["shapes"].list.shape]
    shapes = shapes or [tf.TensorShape(None)] * len(kinds)
    if "Many" in node.op or "UpTo" in node.op:
        batch = graph.constant(numbers[0]) if "Many" in node.op else None
        length = None if batch is None else int(batch)
        shapes = [tf.TensorShape([length]).concatenate(shape) for shape in shapes]
    return kinds, [shape.as_proto() for shape in shapes]

"""Set the training switches of a graph to inference: placeholders, Switch and Merge."""

import re
from typing import Dict, List

import tensorflow.compat.v1 as tf

from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.nodes import constant, identity, node_name

# A bool placeholder with such a name is True at inference; any other one ("is_training", "phase") is False.
_INFERENCE_NAME = re.compile("infer|test|eval|predict", re.IGNORECASE)


def fix_placeholders(graph: Graph) -> List[str]:
    """Replace bool placeholders by constants, and scalar placeholders by their default values.

    Returns:
        A sentence for each bool placeholder that was given a value.
    """
    notes = []
    for node in list(graph.by_name.values()):
        if node.op in ("Placeholder", "PlaceholderWithDefault"):
            dtype, shape = node.attr["dtype"].type, node.attr["shape"].shape
            if dtype == tf.bool.as_datatype_enum:
                value = bool(_INFERENCE_NAME.search(node.name.split("/")[-1]))
                graph.add(constant(node.name, value, dtype))
                notes.append(f"The placeholder {node.name} is set to {value}, as at inference.")
            elif node.op == "PlaceholderWithDefault" and not shape.unknown_rank and not shape.dim:
                graph.add(identity(node.name, node.input[0], dtype))
    return notes


def resolve_switches(graph: Graph) -> List[str]:
    """Follow each Switch whose predicate is constant, and connect each Merge to its live input."""
    replacements: Dict[str, str] = {}
    dead_nodes, dead_outputs, resolved = set(), set(), set()

    def is_dead(reference):
        return reference in dead_outputs or node_name(reference) in dead_nodes

    for name in graph.order:
        node, data = graph.by_name[name], graph.references(name)
        if node.op in ("Merge", "RefMerge"):
            alive = [text for text in data if not is_dead(text)]
            if not alive:
                dead_nodes.add(name)
            elif len(alive) < len(data):
                replacements[name] = alive[0]
        elif any(map(is_dead, data + [text for text in node.input if text.startswith("^")])):
            dead_nodes.add(name)
        elif node.op in ("Switch", "RefSwitch"):
            predicate = graph.truth(data[1])
            if predicate is not None:
                outputs = (name, f"{name}:1")
                dead_outputs.add(outputs[not predicate])
                replacements[outputs[predicate]] = data[0]
                resolved.add(name)
    graph.redirect(replacements)
    graph.drop_control_inputs()
    graph.remove(dead_nodes | resolved | {name for name in replacements if ":" not in name})
    return []

"""Set a training graph to inference mode: training switches, default values, dropout. Changes the graph in place."""

import re
from typing import Dict, List

import tensorflow.compat.v1 as tf

from legacy_graph.graphs.nodes import (
    Nodes,
    canonical,
    constant,
    identity,
    keep,
    node_name,
    redirect,
    replace_node,
)
from legacy_graph.graphs.op_table import RANDOM, SHAPES, of_kind

# A bool placeholder with such a name is True at inference; any other one ("is_training", "phase") is False.
_INFERENCE_NAME = re.compile("infer|test|eval|predict", re.IGNORECASE)
_SIDE_EFFECTS = of_kind("effect")  # summaries, updates of variables
_SCALES = ("Mul", "RealDiv", "Div")
_MASKED = ("Mul", "SelectV2", "Select")


def set_to_inference(graph_def: tf.GraphDef) -> List[str]:
    """Fix the training switches and remove summaries, updates of variables, Switch and Merge.

    Returns:
        A sentence for each bool placeholder that was given a value.
    """
    notes = _fix_placeholders(graph_def)
    _resolve_switches(graph_def)
    _remove_side_branches(graph_def)
    return notes


def remove_dropout(graph_def: tf.GraphDef, sources: List[str]) -> int:
    """Replace each dropout by its input, as at inference.

    Args:
        graph_def: changed in place.
        sources: names of the nodes that may be the graph's input.

    Returns:
        The number of dropouts.
    """
    nodes = Nodes(graph_def)
    pictures = [name for name in sources if not _may_be_scalar(nodes.by_name[name], unknown=True)]
    dependent = nodes.dependents(
        pictures or [name for name in sources if not _may_be_scalar(nodes.by_name[name], unknown=False)]
    )
    noise = {name for name, node in nodes.by_name.items() if node.op in RANDOM}
    replacements: Dict[str, str] = {}
    for name in nodes.order:
        node = nodes.by_name[name]
        if node.op in SHAPES or not noise.intersection(nodes.data_inputs(name)):
            continue
        inputs = [canonical(text) for text in node.input if not text.startswith("^")]
        values = [text for text in inputs if node_name(text) in dependent and node_name(text) not in noise]
        masks = [text for text in inputs if node_name(text) in noise and node_name(text) not in dependent]
        if node.op in _MASKED and len(values) == len(masks) == 1:
            replacements[name] = _unscaled(nodes, values[0], dependent)
        else:
            noise.add(name)
    redirect(graph_def, replacements)
    _remove(graph_def, set(replacements))
    return len(replacements)


def _may_be_scalar(node, unknown):
    """Whether a source has rank 0, such as the placeholder keep_prob; `unknown` is the answer for an unknown rank."""
    if "shape" not in node.attr or node.attr["shape"].shape.unknown_rank:
        return unknown
    return not node.attr["shape"].shape.dim


def _unscaled(nodes, reference, dependent):
    """The input of the scaling by 1 / keep_prob; the reference itself if there is no scaling."""
    node = nodes.by_name[node_name(reference)]
    inputs = [canonical(text) for text in node.input if not text.startswith("^")]
    values = [text for text in inputs if node_name(text) in dependent]
    return values[0] if node.op in _SCALES and len(inputs) == 2 and len(values) == 1 else reference


def _fix_placeholders(graph_def):
    """Replace bool placeholders by constants, and scalar placeholders by their default values."""
    notes = []
    for node in list(graph_def.node):
        if node.op == "Placeholder" and node.attr["dtype"].type == tf.bool.as_datatype_enum:
            notes.append(_fix_bool(graph_def, node))
        elif node.op == "PlaceholderWithDefault":
            dtype, shape = node.attr["dtype"].type, node.attr["shape"].shape
            if dtype == tf.bool.as_datatype_enum:
                notes.append(_fix_bool(graph_def, node))
            elif not shape.unknown_rank and not shape.dim:
                replace_node(graph_def, identity(node.name, node.input[0], dtype))
    return notes


def _fix_bool(graph_def, node):
    value = bool(_INFERENCE_NAME.search(node.name.split("/")[-1]))
    replace_node(graph_def, constant(node.name, value, tf.bool.as_datatype_enum))
    return f"The placeholder {node.name} is set to {value}, as at inference."


def _remove_side_branches(graph_def):
    """Remove gradients, summaries, updates of variables, and nodes that only summaries and updates read.

    These nodes would count as readers of a layer.
    """
    nodes = Nodes(graph_def)
    ends = {name for name, node in nodes.by_name.items() if node.op in _SIDE_EFFECTS}
    for name in reversed(nodes.order):
        readers = {node.name for node in nodes.consumers[name]}
        if readers and readers <= ends:
            ends.add(name)
    _remove(graph_def, ends | {name for name in nodes.by_name if re.search(r"(^|/)gradients(_\d+)?/", name)})


def _remove(graph_def, names):
    """Remove the named nodes and all nodes that depend on their outputs, such as an optimizer's update."""
    nodes, removed = Nodes(graph_def), set(names)
    for name in nodes.order:
        if removed.intersection(nodes.data_inputs(name)):
            removed.add(name)
    kept = keep(graph_def, set(nodes.by_name) - removed)
    graph_def.CopyFrom(kept)


def _resolve_switches(graph_def):
    """Follow each Switch whose predicate is constant, and connect each Merge to its live input."""
    nodes = Nodes(graph_def)
    replacements: Dict[str, str] = {}
    dead_nodes, dead_outputs, resolved = set(), set(), set()

    def is_dead(reference):
        return canonical(reference) in dead_outputs or node_name(reference) in dead_nodes

    for name in nodes.order:
        node = nodes.by_name[name]
        data = [canonical(text) for text in node.input if not text.startswith("^")]
        if node.op in ("Merge", "RefMerge"):
            alive = [text for text in data if not is_dead(text)]
            if not alive:
                dead_nodes.add(name)
            elif len(alive) < len(data):
                replacements[name] = alive[0]
        elif any(map(is_dead, node.input)):
            dead_nodes.add(name)
        elif node.op in ("Switch", "RefSwitch"):
            predicate = nodes.truth(data[1])
            if predicate is not None:
                outputs = (name, f"{name}:1")
                dead_outputs.add(outputs[not predicate])
                replacements[outputs[predicate]] = data[0]
                resolved.add(name)
    redirect(graph_def, replacements)
    _remove(graph_def, dead_nodes | resolved | {name for name in replacements if ":" not in name})

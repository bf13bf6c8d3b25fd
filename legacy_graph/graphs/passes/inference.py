"""Set a graph to inference: bool placeholders, Switch and Merge, dropout."""

import re
from typing import Dict, List, NamedTuple, Optional, Set

from legacy_graph.errors import UserError
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.nodes import constant, identity, is_bool, node_name
from legacy_graph.graphs.op_table import PLACEHOLDERS, SHAPES, SOURCES, of_kind, row
from legacy_graph.graphs.operations import attribute
from legacy_graph.graphs.tensor_types import declared_type

_SCALES = of_kind("scale")
_MASKED = {"Mul", *of_kind("selection")}
_SWITCHES, _MERGES = of_kind("switch"), of_kind("merge")
# Whole words of names. A bool placeholder "is_training" is False at inference, "inference" is True.
_TRAINING = {"train", "training", "trainer", "istrain", "istraining", "trainphase", "phase", "dropout", "augment"}
_INFERENCE = {
    "infer", "inference", "inferring", "isinference", "test", "testing", "istest", "istesting", "eval", "evaluate",
    "evaluating", "evaluation", "iseval", "predict", "predicting", "prediction", "serving",
}  # fmt: skip


def set_placeholders(graph: Graph, values: Dict[str, bool]) -> List[str]:
    """Replace bool placeholders by the values that the user gives them.

    Returns:
        A sentence for each of them.

    Raises:
        UserError: the graph has no bool placeholder of this name.
    """
    known = [name for name, node in graph.by_name.items() if is_bool(node)]
    for name, value in values.items():
        if name not in known:
            expected = f"a bool placeholder of the graph: {', '.join(known[:8])}" if known else "a bool placeholder"
            raise UserError("--set", expected, name if known else "a graph without one", "correct the name")
        graph.add(constant(name, bool(value)))
    return [f"The placeholder {name} is set to {value}." for name, value in values.items()]


def fix_placeholders(graph: Graph) -> List[str]:
    """Replace bool placeholders by constants, and scalar placeholders by their default values.

    The value of a bool placeholder follows from its name; else from its default; else from what it switches: at
    inference, no dropout and no batch norm of the training runs. If nothing decides, the placeholder stays, and a layer
    that needs it is refused.

    Returns:
        A sentence for each bool placeholder that was given a value.
    """
    notes = []
    for node in list(graph.by_name.values()):
        if node.op in PLACEHOLDERS:
            shape = node.attr["shape"].shape
            if is_bool(node):
                value = _value(graph, node)
                if value is not None:
                    graph.add(constant(node.name, value))
                    notes.append(f"The placeholder {node.name} is set to {value}, as at inference.")
            elif node.op == "PlaceholderWithDefault" and not shape.unknown_rank and not shape.dim:
                graph.add(identity(node.name, node.input[0], node.attr["dtype"]))
    return notes


def _value(graph, node) -> Optional[bool]:
    """The value of a bool placeholder at inference; None if nothing decides it."""
    for part in reversed(node.name.split("/")):
        words = set(re.findall("[a-z]+", re.sub("([a-z])([A-Z])", r"\1_\2", part).lower()))
        training, inference = bool(words & _TRAINING), bool(words & _INFERENCE)
        if training != inference and not words & {"not", "no", "non"}:
            return inference
    if node.op == "PlaceholderWithDefault":
        return graph.truth(node.input[0])
    return _switched(graph, node)


def _switched(graph, node) -> Optional[bool]:
    """The value of a placeholder at which no random numbers and no statistics of the batch are computed, if one is."""
    training = {name for name, other in graph.by_name.items() if _is_training(other)}
    runs = []
    for value in (False, True):
        graph.add(constant(node.name, value))
        runs.append(training - _find_branches(graph).dead)
    graph.add(node)
    off, on = runs
    return None if bool(off < on) == bool(on < off) else on < off


def _is_training(node):
    return row(node.op).kind == "random" or (node.op.startswith("FusedBatchNorm") and attribute(node, "is_training").b)


def resolve_switches(graph: Graph) -> List[str]:
    """Follow each Switch whose predicate is constant, and connect each Merge to its live input."""
    replacements, dead, resolved = _find_branches(graph)
    graph.redirect(replacements)
    graph.drop_control_inputs()
    graph.remove(dead | resolved | {name for name in replacements if ":" not in name})
    return []


class _Branches(NamedTuple):
    """What becomes of the nodes behind switches whose predicates are constant."""

    replacements: Dict[str, str]  # of references
    dead: Set[str]  # nodes that do not run
    resolved: Set[str]  # the switches


def _find_branches(graph) -> _Branches:
    branches, dead_outputs = _Branches({}, set(), set()), set()

    def is_dead(reference):
        return reference in dead_outputs or node_name(reference) in branches.dead

    for name in graph.order:
        node, data = graph.by_name[name], graph.references(name)
        if node.op in _MERGES:
            alive = [text for text in data if not is_dead(text)]
            if not alive:
                branches.dead.add(name)
            elif len(alive) < len(data):
                branches.replacements[name] = alive[0]
        elif any(map(is_dead, data + [text for text in node.input if text.startswith("^")])):
            branches.dead.add(name)
        elif node.op in _SWITCHES:
            predicate = graph.truth(data[1])
            if predicate is not None:
                outputs = (name, f"{name}:1")
                dead_outputs.add(outputs[not predicate])
                branches.replacements[outputs[predicate]] = data[0]
                branches.resolved.add(name)
    return branches


def remove_dropout(graph: Graph) -> List[str]:
    """Replace each dropout by its input, as at inference."""
    sources = graph.names(SOURCES)
    pictures = [name for name in sources if not _may_be_scalar(graph.by_name[name], unknown=True)]
    dependent = graph.dependents(
        pictures or [name for name in sources if not _may_be_scalar(graph.by_name[name], unknown=False)]
    )
    noise = {name for name, node in graph.by_name.items() if row(node.op).kind == "random"}
    replacements: Dict[str, str] = {}
    for name in graph.order:
        node = graph.by_name[name]
        if node.op in SHAPES or not noise.intersection(graph.data_inputs(name)):
            continue
        inputs = graph.references(name)
        values = [text for text in inputs if node_name(text) in dependent and node_name(text) not in noise]
        masks = [text for text in inputs if node_name(text) in noise and node_name(text) not in dependent]
        if node.op in _MASKED and len(values) == len(masks) == 1:
            replacements[name] = _unscaled(graph, values[0], dependent)
            after = _scaling_after(graph, name, masks[0], dependent)
            replacements.update({after: name} if after else {})
        else:
            noise.add(name)
    graph.redirect(replacements)
    graph.remove(set(replacements))
    return []


def _scaling_after(graph, masked, mask, dependent) -> Optional[str]:
    """The scaling of masked values by 1 / keep_prob, if it is their only reader and the mask has this keep_prob."""
    readers = graph.consumers[masked]
    if len(readers) != 1 or readers[0].op not in _SCALES:
        return None
    others = [node_name(text) for text in graph.references(readers[0].name) if node_name(text) != masked]
    if len(others) != 1 or others[0] in dependent:
        return None
    shared = graph.ancestors(others) & graph.ancestors([node_name(mask)])
    return readers[0].name if any(graph.by_name[name].op in SOURCES for name in shared) else None


def _may_be_scalar(node, unknown):
    """Whether a source has rank 0, such as the placeholder keep_prob; `unknown` is the answer for an unknown rank."""
    if "shape" not in node.attr or node.attr["shape"].shape.unknown_rank:
        return unknown
    return not node.attr["shape"].shape.dim


def _unscaled(graph, reference, dependent):
    """The input of the scaling by 1 / keep_prob; the reference itself if there is no scaling."""
    node = graph.by_name[node_name(reference)]
    inputs = graph.references(node.name) if node.op in _SCALES else []
    values = [text for text in inputs if node_name(text) in dependent]
    factors = [node_name(text) for text in inputs if text not in values]
    return values[0] if len(values) == len(factors) == 1 and _is_number(graph, factors[0]) else reference


def _is_number(graph, name):
    """Whether a factor is computed from single numbers, such as keep_prob; weights of a layer are no such factor."""
    leaves = [graph.by_name[source] for source in graph.ancestors([name]) if not graph.data_inputs(source)]
    return all("dtype" in leaf.attr and set(declared_type(leaf).shape or ()) <= {1} for leaf in leaves)

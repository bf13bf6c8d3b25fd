"""Remove dropout."""

from typing import Dict, List, Optional

from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.inputs import find_sources
from legacy_graph.graphs.nodes import node_name
from legacy_graph.graphs.op_table import RANDOM, SHAPES, SOURCES

_SCALES = ("Mul", "RealDiv", "Div")
_MASKED = ("Mul", "SelectV2", "Select")


def remove_dropout(graph: Graph) -> List[str]:
    """Replace each dropout by its input, as at inference."""
    sources = find_sources(graph)
    pictures = [name for name in sources if not _may_be_scalar(graph.by_name[name], unknown=True)]
    dependent = graph.dependents(
        pictures or [name for name in sources if not _may_be_scalar(graph.by_name[name], unknown=False)]
    )
    noise = {name for name, node in graph.by_name.items() if node.op in RANDOM}
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
    inputs = graph.references(node.name)
    values = [text for text in inputs if node_name(text) in dependent]
    return values[0] if node.op in _SCALES and len(inputs) == 2 and len(values) == 1 else reference

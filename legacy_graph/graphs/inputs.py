"""Find the tensor of a graph that takes the images."""

import re
from typing import Dict, List, Optional, Set

import tensorflow.compat.v1 as tf

from legacy_graph.errors import UserError
from legacy_graph.graphs.nodes import Nodes, canonical, node_name
from legacy_graph.graphs.tensor_types import TensorType

_SOURCES = re.compile(
    r"Placeholder(V2|WithDefault)?|Decode\w+|Iterator\w*GetNext\w*|QueueDequeue\w*|Parse\w*Example\w*"
)
_HINT = "name the node that takes the images with --input"


def find_sources(nodes: Nodes) -> List[str]:
    """The names of all nodes that may feed data into a graph."""
    return [name for name in nodes.order if _SOURCES.fullmatch(nodes.by_name[name].op)]


def choose_input(nodes: Nodes, named: Optional[str], declared: List[str], convolutions: Set[str]) -> str:
    """Choose the node that provides the images.

    Args:
        nodes: of the graph.
        named: by the user with --input, or None.
        declared: by the signature of a SavedModel; empty for other graphs.
        convolutions: names of the convolutions.

    Raises:
        UserError: the named node does not exist or feeds no convolution; or several nodes could be the input.
    """
    sources = [name for name in find_sources(nodes) if convolutions & nodes.dependents([name])]
    if named is not None:
        name = node_name(named)
        if canonical(named) != name or name not in nodes.by_name:
            raise UserError("--input", f"a node of the graph such as {_listed(sources)}", named, _HINT)
        if not convolutions & nodes.dependents([name]):
            raise UserError("--input", f"a node before a convolution such as {_listed(sources)}", named, _HINT)
        return name
    sources = [name for name in declared if name in sources] or _nearest(nodes, sources)
    if len(sources) != 1:
        found = f"several: {_listed(sources)}" if sources else "no placeholder before a convolution"
        raise UserError("--input", "one input", found, _HINT)
    return sources[0]


def first_image(nodes: Nodes, name: str, types: Dict[str, TensorType], convolutions: Set[str]) -> str:
    """The first float32 tensor of rank 4 after a node such that every path to the layers contains it.

    Usually this is the node itself. For integer images, or spectrograms of rank 3, it is a later node.

    Raises:
        UserError: there is no such tensor.
    """
    reached = nodes.dependents([name])
    before = nodes.ancestors(convolutions & reached)
    if types[name].dtype == tf.float32 and types[name].shape is None:
        return name
    for candidate in nodes.order:
        if candidate not in reached & before or not types[candidate].is_image:
            continue
        if candidate in convolutions:
            break
        if candidate == name or not _bypassing(nodes, name, candidate) & convolutions:
            return candidate
    hint = f"name a float32 tensor of rank 4 with --input, such as {_bottlenecks(nodes, name, types, convolutions)}"
    raise UserError("--input", "one float32 tensor of rank 4 before all layers", f"none after {name}", hint)


def _bypassing(nodes, name, candidate):
    """The nodes that depend on the input by a path without the candidate."""
    reached = {name}
    for one in nodes.order:
        if one != candidate and reached.intersection(nodes.data_inputs(one)):
            reached.add(one)
    return reached


def _bottlenecks(nodes, name, types, convolutions):
    """Tensors that lie on every path to many of the layers, as text for a message."""
    before = nodes.ancestors(convolutions) & nodes.dependents([name])
    found: Dict[int, str] = {}
    for candidate in nodes.order:
        if candidate not in before - convolutions or not types[candidate].is_image:
            continue
        batch, *sides, _ = types[candidate].shape
        if batch in (None, 1) and 1 not in sides:
            count = len((convolutions & nodes.dependents([candidate])) - _bypassing(nodes, name, candidate))
            found.setdefault(count, candidate)
    best = sorted(found, reverse=True)[:3]
    return ", ".join(f"{found[count]} ({count} layers)" for count in best) or "one before the layers"


def _nearest(nodes, sources):
    """The sources, without those that feed another source, and without defaults that depend on a placeholder."""
    placeholders = [name for name in sources if nodes.by_name[name].op == "Placeholder"]
    kept = [
        name
        for name in sources
        if nodes.by_name[name].op != "PlaceholderWithDefault"
        or not any(name in nodes.dependents([one]) for one in placeholders)
    ]
    return [name for name in kept if not any(name in nodes.ancestors([one]) for one in kept if one != name)]


def _listed(names):
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "") or "none"

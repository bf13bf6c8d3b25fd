"""Find the tensor of a graph that takes the images."""

from typing import Dict, List, Optional, Set, Tuple

import tensorflow.compat.v1 as tf

from legacy_graph.errors import UserError
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.nodes import canonical, constant, identity, is_bool, new_node, node_name
from legacy_graph.graphs.op_table import CALLS, LOOPS, SOURCES, of_kind
from legacy_graph.graphs.tensor_types import TensorType, declared_type

_RESIZES = of_kind("resize")
_BLOCKS = of_kind("blocks")
_SHAPING = ("Reshape", *_RESIZES)
_BEFORE_IMAGES = {"Squeeze", *_RESIZES, *LOOPS, *CALLS}
_HINT = "name the node that takes the images with --input"


def select_output(graph: Graph, named: Optional[str], convolutions: Set[str]) -> Tuple[Optional[str], List[str]]:
    """Give an output of a node with several outputs, such as a split batch, a node of its own.

    Args:
        graph: of the graph. Changes it.
        named: by the user with --input: "split:1", or "split" for output 0.
        convolutions: names of the convolutions.

    Returns:
        The name of the node with this output alone, and a sentence about the layers behind the other outputs.
    """
    name = node_name(named or "")
    reference = canonical(named or "")
    outputs = sorted({text for other in graph.by_name for text in graph.references(other) if node_name(text) == name})
    if name not in graph.by_name or outputs in ([], [name]) or "T" not in graph.by_name[name].attr:
        return named, []
    if reference not in outputs:
        raise UserError("--input", f"an output that other nodes read: {_listed(outputs)}", repr(named), _HINT)
    alone = f"{name}/output_{reference.partition(':')[2] or 0}"
    others = [text for text in outputs if text != reference]
    graph.redirect({reference: alone})
    graph.add(identity(alone, reference, graph.by_name[name].attr["T"]))
    behind = (convolutions & graph.dependents([name])) - graph.dependents([alone])
    note = f"Layers behind other outputs of {name} are left out: {len(behind)}; name {_listed(others)} with --input."
    return alone, [note] if behind else []


def choose_input(graph: Graph, named: Optional[str], declared: List[str], convolutions: Set[str]) -> str:
    """Choose the node that provides the images.

    Args:
        graph: of the graph.
        named: by the user with --input, or None.
        declared: by the signature of a SavedModel; empty for other graphs.
        convolutions: names of the convolutions.

    Raises:
        UserError: the named node does not exist or feeds no convolution; or several nodes could be the input.
    """
    sources = [name for name in graph.names(SOURCES) if not is_bool(graph.by_name[name])]
    sources = [name for name in sources if convolutions & graph.dependents([name])]
    if named is not None:
        name = node_name(named)
        if canonical(named) != name or name not in graph.by_name:
            raise UserError("--input", f"a node of the graph such as {_listed(sources)}", repr(named), _HINT)
        if not convolutions & graph.dependents([name]):
            raise UserError("--input", f"a node before a convolution such as {_listed(sources)}", repr(named), _HINT)
        return name
    sources = [name for name in declared if name in sources] or _nearest(graph, sources)
    if len(sources) != 1:
        found = f"several: {_listed(sources)}" if sources else "no placeholder before a convolution"
        raise UserError("--input", "one input", found, _HINT)
    return sources[0]


def set_entry_types(graph: Graph, convolution: str) -> None:
    """Set the types of the tensors that `first_image` looks at: those between the input and the first convolution.

    Nothing is imported for a placeholder of images, unless operations on single images or a resize may follow it.
    """
    between = graph.ancestors([convolution]) & graph.dependent
    node, operations = graph.by_name[graph.input], {graph.by_name[other].op for other in between}
    is_image = node.op == "Placeholder" and operations.isdisjoint(_BEFORE_IMAGES) and declared_type(node).is_image
    graph.types = {node.name: declared_type(node)} if is_image else graph.infer_types([convolution])


def first_image(graph: Graph, convolutions: Set[str], skip: bool) -> str:
    """The first float32 tensor of rank 4 from the input on such that every path to the layers contains it.

    Usually this is the input itself. For integer images, or spectrograms of rank 3, it is a later node. For signals
    [B, W, C] that several 1-D convolutions read, it is a new node: the signals as images of one row.

    Args:
        graph: with the node that provides the images as its input, and types from `set_entry_types`.
        convolutions: names, of those that TensorFlow can import.
        skip: choose a tensor after operations that work on one image at a time, such as a loop over the batch, and
            after a resize to a fixed size.

    Raises:
        UserError: there is no such tensor.
    """
    name, types, reached = graph.input, graph.types, graph.dependent
    between = reached & graph.ancestors(convolutions) & types.keys()
    first = next(candidate for candidate in graph.order if candidate in convolutions)
    single = _single_image(graph, reached, first) if skip else set()
    is_open = types[name].dtype == tf.float32 and types[name].shape is None
    for candidate in graph.order:
        if candidate in single or candidate not in between or not types[candidate].is_image:
            continue
        if graph.by_name[candidate].op in _BLOCKS:  # they hold parts of images, and the blocks end after the layer
            continue
        # A convolution is too late. A candidate such as a padding keeps the rank: a node of unknown rank before it has
        # rank 4 itself.
        if candidate in convolutions or (is_open and not single and graph.by_name[candidate].op not in _SHAPING):
            break
        if not convolutions & _bypassing(graph, candidate):
            return _resized(graph, candidate) if skip else candidate
    if is_open and name not in single:
        return name
    for candidate in [each for each in graph.order if each in between and types[each].is_float]:
        is_signal = len(types[candidate].shape or ()) == 3
        if is_signal and not convolutions & _bypassing(graph, candidate):
            return _as_row(graph, candidate)
    hint = f"name a float32 tensor of rank 4 with --input, such as {_bottlenecks(graph, convolutions)}"
    raise UserError("--input", "one float32 tensor of rank 4 before all layers", f"none after {name}", hint)


def _as_row(graph, name):
    """Let the readers of a tensor [B, W, C] read it through a new tensor [B, 1, W, C]; returns the name of that."""
    image, row, axis = f"{name}/as_image", f"{name}/row", constant(f"{name}/as_image/axis", 1)
    types, (dtype, (batch, *sides)) = graph.types, graph.types[name]
    graph.redirect({name: row})
    removed = tf.AttrValue(list=tf.AttrValue.ListValue(i=[1]))
    graph.add(axis, new_node("ExpandDims", image, [name, axis.name], T=dtype, Tdim=tf.int32))
    graph.add(new_node("Squeeze", row, [image], T=dtype, squeeze_dims=removed))
    added = {image: TensorType(dtype, [batch, 1, *sides]), row: types[name], axis.name: TensorType(tf.int32, [])}
    graph.types = {**types, **added}
    return image


def _single_image(graph, reached, convolution):
    """The nodes that work on one image: those up to the last loop or removal of the batch axis before a convolution."""
    before = graph.ancestors([convolution]) & reached
    loops = [name for name in before if graph.by_name[name].op in LOOPS | CALLS]
    return graph.ancestors(loops + [name for name in before if _removes_batch(graph.by_name[name], graph.types)])


def _removes_batch(node, types):
    """Whether a node is a Squeeze of axis 0. Without axes, it removes all axes of length 1."""
    if node.op != "Squeeze" or node_name(node.input[0]) not in types:
        return False
    shape, axes = types[node_name(node.input[0])].shape or [None] * 4, node.attr["squeeze_dims"].list.i
    return 0 in axes or -len(shape) in axes or (not axes and shape[0] == 1)


def _resized(graph, name):
    """The only reader of a node if it is a resize to a fixed size; else the node."""
    readers = graph.consumers[name]
    if len(readers) == 1 and readers[0].op in _RESIZES and None not in graph.types[readers[0].name].shape[1:3]:
        return readers[0].name
    return name


def _bypassing(graph, candidate):
    """The nodes that depend on the input by a path without the candidate."""
    return graph.dependents({graph.input} - {candidate}, shapes=True, without=[candidate])


def _bottlenecks(graph, convolutions):
    """Tensors that lie on every path to many of the layers, as text for a message."""
    before, types = graph.ancestors(convolutions) & graph.dependent, graph.infer_types(convolutions)
    by_count: Dict[int, str] = {}
    for candidate in graph.order:
        if candidate not in before - convolutions or not types[candidate].is_image:
            continue
        batch, *sides, _ = types[candidate].shape
        if batch in (None, 1) and 1 not in sides:
            count = len((convolutions & graph.dependents([candidate])) - _bypassing(graph, candidate))
            by_count.setdefault(count, candidate)
    best = sorted(by_count, reverse=True)[:3]
    return ", ".join(f"{by_count[count]} ({count} layers)" for count in best) or "one before the layers"


def _nearest(graph, sources):
    """The sources, without those that feed another source, and without defaults that depend on a placeholder."""
    behind = graph.dependents(name for name in sources if graph.by_name[name].op == "Placeholder")
    kept = [name for name in sources if graph.by_name[name].op != "PlaceholderWithDefault" or name not in behind]
    return [name for name in kept if not any(name in graph.ancestors([other]) for other in kept if other != name)]


def _listed(names):
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "") or "none"

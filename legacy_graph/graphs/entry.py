"""Cut a graph at the tensor that takes the images."""

from typing import List, Optional, Set, Tuple

from legacy_graph.errors import UserError
from legacy_graph.graphs.dense import find_dense, without_refused
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.inputs import choose_input, entry_types, first_image, select_output
from legacy_graph.graphs.layers import find_convolutions
from legacy_graph.graphs.nodes import placeholder
from legacy_graph.graphs.op_table import CONVOLUTIONS, ELEMENTWISE, MAX_POOLS, row
from legacy_graph.graphs.operations import check_operations, definition
from legacy_graph.graphs.passes.shapes import free_batch
from legacy_graph.graphs.passes.single_nodes import remove_defaults
from legacy_graph.graphs.skipped import describe_skipped

_FOLLOWING = ELEMENTWISE | MAX_POOLS | {"Reshape", "BatchToSpaceND"}


def cut_at_input(graph: Graph, path: str, named: Optional[str], declared: List[str]) -> Tuple[Set[str], List[str]]:
    """Replace the tensor that takes the images by a placeholder, and set `graph.input`.

    Args:
        graph: without functions.
        path: of its file, for messages.
        named: the node that the user names with --input, or None.
        declared: names of the inputs that a signature declares.

    Returns:
        The names of the layers, and of the nodes after them that may belong to a layer; a sentence if operations are
        skipped.

    Raises:
        UserError: no tensor can take the images, or the graph has no convolution that can be shown.
    """
    convolutions = {name for name, node in graph.by_name.items() if node.op in CONVOLUTIONS}
    if not convolutions:
        check_operations(graph.by_name[name] for name in graph.order if _hides_convolutions(graph, name))
        raise UserError(path, "a graph with 2-D convolutions", "none", "give a convolutional network")
    named, output_notes = select_output(graph, named, convolutions)
    start = choose_input(graph, named, declared, convolutions)
    order, reached = _layers_after(graph, path, start, convolutions)
    types = entry_types(graph, start, order[0])
    name = first_image(graph, start, types, set(order), skip=named is None)
    notes = output_notes + ([] if name == start else [describe_skipped(graph, types, start, name)])
    batch, *sides, channels = types[name].shape or [None] * 4
    image = [*sides, channels or _channels(graph, order[0])]
    graph.library.Clear()  # the layers do not depend on any call
    graph.input = name
    if batch is not None:
        graph.add(placeholder(name, [batch, *image]))
        free_batch(graph, reached, batch)
    graph.add(placeholder(name, [None, *image]))
    remove_defaults(graph)
    return reached, notes


def _layers_after(graph, path, start, convolutions) -> Tuple[List[str], Set[str]]:
    """The convolutions after the input, in their order; and the names of all layers and of what may belong to them."""
    dependent = graph.dependents([start])
    names = set(find_convolutions(graph, dependent))
    unknown = graph.dependents(
        [name for name, node in graph.by_name.items() if definition(node.op) is None], shapes=True
    )
    importable = names - unknown
    order = [name for name in graph.order if name in importable]
    if not order:
        needed = graph.ancestors(names or convolutions)
        check_operations(graph.by_name[name] for name in graph.order if name in needed)
        raise UserError(path, "a convolution with a kernel of its own", "none", "give a convolutional network")
    dense = find_dense(graph, dependent, order)
    return order, _with_elementwise(graph, {*order, *without_refused(graph, dense, dependent)}, unknown)


def _with_elementwise(graph, layers, unknown):
    """The layers, and the operations after them that may belong to them, if they are known."""
    reached = set(layers)
    for name in graph.order:
        is_known = graph.by_name[name].op in _FOLLOWING and name not in unknown
        if is_known and not reached.isdisjoint(graph.data_inputs(name)):
            reached.add(name)
    return reached


def _hides_convolutions(graph, name):
    """Whether a node may be a convolution that this program does not read, or a function that contains one."""
    node = graph.by_name[name]
    if definition(node.op) is None or row(node.op).kind in ("quantised", "volume"):
        return True
    inside = {node.op for function in graph.library.function for node in function.node_def}
    hidden = any(operation in CONVOLUTIONS or row(operation).kind in ("quantised", "volume") for operation in inside)
    return row(node.op).kind == "call" and hidden


def _channels(graph, convolution):
    """The channels that a convolution expects."""
    kernel = graph.data_inputs(convolution)[1]
    shape = graph.infer_types([kernel])[kernel].shape
    return shape and shape[2]

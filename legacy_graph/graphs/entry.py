"""Cut a graph at the tensor that takes the images."""

from typing import Dict, List, Optional, Tuple

from legacy_graph.errors import UserError
from legacy_graph.graphs.dense import find_dense, without_refused
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.inputs import choose_input, first_image, select_output
from legacy_graph.graphs.layers import find_convolutions
from legacy_graph.graphs.nodes import placeholder
from legacy_graph.graphs.op_table import CONVOLUTIONS, ELEMENTWISE, row
from legacy_graph.graphs.operations import check_operations, definition
from legacy_graph.graphs.passes.free_batch import free_batch, remove_reshapes
from legacy_graph.graphs.passes.pass_on import remove_defaults
from legacy_graph.graphs.skipped import describe_skipped
from legacy_graph.graphs.tensor_types import TensorType

_FOLLOWING = ELEMENTWISE | {"Reshape"}


def cut_at_input(
    graph: Graph, path: str, named: Optional[str], declared: List[str]
) -> Tuple[Dict[str, TensorType], List[str]]:
    """Replace the tensor that takes the images by a placeholder, and set `graph.input`.

    Args:
        graph: without functions.
        path: of its file, for messages.
        named: the node that the user names with --input, or None.
        declared: names of the inputs that a signature declares.

    Returns:
        The types of the tensors up to the layers, as they were before the cut; a sentence if operations are skipped.

    Raises:
        UserError: no tensor can take the images, or the graph has no convolution that can be shown.
    """
    convolutions = {name for name, node in graph.by_name.items() if node.op in CONVOLUTIONS}
    if not convolutions:
        check_operations(graph.by_name[name] for name in graph.order if _hides_convolutions(graph, name))
        raise UserError(path, "a graph with 2-D convolutions", "none", "give a convolutional network")
    named, output_notes = select_output(graph, named, convolutions)
    start = choose_input(graph, named, declared, convolutions)
    dependent = graph.dependents([start])
    names = set(find_convolutions(graph, dependent))
    unknown = graph.dependents(
        [name for name, node in graph.by_name.items() if definition(node.op) is None], shapes=True
    )
    importable = names - unknown
    if not importable:
        needed = graph.ancestors(names)
        check_operations(graph.by_name[name] for name in graph.order if name in needed)
    dense = find_dense(graph, dependent, [name for name in graph.order if name in importable])
    importable.update(without_refused(graph, dense, dependent) if importable else ())
    types = graph.infer_types(_with_elementwise(graph, importable, unknown))
    name = first_image(graph, start, types, names, skip=named is None)
    notes = output_notes + ([] if name == start else [describe_skipped(graph, types, start, name)])
    graph.library.Clear()  # the layers do not depend on any call
    shape = types[name].shape or [None] * 4
    graph.add(placeholder(name, [None, *shape[1:3], shape[3] or _channels(graph, types, names)]))
    graph.input = name
    if shape[0] == 1:
        free_batch(graph, types)
    remove_reshapes(graph, types)
    remove_defaults(graph)
    return types, notes


def _with_elementwise(graph, layers, unknown):
    """The convolutions and dense layers, and the elementwise operations and reshapes after them, if known."""
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


def _channels(graph, types, names):
    """The channels that the first convolution expects."""
    first = next(name for name in graph.order if name in names)
    kernel = types[graph.data_inputs(first)[1]].shape
    return kernel and kernel[2]

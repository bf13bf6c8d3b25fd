"""Cut a graph at the tensor that takes the images. The operations before it are skipped."""

from typing import List, Optional, Set, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.errors import UserError
from legacy_graph.graphs.batch_import import image_sides
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.inputs import choose_input, first_image, select_output, set_entry_types
from legacy_graph.graphs.layers import find_convolutions, find_dense
from legacy_graph.graphs.nodes import placeholder
from legacy_graph.graphs.op_table import CALLS, CONVOLUTIONS, ELEMENTWISE, MAX_POOLS, of_kind, refusal, row
from legacy_graph.graphs.operations import check_operations, definition
from legacy_graph.graphs.passes.nhwc import takes_nchw
from legacy_graph.graphs.passes.shapes import free_batch
from legacy_graph.graphs.passes.single_nodes import remove_defaults
from legacy_graph.graphs.tensor_types import TensorType

_SIDE, _CHANNELS = 32, 3  # assumed where the graph leaves them open
_PASSING = of_kind("identity", "pass", "stop", "constant", "shape")
_WITHOUT_VALUE = of_kind("variable", "resource", "read")
_FOLLOWING = ELEMENTWISE | MAX_POOLS | of_kind("reshape") | {"BatchToSpaceND"}


def cut_at_input(
    graph: Graph, path: str, named: Optional[str], declared: List[str], size: Optional[Tuple[int, int]] = None
) -> Tuple[Set[str], List[str]]:
    """Replace the tensor that takes the images by a placeholder, and set `graph.input`.

    Args:
        graph: without functions.
        path: of its file, for messages.
        named: the node that the user names with --input, or None.
        declared: names of the inputs that a signature declares.
        size: height and width of the images, in pixels, if the graph does not fix them.

    Returns:
        The names of the layers, and of the nodes after them that may belong to a layer; a sentence if operations are
        skipped.

    Raises:
        UserError: no tensor can take the images, the graph has no convolution that can be shown, or it fixes a
            different size.
    """
    convolutions = set(graph.names(CONVOLUTIONS))
    if not convolutions:
        check_operations(graph.by_name[name] for name in graph.order if _hides_convolutions(graph, name))
        raise UserError(path, "a graph with 2-D convolutions", "none", "give a convolutional network")
    named, output_notes = select_output(graph, named, convolutions)
    start = graph.input = choose_input(graph, named, declared, convolutions)
    order, unknown = _find_layers(graph, path, convolutions)
    set_entry_types(graph, order[0])
    name = first_image(graph, set(order), skip=named is None)
    notes = output_notes + ([] if name == start else [_describe_skipped(graph, start, name)])
    batch, *image = graph.types[name].shape or [None] * 4
    axis = 0 if takes_nchw(graph, name, order[0]) else -1
    image[axis] = image[axis] or _channels(graph, order[0])
    graph.library.Clear()  # the layers do not depend on any call
    graph.input = name
    graph.add(placeholder(name, [batch, *image]))
    reached = _layers_after(graph, order, unknown)
    if batch is not None:
        free_batch(graph, reached, batch)
        graph.add(placeholder(name, [None, *image]))
    remove_defaults(graph)
    if size is not None:
        set_size(graph, size, axis)
    return reached, notes


def set_size(graph: Graph, size: Tuple[int, int], axis: int = -1) -> List[int]:
    """Fix the height and width of the images, in pixels; returns their shape. `axis` is that of their channels.

    Raises:
        UserError: the graph fixes a different size.
    """
    image = image_sides(graph)
    channels = image.pop(axis)
    if any(side not in (None, given) for side, given in zip(image, size)):
        fixed = " x ".join(str(side or "any") for side in image)
        raise UserError("--size", f"{fixed}, which the graph fixes", f"{size[0]} x {size[1]}", "leave it out")
    image = [channels, *size] if axis == 0 else [*size, channels]
    graph.add(placeholder(graph.input, [None, *image]))
    return image


def _find_layers(graph, path, convolutions) -> Tuple[List[str], Set[str]]:
    """The convolutions after the input, in their order; and the nodes behind operations unknown to TensorFlow."""
    names = find_convolutions(graph)
    undefined = [name for name, node in graph.by_name.items() if definition(node.op) is None]
    unknown = graph.dependents(undefined, shapes=True)
    order = [name for name in names if name not in unknown]
    if not order:
        needed = graph.ancestors(names or convolutions)
        check_operations(graph.by_name[name] for name in graph.order if name in needed)
        raise UserError(path, "a convolution with a kernel of its own", "none", "give a convolutional network")
    return order, unknown


def _layers_after(graph, convolutions, unknown) -> Set[str]:
    """The layers after the placeholder, and the operations after them that may belong to them, if they are known."""
    dependent = graph.dependent
    refused = graph.dependents([name for name in dependent if refusal(graph.by_name[name].op)])
    reached = {*convolutions, *(name for name in find_dense(graph, convolutions) if name not in refused)}
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
    return node.op in CALLS and hidden


def _channels(graph, convolution):
    """The channels that a convolution expects."""
    kernel = graph.data_inputs(convolution)[1]
    shape = graph.infer_types([kernel])[kernel].shape
    return shape and shape[2]


def _describe_skipped(graph, start, entry) -> str:
    """Sentences: where the images enter, which operations are skipped, and what 0 and 255 become there."""
    between = graph.ancestors([entry]) & graph.dependents([start]) - {start}
    skipped = [graph.by_name[name].op for name in graph.order if name in between]
    shown = [operation for operation in dict.fromkeys(skipped) if operation not in _PASSING]
    text = f"The images enter at {entry}, after {start}."
    if not shown:
        return text
    text += f" These operations between them are skipped: {', '.join(shown)}."
    values = _values_at(graph, start, entry)
    return text + (
        " They map the pixel value 0 to {}, and 255 to {}.".format(*map(_in_words, values)) if values else ""
    )


def _in_words(values):
    low, high = float(values.min()), float(values.max())
    return f"{low:g}" if np.isclose(low, high, rtol=1e-5, atol=1e-6) else f"{low:g} ... {high:g}"


def _values_at(graph, start, entry) -> Optional[List[np.ndarray]]:
    """The values at `entry` of a black and of a white image; None if they cannot be computed."""
    needed = graph.ancestors([entry]) - graph.ancestors([start])
    dtype, shape = graph.types.get(start, TensorType(None, None))
    is_image = shape is not None and 3 <= len(shape) <= 4 and (dtype.is_integer or dtype.is_floating)
    if not is_image or any(graph.by_name[name].op in _WITHOUT_VALUE for name in needed):
        return None
    shape = [known or side for known, side in zip(shape, [1, _SIDE, _SIDE, _CHANNELS][-len(shape) :])]
    graph_def = graph.to_graph_def(needed)
    graph_def.library.Clear()
    for node in graph_def.node:
        node.input[:] = [text for text in node.input if not text.startswith("^")]
    try:
        check_operations(graph_def.node)
        with tf.Graph().as_default() as imported, tf.Session(graph=imported) as session:
            pixels = tf.placeholder(dtype, shape, "pixels")
            (value,) = tf.import_graph_def(graph_def, {f"{start}:0": pixels}, [f"{entry}:0"], name="skipped")
            return [session.run(value, {pixels: np.full(shape, pixel)}) for pixel in (0, 255)]
    except (UserError, ValueError, tf.errors.OpError):
        return None  # the note then lacks this sentence; the graph after the entry is checked elsewhere

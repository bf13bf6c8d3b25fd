"""Import a graph with a batch of several images. The same import gives the types of the tensors."""

from typing import Dict, Iterable, List, NamedTuple, Optional, Set, Tuple

import tensorflow.compat.v1 as tf

from legacy_graph.errors import UserError
from legacy_graph.graphs.batch_rules import IMAGES
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.nodes import canonical, cut
from legacy_graph.graphs.tensor_types import TensorType, declared_type, types_of

SIDES = (64, 256)  # assumed height and width where the graph leaves them open: the first that the graph accepts


class Imported(NamedTuple):
    """A graph as TensorFlow has it, before its variables have values."""

    graph: Optional[tf.Graph]  # for `IMAGES` images; None if these have no fixed size, or if TensorFlow refuses them
    types: Dict[str, TensorType]  # by name of the node; the length of the batch is `IMAGES` or unknown


def import_images(graph: Graph, names: Set[str], layer: Optional[str]) -> Imported:
    """Import the named nodes, that of the layer that the user names, and the nodes before them.

    Raises:
        UserError: TensorFlow does not accept the graph.
    """
    sides, named = image_sides(graph), {canonical(layer or "")} & graph.by_name.keys()
    needed, shape = graph.ancestors(names | named), [IMAGES, *sides]
    imported = None if None in sides else _import(graph, [name for name in graph.by_name if name in needed], shape)
    return Imported(imported, graph.infer_types(names) if imported is None else types_of(imported))


def import_accepted(graph: Graph) -> Tuple[tf.Graph, Dict[str, UserError]]:
    """(the graph imported with a batch of IMAGES, {node that does not accept this number of images: the error})."""
    names, sides, errors = graph.order, image_sides(graph), {}
    while True:
        for assumed in (*SIDES, None):
            imported = _import(graph, names, [IMAGES, *(side or assumed for side in sides)])
            if imported is not None:
                return imported, errors
        refused = first_refused(graph, names, [IMAGES, *sides])
        where = f"operation {graph.by_name[refused].op} ({refused})"
        hint = "export the graph without a fixed batch size, or name this node, or a node after it, with --input"
        errors[refused] = UserError(where, "any number of images", "a fixed number of images", hint)
        behind = graph.dependents([refused], shapes=True)
        names = [name for name in names if name not in behind]


def image_sides(graph: Graph) -> List[Optional[int]]:
    """Height, width and channels of the images; None where they are open."""
    return declared_type(graph.by_name[graph.input]).shape[1:]


def first_refused(graph: Graph, names: List[str], shape: List[Optional[int]]) -> str:
    """The first of these nodes, in topological order, that TensorFlow does not accept with images of this shape."""
    accepted, refused = 0, len(names)
    while refused - accepted > 1:
        middle = (accepted + refused) // 2
        if _import(graph, names[:middle], shape) is None:
            refused = middle
        else:
            accepted = middle
    return names[refused - 1]


def _import(graph: Graph, names: Iterable[str], shape) -> Optional[tf.Graph]:
    """These nodes imported, with images of this shape; None if TensorFlow does not accept them."""
    graph_def = tf.GraphDef(versions=graph.versions, node=[graph.by_name[name] for name in names])
    cut(graph_def, graph.input, shape)
    with tf.Graph().as_default() as imported:
        try:
            tf.import_graph_def(graph_def, name="")
        except ValueError:
            return None
    return imported

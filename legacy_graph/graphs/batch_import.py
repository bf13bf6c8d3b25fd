"""Import a graph with a batch of several images. The same import gives the types of the tensors."""

import re
from typing import Collection, Dict, List, Optional, Set, Tuple, Union

import tensorflow.compat.v1 as tf

from legacy_graph.errors import UserError
from legacy_graph.graphs.batch_rules import IMAGES
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.nodes import canonical, cut
from legacy_graph.graphs.operations import definition
from legacy_graph.graphs.tensor_types import declared_type, import_graph, types_of

SIDES = (64, 256)  # assumed height and width where the graph leaves them open: the first that the graph accepts
_NODE = re.compile(r"(?:node |for |Node )'?([^'\" ,:;{}]+)")  # in the message of an import that fails


def import_images(
    graph: Graph, names: Set[str], layer: Optional[str] = None, size: Optional[Tuple[int, int]] = None
) -> Optional[tf.Graph]:
    """Import the named nodes, that of the layer that the user names, and the nodes before them; set their types.

    Returns:
        The import for `IMAGES` images; None if TensorFlow accepts only another number.

    Raises:
        UserError: TensorFlow does not accept the graph, or, with `size`, images of this height and width.
    """
    named = {canonical(layer or "")} & graph.by_name.keys()
    if all(definition(graph.by_name[name].op) for name in graph.ancestors(named)):
        names = names | named
    imported = _import(graph, graph.ancestors(names), image_sides(graph))
    if not isinstance(imported, UserError):
        graph.types = types_of(imported)
        return imported
    try:
        graph.types = graph.infer_types(names)
    except UserError as error:
        if size is None:
            raise
        refused = graph.by_name[_refused(error, graph.by_name)]
        found = f"{size[0]} x {size[1]}, which {refused.op} ({refused.name}) does not accept"
        hint = "choose larger images, or a larger --size"
        raise UserError("image size", "a height and width that the graph accepts", found, hint) from error
    return None


def import_accepted(graph: Graph) -> Tuple[tf.Graph, Dict[str, UserError]]:
    """(the graph imported with a batch of IMAGES, {node that does not accept this number of images: the error})."""
    names, sides, errors = set(graph.by_name), image_sides(graph), {}
    while True:
        for assumed in (*SIDES, None) if None in sides else sides[:1]:
            imported = _import(graph, names, [side or assumed for side in sides])
            if not isinstance(imported, UserError):
                return imported, errors
        refused = _refused(imported, names)
        where = f"operation {graph.by_name[refused].op} ({refused})"
        hint = "export the graph without a fixed batch size, or name this node, or a node after it, with --input"
        errors[refused] = UserError(where, "any number of images", "a fixed number of images", hint)
        names -= graph.dependents([refused], shapes=True)


def image_sides(graph: Graph) -> List[Optional[int]]:
    """Height, width and channels of the images; None where they are open."""
    return declared_type(graph.by_name[graph.input]).shape[1:]


def _refused(error: UserError, names: Collection[str]) -> str:
    """Which of these nodes the error of `import_graph` names. Raises the error if it names none."""
    for name in _NODE.findall(str(error.__cause__)):
        if name in names:
            return name
    raise error


def _import(graph: Graph, names: Set[str], sides) -> Union[tf.Graph, UserError]:
    graph_def = graph.to_graph_def(names)
    cut(graph_def, graph.input, [IMAGES, *sides])
    try:
        return import_graph(graph_def)
    except UserError as error:
        return error

"""Operation definitions of this TensorFlow, and the check that a loaded graph runs only operations of the table."""

import functools
import itertools
from typing import Iterable, List, Optional

import tensorflow.compat.v1 as tf
from tensorflow.python.framework.c_api_util import ApiDefMap

from legacy_graph.errors import UserError
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.op_table import refusal, row

# Attributes of later TensorFlow versions that do not change what a graph computes at inference.
_IGNORED_ATTRIBUTES = {"exponential_avg_factor", "debug_name"}


@functools.lru_cache(maxsize=None)
def _definitions():
    known = ApiDefMap()
    return {name: known.get_op_def(name) for name in known.op_names()}


def definition(operation: str) -> Optional[object]:
    """The OpDef of an operation in this TensorFlow, or None."""
    return _definitions().get(operation)


def attribute(node: tf.NodeDef, key: str) -> tf.AttrValue:
    """An attribute of a node, or its default in the definition of the operation.

    Reading `node.attr[key]` itself would add the attribute to the node.
    """
    if key in node.attr:
        return node.attr[key]
    known = definition(node.op)
    defaults = {declared.name: declared.default_value for declared in known.attr} if known else {}
    return defaults.get(key, tf.AttrValue())


def strip_attributes(graph: Graph) -> List[str]:
    """Remove devices and unneeded attributes from the nodes of a graph and of its functions.

    Removes internal attributes ("_output_shapes", "_class"), and attributes of later TensorFlow versions with an empty
    value, or without an effect at inference.

    Raises:
        UserError: an attribute that this TensorFlow does not know may change what the graph computes.
    """
    for node in itertools.chain(graph.by_name.values(), *(known.node_def for known in graph.library.function)):
        node.device = ""
        known = definition(node.op)
        names = {attribute.name for attribute in known.attr} if known else set(node.attr)
        for key in list(node.attr):
            if key.startswith("_") or key not in names:
                if not key.startswith("_") and not _is_empty(key, node.attr[key]):
                    raise UserError(
                        f"operation {node.op} ({node.name})", f"attributes that TensorFlow {tf.__version__} knows", key,
                        "use a newer TensorFlow",
                    )  # fmt: skip
                del node.attr[key]
    return []


def _is_empty(key, value):
    if key in _IGNORED_ATTRIBUTES:
        return True
    kind = value.WhichOneof("value")
    if kind == "list":
        return value.list.ByteSize() == 0
    return kind is None or not getattr(value, kind)


def check_operations(nodes: Iterable[tf.NodeDef]) -> None:
    """Refuse operations that do not run.

    Raises:
        UserError: the first error of `refusal_of`.
    """
    for error in filter(None, map(refusal_of, nodes)):
        raise error


def refusal_of(node: tf.NodeDef) -> Optional[UserError]:
    """Why a node does not run: its operation has no row in the table, or its kind never runs. None if it runs."""
    where, refused = f"operation {node.op} ({node.name})", refusal(node.op)
    if definition(node.op) is None and row(node.op).kind not in ("quantised", "volume"):
        # TensorFlow 1 calls a function by its name, as if it was an operation.
        hint = "export the graph without custom operations and functions"
        return UserError(where, f"operations that TensorFlow {tf.__version__} knows", node.op, hint)
    if not refused and node.op.startswith("FusedBatchNorm") and attribute(node, "is_training").b:
        refused = "a batch norm in inference mode", "statistics of the batch", "export the graph for inference"
    return refused and UserError(where, *refused)

"""Readers: a file or a directory becomes a graph, the inputs that it declares, and a reader of its variables."""

import os
from typing import Optional

import tensorflow.compat.v1 as tf

from legacy_graph.config import DEFAULT_SIGNATURE
from legacy_graph.errors import UserError
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.read.files import read_graph
from legacy_graph.graphs.read.keras import is_keras, read_keras
from legacy_graph.graphs.read.saved_model import read_signature
from legacy_graph.graphs.read.variables import Source, read_checkpoint, refuse_variables, restored_keys


def read_source(
    path: str, checkpoint: Optional[str] = None, signature: str = DEFAULT_SIGNATURE, tags: Optional[str] = None
) -> Source:
    """Read a graph of any format.

    Args:
        path: a frozen GraphDef (.pb, .pbtxt), a MetaGraph (.meta), a Keras file (.h5, .keras) or a SavedModel
            directory.
        checkpoint: prefix of a checkpoint; by default that with the name of the MetaGraph.
        signature: of a SavedModel.
        tags: of the graph of a SavedModel, separated by commas.

    Raises:
        UserError: the file cannot be read, or an option does not belong to its format.
    """
    kind = "SavedModel" if os.path.isdir(path) else "Keras file" if is_keras(path) else ""
    options = [("--signature", "signatures", signature != DEFAULT_SIGNATURE), ("--tags", "tags", tags is not None)]
    for option, names, is_given in options:
        if is_given and kind != "SavedModel":
            raise UserError(option, "a SavedModel directory", path, f"leave it out: only a SavedModel has {names}")
    if kind and checkpoint is not None:
        hint = f"leave it out: a {kind} holds its variables"
        raise UserError("--checkpoint", "a MetaGraph", f"the {kind} {path}", hint)
    if kind:
        return read_signature(path, signature, tags) if kind == "SavedModel" else read_keras(path)
    is_meta = path.endswith(".meta")
    graph = Graph(read_graph(path, tf.MetaGraphDef if is_meta else tf.GraphDef))
    prefix = checkpoint or (path[: -len(".meta")] if is_meta else None)
    return Source(graph, [], read_checkpoint(prefix, restored_keys(graph)) if prefix else refuse_variables(path))

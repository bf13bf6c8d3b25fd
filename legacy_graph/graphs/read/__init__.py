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
    if os.path.isdir(path):
        if checkpoint is not None:
            hint = "leave it out: a SavedModel holds its variables"
            raise UserError("--checkpoint", "a MetaGraph", f"the SavedModel {path}", hint)
        return read_signature(path, signature, tags)
    if signature != DEFAULT_SIGNATURE:
        raise UserError("--signature", "a SavedModel directory", path, "leave it out: only a SavedModel has signatures")
    if tags is not None:
        raise UserError("--tags", "a SavedModel directory", path, "leave it out: only a SavedModel has tags")
    if is_keras(path):
        if checkpoint is not None:
            hint = "leave it out: a Keras file holds its variables"
            raise UserError("--checkpoint", "a MetaGraph", f"the Keras file {path}", hint)
        return read_keras(path)
    is_meta = path.endswith(".meta")
    graph = Graph(read_graph(path, tf.MetaGraphDef if is_meta else tf.GraphDef))
    prefix = checkpoint or (path[: -len(".meta")] if is_meta else None)
    return Source(graph, [], read_checkpoint(prefix, restored_keys(graph)) if prefix else refuse_variables(path))

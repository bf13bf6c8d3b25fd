"""A SavedModel of TensorFlow 1 or 2 -> a graph without functions, and the values of its variables."""

import contextlib
import os
from typing import Dict, Iterator, List, NamedTuple

import tensorflow.compat.v1 as tf

from legacy_graph.errors import UserError, reason
from legacy_graph.graphs.functions import inline_functions
from legacy_graph.graphs.nodes import node_name
from legacy_graph.graphs.operations import strip_attributes
from legacy_graph.graphs.read_file import check_references, read_saved_model
from legacy_graph.graphs.variables import RESOURCES, ReadVariables

_WRITERS = {"PyFunc", "PyFuncStateless", "EagerPyFunc", "WriteFile", "ReadFile", "Save", "SaveV2", "SaveSlices"}


class SavedGraph(NamedTuple):
    """One signature of a SavedModel."""

    graph_def: tf.GraphDef  # without function calls, with variables
    inputs: List[str]  # node names
    read: ReadVariables


def read_signature(directory: str, signature: str) -> SavedGraph:
    """Read a SavedModel and inline the functions that a signature calls.

    Args:
        directory: of the SavedModel.
        signature: its name, such as "serving_default".

    Raises:
        UserError: the directory is no SavedModel, is damaged, or has no such signature.
    """
    meta_graphs = read_saved_model(directory).meta_graphs
    serving = [graph for graph in meta_graphs if "serve" in graph.meta_info_def.tags]
    meta_graph = (serving or list(meta_graphs))[0]
    names = sorted(name for name, one in meta_graph.signature_def.items() if one.inputs and one.outputs)
    if signature not in names:
        expected = f"a signature out of {', '.join(names) or 'none at all'}"
        raise UserError(directory, expected, signature, "name one with --signature")
    check_references(meta_graph.graph_def, directory)
    strip_attributes(meta_graph.graph_def.node)
    chosen = meta_graph.signature_def[signature].inputs.values()
    inputs = sorted({node_name(info.name) for info in chosen if info.name})
    variables = os.path.join(directory, "variables", "variables")
    graph_def = tf.GraphDef.FromString(meta_graph.graph_def.SerializeToString())
    return SavedGraph(inline_functions(graph_def), inputs, _reader(meta_graph, variables))


def _reader(meta_graph, prefix) -> ReadVariables:
    def read(variables: List[tf.NodeDef]) -> Dict[str, object]:
        with _restored(meta_graph, prefix) as session:
            tensors = {}
            for node in variables:
                tensor = session.graph.get_tensor_by_name(f"{node.name}:0")
                if node.op in RESOURCES:
                    tensor = tf.raw_ops.ReadVariableOp(resource=tensor, dtype=node.attr["dtype"].type)
                tensors[node.name] = tensor
            try:
                return session.run(tensors)
            except tf.errors.FailedPreconditionError as error:
                hint = "export the model after it was trained: random weights are not shown"
                raise UserError(prefix, "a value for each variable", reason(error), hint) from error

    return read


@contextlib.contextmanager
def _restored(meta_graph, prefix) -> Iterator[tf.Session]:
    """A session in which the model's own restore operation has run, and no other, such as an initializer."""
    saver = meta_graph.saver_def
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
        tf.import_graph_def(meta_graph.graph_def, name="")
        _check_restore(meta_graph)
        try:
            if saver.restore_op_name:
                session.run(graph.get_operation_by_name(saver.restore_op_name), {saver.filename_tensor_name: prefix})
        except tf.errors.OpError as error:
            hint = "the directory is incomplete: copy it again"
            raise UserError(prefix, "the checkpoint of the SavedModel", reason(error), hint) from error
        yield session


def _check_restore(meta_graph):
    """Refuse a restore operation that writes files or runs code; all that it reads or calls counts."""
    by_name = {node.name: node for node in meta_graph.graph_def.node}
    functions = {one.signature.name: one.node_def for one in meta_graph.graph_def.library.function}
    waiting, seen = [by_name[name] for name in [meta_graph.saver_def.restore_op_name] if name in by_name], set()
    while waiting:
        node = waiting.pop()
        if node.op in _WRITERS:
            where, hint = f"operation {node.op} ({node.name})", "the model is not safe to load"
            raise UserError(where, "a restore operation that only reads the checkpoint", node.op, hint)
        if id(node) not in seen:
            seen.add(id(node))
            waiting += [by_name[node_name(text)] for text in node.input if node_name(text) in by_name]
            called = [value.func.name for value in node.attr.values() if value.HasField("func")]
            waiting += [inner for name in called for inner in functions.pop(name, [])]

"""Read a SavedModel of TensorFlow 1 or 2: a graph without functions, and the values of its variables."""

import contextlib
import os
from typing import Dict, Iterator, List, Optional

import tensorflow.compat.v1 as tf

from legacy_graph import tf_setup
from legacy_graph.errors import UserError, reason
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.nodes import node_name
from legacy_graph.graphs.operations import strip_attributes
from legacy_graph.graphs.read.files import check_references, read_saved_model
from legacy_graph.graphs.read.source import ReadVariables, Source
from legacy_graph.graphs.read.variables import RESOURCES, read_checkpoint

# The only operations that run when the variables are restored. Others may write or delete files, or run code.
_RESTORE_OPERATIONS = {
    "NoOp", "Const", "Identity", "IdentityN", "Placeholder", "PlaceholderWithDefault", "RestoreV2", "Assign",
    "AssignVariableOp", "VarHandleOp", "Variable", "VariableV2", "StringJoin", "ShardedFilename", "Pack", "Cast",
    "Reshape", "PartitionedCall", "StatefulPartitionedCall", "HashTable", "HashTableV2", "MutableHashTable",
    "MutableHashTableV2", "MutableDenseHashTable", "MutableDenseHashTableV2", "LookupTableImport",
    "LookupTableImportV2",
}  # fmt: skip


def read_signature(directory: str, signature: str, tags: Optional[str] = None) -> Source:
    """Read one signature of a SavedModel.

    Args:
        directory: of the SavedModel.
        signature: its name, such as "serving_default".
        tags: of the graph, separated by commas; by default that with the tag "serve", or the only one without "train".

    Raises:
        UserError: the directory is not a SavedModel, is damaged, or has no such signature.
    """
    meta_graphs = read_saved_model(directory).meta_graphs
    meta_graph = _choose_graph(meta_graphs, directory, tags)
    names = sorted(name for name, declared in meta_graph.signature_def.items() if declared.inputs and declared.outputs)
    if signature not in names:
        expected = f"a signature out of {', '.join(names) or 'none at all'}"
        raise UserError(directory, expected, signature, "name one with --signature")
    check_references(meta_graph.graph_def, directory)
    strip_attributes(meta_graph.graph_def.node)
    chosen = meta_graph.signature_def[signature].inputs.values()
    inputs = sorted({node_name(info.name) for info in chosen if info.name})
    variables = os.path.join(directory, "variables", "variables")
    if os.path.isdir(os.path.dirname(variables)):
        tf_setup.check_pattern("SavedModel", directory)
    graph = _without_saver(meta_graph)
    return Source(graph, inputs, _reader(meta_graph, graph, variables))


def _choose_graph(meta_graphs, directory, tags):
    """The graph with these tags; without tags, the one for inference."""
    by_tags = {",".join(sorted(graph.meta_info_def.tags)): graph for graph in meta_graphs}
    if tags is not None:
        wanted = ",".join(sorted(tag for tag in tags.split(",") if tag))
        chosen = [graph for name, graph in by_tags.items() if name == wanted]
    else:
        serving = [graph for graph in meta_graphs if "serve" in graph.meta_info_def.tags]
        chosen = serving[:1] or [graph for graph in meta_graphs if "train" not in graph.meta_info_def.tags]
        chosen = chosen if len(meta_graphs) > 1 else list(meta_graphs)
    if len(chosen) != 1:
        listed = ", ".join(repr(name) for name in by_tags)
        found = repr(tags) if tags is not None else "none or several for inference"
        raise UserError(directory, f"one graph with the tags out of {listed}", found, "name its tags with --tags")
    return chosen[0]


def _without_saver(meta_graph) -> Graph:
    """A copy of the graph without the calls that save and restore: another TensorFlow may not know their operations."""
    copy = tf.GraphDef()
    copy.CopyFrom(meta_graph.graph_def)
    graph, saver = Graph(copy), meta_graph.saver_def
    calls = graph.dependents([node_name(saver.save_tensor_name), saver.restore_op_name])
    graph.keep(graph.by_name.keys() - calls)
    return graph


def _reader(meta_graph, graph, prefix) -> ReadVariables:
    if not meta_graph.saver_def.restore_op_name and os.path.exists(f"{prefix}.index"):
        return read_checkpoint(prefix, graph)  # without a saver, as in a module of TensorFlow Hub

    def read(variables: List[tf.NodeDef]) -> Dict[str, object]:
        graph_def = _restoring(meta_graph, prefix, [node.name for node in variables])
        with _restored(graph_def, meta_graph.saver_def, prefix) as session:
            tensors = {}
            for node in variables:
                tensor = session.graph.get_tensor_by_name(f"{node.name}:0")
                if node.op in RESOURCES:
                    tensor = tf.raw_ops.ReadVariableOp(resource=tensor, dtype=tensor.op.get_attr("dtype"))
                tensors[node.name] = tensor
            try:
                return session.run(tensors)
            except tf.errors.FailedPreconditionError as error:
                hint = "export the model after it was trained: random weights are not shown"
                raise UserError(prefix, "a value for each variable", reason(error), hint) from error

    return read


@contextlib.contextmanager
def _restored(graph_def, saver, prefix) -> Iterator[tf.Session]:
    """A session after the model's own restore operation. No other operation runs, such as an initializer."""
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
        try:
            tf.import_graph_def(graph_def, name="")
            if saver.restore_op_name:
                session.run(graph.get_operation_by_name(saver.restore_op_name), {saver.filename_tensor_name: prefix})
        except (tf.errors.OpError, ValueError, TypeError) as error:
            hint = "the directory is incomplete: copy it again"
            raise UserError(prefix, "the checkpoint of the SavedModel", reason(error), hint) from error
        yield session


def _restoring(meta_graph, prefix, variables) -> tf.GraphDef:
    """The nodes of a SavedModel that the restore operation and the named variables need.

    Raises:
        UserError: a node of the restore operation is missing, or one may do more than restore variables.
    """
    saver, by_name = meta_graph.saver_def, {node.name: node for node in meta_graph.graph_def.node}
    start = [name for name in (saver.restore_op_name, node_name(saver.filename_tensor_name)) if name]
    for name in start:
        if name not in by_name:
            hint = "the file is damaged: export the model again"
            raise UserError(prefix, f"a node {name}, which restores the variables", "none of that name", hint)
    seen, waiting = set(), start + variables
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += map(node_name, by_name[name].input)
    nodes = [node for node in meta_graph.graph_def.node if node.name in seen]
    _check_restore(nodes, meta_graph.graph_def.library)
    return tf.GraphDef(node=nodes, versions=meta_graph.graph_def.versions, library=meta_graph.graph_def.library)


def _check_restore(nodes, library):
    """Refuse nodes that may do more than restore variables, themselves or in the functions that they call."""
    functions = {function.signature.name: function.node_def for function in library.function}
    nodes, called = list(nodes), set()
    while nodes:
        node = nodes.pop()
        if node.op not in _RESTORE_OPERATIONS and node.op not in functions:
            where, hint = f"operation {node.op} ({node.name})", "the model is not safe to load"
            raise UserError(where, "a restore operation that only reads the checkpoint", node.op, hint)
        new = _called(node) & set(functions) - called
        called |= new
        nodes += [inner for name in new for inner in functions[name]]


def _called(node):
    """The names of the functions that a node may call. An operation may itself be the name of a function."""
    values = node.attr.values()
    return {node.op} | {function.name for value in values for function in [value.func, *value.list.func]}

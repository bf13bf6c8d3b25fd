"""A SavedModel of TensorFlow 1 or 2 -> a graph without functions, and the values of its variables."""

import contextlib
import os
from typing import Dict, Iterator, List, NamedTuple

import tensorflow.compat.v1 as tf
from tensorflow.core.protobuf import config_pb2, rewriter_config_pb2
from tensorflow.python.grappler import tf_optimizer

from legacy_graph.errors import UserError, reason
from legacy_graph.graphs.nodes import node_name
from legacy_graph.graphs.operations import strip_attributes
from legacy_graph.graphs.read_file import check_references, read_saved_model
from legacy_graph.graphs.variables import RESOURCES, ReadVariables


class SavedGraph(NamedTuple):
    """One signature of a SavedModel."""

    graph_def: tf.GraphDef  # without function calls, with variables
    inputs: List[str]  # node names
    outputs: List[str]  # node names
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
    for function in meta_graph.graph_def.library.function:
        strip_attributes(function.node_def)
    for collection in list(meta_graph.collection_def):
        del meta_graph.collection_def[collection]
    chosen = meta_graph.signature_def[signature]
    inputs, outputs = (
        sorted({node_name(info.name) for info in part.values() if info.name})
        for part in (chosen.inputs, chosen.outputs)
    )
    variables = os.path.join(directory, "variables", "variables")
    return SavedGraph(_inline(meta_graph, outputs), inputs, outputs, _reader(meta_graph, variables))


def _inline(meta_graph, outputs):
    """Grappler's function optimizer inlines the calls; freezing first would give constants where handles are read."""
    inlined = tf.MetaGraphDef()
    inlined.CopyFrom(meta_graph)
    inlined.collection_def["train_op"].node_list.value.extend(outputs)
    config = config_pb2.ConfigProto()
    options = config.graph_options.rewrite_options
    options.min_graph_nodes = -1
    options.meta_optimizer_iterations = rewriter_config_pb2.RewriterConfig.ONE
    options.optimizers.append("function")
    graph_def = tf_optimizer.OptimizeGraph(config, inlined)
    strip_attributes(graph_def.node)
    return graph_def


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
        try:
            if saver.restore_op_name:
                session.run(graph.get_operation_by_name(saver.restore_op_name), {saver.filename_tensor_name: prefix})
        except tf.errors.OpError as error:
            hint = "the directory is incomplete: copy it again"
            raise UserError(prefix, "the checkpoint of the SavedModel", reason(error), hint) from error
        yield session

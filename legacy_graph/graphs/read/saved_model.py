"""Read a SavedModel of TensorFlow 1 or 2: a graph without functions, and the values of its variables."""

import os
from typing import Dict, List, Optional, Tuple

import tensorflow.compat.v1 as tf

from legacy_graph.errors import UserError
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.nodes import node_name
from legacy_graph.graphs.operations import strip_attributes
from legacy_graph.graphs.passes.functions import inline_functions
from legacy_graph.graphs.read.files import check_references, read_saved_model
from legacy_graph.graphs.read.variables import ReadVariables, Source, read_checkpoint, restored_keys


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
        raise UserError(directory, expected, repr(signature), "name one with --signature")
    check_references(meta_graph.graph_def, directory)
    chosen = meta_graph.signature_def[signature].inputs.values()
    inputs = sorted({node_name(info.name) for info in chosen if info.name})
    graph, restoring = _split_saver(meta_graph, directory)
    keys = {**restored_keys(graph), **restored_keys(restoring)}
    return Source(graph, inputs, _reader(directory, keys))


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


def _split_saver(meta_graph, directory) -> Tuple[Graph, Graph]:
    """(the model, the operations that restore its variables), neither with the operations that only save.

    TensorFlow 1 assigns what it restores in the graph itself, TensorFlow 2 in a function. They never run: they tell the
    keys of the variables in the checkpoint.
    """
    saver, graph_def = meta_graph.saver_def, meta_graph.graph_def
    graph, restoring = Graph(tf.GraphDef.FromString(graph_def.SerializeToString())), Graph(graph_def)
    for name in filter(None, (saver.restore_op_name, node_name(saver.filename_tensor_name))):
        if name not in graph.by_name:
            hint = "the file is damaged: export the model again"
            raise UserError(directory, f"a node {name}, which restores the variables", "none of that name", hint)
    calls = graph.dependents([node_name(saver.save_tensor_name), saver.restore_op_name])
    graph.keep(graph.by_name.keys() - calls)
    restoring.keep(restoring.ancestors(filter(None, [saver.restore_op_name])))
    restoring.drop_control_inputs()
    strip_attributes(restoring)
    inline_functions(restoring)
    return graph, restoring


def _reader(directory, keys) -> ReadVariables:
    prefix = os.path.join(directory, "variables", "variables")

    def read(variables: List[tf.NodeDef]) -> Dict[str, object]:
        if not os.path.exists(f"{prefix}.index"):
            hint = "the directory is incomplete: copy it again"
            raise UserError(prefix, "the checkpoint of the SavedModel", "none", hint)
        return read_checkpoint(prefix, keys)(variables)

    return read

"""What a reader returns: a graph, and the values of its variables, which become constants."""

from typing import Callable, Dict, List, NamedTuple, Set, Tuple

import tensorflow.compat.v1 as tf

from legacy_graph import tf_setup
from legacy_graph.errors import UserError, reason
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.nodes import constant, identity, node_name
from legacy_graph.graphs.op_table import of_kind
from legacy_graph.graphs.tensor_types import declared_type

REFERENCES, RESOURCES = of_kind("variable"), of_kind("resource")
_ASSIGNMENTS, _RESTORES = of_kind("assignment"), of_kind("restore")
# nodes of the variables -> {name: value}; raises UserError if a variable has no value.
ReadVariables = Callable[[List[tf.NodeDef]], Dict[str, object]]


class Source(NamedTuple):
    """A graph before any rewrite."""

    graph: Graph
    inputs: List[str]  # names of the nodes that a signature declares as inputs
    read: ReadVariables


def fill_variables(graph: Graph, read: ReadVariables) -> Set[str]:
    """Replace each variable by a Const and each read by an Identity.

    Args:
        graph: pruned to the shown layers, so that no other variable needs a value; with types.
        read: returns the values of the variables.

    Returns:
        The names of the nodes that had the value, or the handle, of a variable.

    Raises:
        UserError: a variable has no value, or its value has a different shape.
    """
    types, variables = graph.types, [node for node in graph.by_name.values() if node.op in REFERENCES | RESOURCES]
    filled = {node.name for node in variables}
    values = read(variables) if variables else {}
    for node in variables:
        value, declared = values[node.name], tf.TensorShape(node.attr["shape"].shape)
        if not declared.is_compatible_with(value.shape):
            found = f"a value of shape {list(value.shape)}"
            hint = "the checkpoint is of another model: name the right one with --checkpoint"
            raise UserError(f"variable {node.name}", f"shape {declared.as_list()}", found, hint)
        graph.add(constant(node.name, value, node.attr["dtype"].type))
    for name in graph.order if variables else ():
        node = graph.by_name[name]
        if node.op == "ReadVariableOp":
            filled.add(name)
            graph.add(identity(name, node.input[0], node.attr["dtype"]))
        elif node.op == "RefIdentity":
            graph.edit(name).op = "Identity"
        elif node.op == "Identity" and node.attr["T"].type == tf.resource.as_datatype_enum:
            filled.add(name)
            # It passed a handle and now passes the value.
            source = graph.by_name[graph.data_inputs(name)[0]]
            graph.edit(name).attr["T"].type = source.attr["dtype" if source.op == "Const" else "T"].type
    graph.types = {**types, **{name: declared_type(graph.by_name[graph.root(name)]) for name in filled}}
    return filled


def refuse_variables(path: str) -> ReadVariables:
    """The reader for a graph without a checkpoint: it refuses any variable."""

    def read(variables):
        hint = "name the checkpoint with --checkpoint, or freeze the graph"
        raise UserError(path, "a frozen graph", f"the variable {variables[0].name}", hint)

    return read


def read_checkpoint(prefix: str, keys: Dict[str, Tuple[str, str]]) -> ReadVariables:
    """The reader for a checkpoint.

    Args:
        prefix: of the files of the checkpoint, such as "model.ckpt-1000".
        keys: as from `restored_keys`; any other variable has its own name as the key.

    Raises:
        UserError: there is no such checkpoint, or it is damaged.
    """
    tf_setup.check_pattern("checkpoint", prefix)
    try:
        reader = tf.train.NewCheckpointReader(prefix)
    except (tf.errors.OpError, ValueError, IndexError, RuntimeError, OSError) as error:
        hint = "name the checkpoint's prefix, without .index, with --checkpoint"
        raise UserError(f"checkpoint {prefix}", "a TensorFlow checkpoint", reason(error), hint) from error
    stored = reader.get_variable_to_shape_map()

    def read(variables):
        values = {}
        with tf.Graph().as_default(), tf.Session() as session:
            for node in variables:
                key, piece = keys.get(node.name, (node.name, ""))
                if key not in stored:
                    hint = "the checkpoint is of another model or incomplete: random weights are not shown"
                    raise UserError(f"checkpoint {prefix}", f"the variable {key}", "none of that name", hint)
                restore = tf.raw_ops.RestoreV2(  # it reads format V1 too
                    prefix=prefix, tensor_names=[key], shape_and_slices=[piece], dtypes=[node.attr["dtype"].type]
                )
                try:
                    values[node.name] = session.run(restore[0])
                except (tf.errors.OpError, ValueError) as error:
                    hint = "copy the checkpoint again, or name that of this graph"
                    raise UserError(f"checkpoint {prefix}", f"the variable {key}", reason(error), hint) from error
        return values

    return read


def restored_keys(graph: Graph) -> Dict[str, Tuple[str, str]]:
    """{variable: (key in the checkpoint, slice)}, from the Assign nodes of a complete graph and what they restore."""
    restored = {}
    for name in graph.order:
        node = graph.by_name[name]
        if node.op not in _ASSIGNMENTS:
            continue
        source = graph.source(node.input[1])
        restore = graph.by_name[node_name(source)]
        if restore.op in _RESTORES:  # file, keys, slices
            values = [graph.constant(text) for text in graph.references(restore.name)[1:3]]
            if all(value is not None for value in values):
                position = int(source.split(":")[1]) if ":" in source else 0
                key, piece = ([value.ravel()[position].decode() for value in values] + [""])[:2]
                restored[node_name(node.input[0])] = key, piece
    return restored

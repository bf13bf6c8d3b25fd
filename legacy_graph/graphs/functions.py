"""Inline function calls. This runs before variables become constants, because functions take variable handles."""

from typing import Dict

import tensorflow.compat.v1 as tf
from tensorflow.python.framework.function_def_to_graph import function_def_to_graph_def

from legacy_graph.errors import UserError, reason
from legacy_graph.graphs.nodes import Nodes, canonical, new_node, redirect
from legacy_graph.graphs.operations import strip_attributes

_CALLS = {"PartitionedCall", "StatefulPartitionedCall"}
_CONDITIONALS = {"If": "StatefulPartitionedCall", "StatelessIf": "PartitionedCall"}


def inline_functions(graph_def: tf.GraphDef) -> tf.GraphDef:
    """Replace each call by the nodes of its function, and each conditional on a constant by the branch taken.

    The nodes of a function called by the node "call" are named "call/...", or "call/inlined/...". Other calls, such as
    loops, remain; `check_operations` refuses them.

    Args:
        graph_def: changed in place if it has conditionals.

    Raises:
        UserError: TensorFlow does not accept a function.
    """
    functions = {function.signature.name: function for function in graph_def.library.function}
    for function in functions.values():
        strip_attributes(function.node_def)
    while True:
        _choose_branches(graph_def)
        calls = [node for node in graph_def.node if node.op in _CALLS and node.attr["f"].func.name in functions]
        if not calls:
            return graph_def
        graph_def = _inline(graph_def, {node.name: functions[node.attr["f"].func.name] for node in calls})


def _choose_branches(graph_def):
    """Replace each If on a constant by a call of the branch that is taken."""
    nodes = Nodes(graph_def)
    for node in graph_def.node:
        taken = nodes.truth(node.input[0]) if node.op in _CONDITIONALS else None
        if taken is not None:
            attributes = {"Tin": node.attr["Tin"], "Tout": node.attr["Tout"]}
            attributes["f"] = node.attr["then_branch" if taken else "else_branch"]
            node.CopyFrom(new_node(_CONDITIONALS[node.op], node.name, node.input[1:], **attributes))


def _inline(graph_def, called):
    """Replace the calling nodes by the nodes of their functions."""
    result = tf.GraphDef(versions=graph_def.versions, library=graph_def.library)
    replacements: Dict[str, str] = {}
    for node in graph_def.node:
        if node.name not in called:
            result.node.add().CopyFrom(node)
            continue
        function = called[node.name]
        body, outputs = _body(function, graph_def.library)
        scope = _free_scope(node.name, graph_def)
        arguments = [argument.name for argument in function.signature.input_arg]
        inputs = [canonical(text) for text in node.input if not text.startswith("^")]
        replacements.update(zip((f"{scope}/{name}" for name in arguments), inputs))
        for inner in body.node:
            if inner.name not in arguments:
                copy = result.node.add()
                copy.CopyFrom(inner)
                copy.name = f"{scope}/{inner.name}"
                # Control inputs only order side effects here.
                del copy.input[:]
                copy.input.extend(f"{scope}/{canonical(text)}" for text in inner.input if text[0] != "^")
        for position, result_name in enumerate(argument.name for argument in function.signature.output_arg):
            target = f"{scope}/{canonical(outputs[function.ret[result_name]])}"
            replacements[canonical(f"{node.name}:{position}")] = target
    _drop_control(result, called)
    redirect(result, replacements)
    return result


def _free_scope(name, graph_def):
    """The name of a call, or a longer one if nodes outside the function already use this name as scope."""
    while any(node.name.startswith(name + "/") for node in graph_def.node):
        name += "/inlined"
    return name


def _body(function, library):
    """(GraphDef, {nested name of an output: flat name}) of a function; it may call others of the library."""
    with tf.Graph().as_default():
        try:
            tf.import_graph_def(tf.GraphDef(library=library), name="")
            body, outputs = function_def_to_graph_def(function)
        except (ValueError, KeyError, tf.errors.OpError) as error:
            where, expected = f"function {function.signature.name}", f"one that TensorFlow {tf.__version__} accepts"
            raise UserError(where, expected, reason(error), "export the graph again") from error
    strip_attributes(body.node)
    return body, outputs


def _drop_control(graph_def, gone):
    """Remove control inputs that refer to removed nodes."""
    for node in graph_def.node:
        kept = [text for text in node.input if not (text.startswith("^") and text[1:] in gone)]
        del node.input[:]
        node.input.extend(kept)

"""Read the graph and the variables of an open session. Adds nothing to its graph, so a finalized graph works too."""

from typing import Callable, Dict, List, Optional

import tensorflow.compat.v1 as tf

from legacy_graph.errors import UserError
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.read.source import Source


def read_session(session: tf.Session) -> Source:
    """The graph of a session, with the values that its variables have when the graph is loaded.

    Args:
        session: with a graph of TensorFlow 1: placeholders and variables.
    """
    graph_def = session.graph.as_graph_def()
    with session.graph.as_default():
        variables = {variable.op.name: variable for variable in tf.global_variables() + tf.local_variables()}

    def read(nodes: List[tf.NodeDef]) -> Dict[str, object]:
        needed = [node.name for node in nodes]
        for name in needed:
            if name not in variables:
                hint = "add it to tf.GraphKeys.GLOBAL_VARIABLES"
                raise UserError(f"variable {name}", "a variable that the session knows", "none", hint)
        try:
            return session.run({name: variables[name] for name in needed})
        except tf.errors.FailedPreconditionError as error:
            hint = "run tf.global_variables_initializer() first"
            raise UserError("session", "variables with values", "a variable without a value", hint) from error

    return Source(Graph(graph_def), [], read)


def snapshot(session: tf.Session, values: Optional[Dict[str, object]] = None) -> Callable[[], Source]:
    """A function that returns the graph of a session as it is now, as often as it is called.

    A variable is read when the first source needs it. All later sources get the same value, from the dictionary
    `values`: node name of the variable -> value.
    """
    source, values = read_session(session), {} if values is None else values

    def read_once(nodes: List[tf.NodeDef]) -> Dict[str, object]:
        missing = [node for node in nodes if node.name not in values]
        if missing:  # else the session may be closed
            values.update(source.read(missing))
        return {node.name: values[node.name] for node in nodes}

    return lambda: Source(Graph(source.graph.to_graph_def()), [], read_once)

"""Read the graph and the variables of an open session. Adds nothing to its graph, so a finalized graph works too."""

from typing import Callable, Dict, List, Optional, Union

import tensorflow.compat.v1 as tf

from legacy_graph.errors import UserError, reason
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.read.variables import Source


def image_tensor_name(images: Union[tf.Tensor, str], graph: Optional[tf.Graph] = None) -> str:
    """The name of the tensor that takes the images.

    Raises:
        UserError: `images` is neither a tensor of a graph nor a name, or not of `graph`.
    """
    if isinstance(images, str):
        if graph is not None:
            _check_name(images, graph)
        return images
    if not isinstance(images, tf.Tensor) or not hasattr(images, "op"):  # a tensor of eager execution has no graph
        expected, found = "a tensor of the graph or its name", type(images).__name__
        raise UserError("images", expected, found, "give the placeholder that takes the images")
    if graph is not None and images.graph is not graph:
        found = f"{images.name} of another graph"
        raise UserError("images", "a tensor of the graph of the session", found, "give the tensor of this session")
    return images.name


def _check_name(name, graph):
    try:
        graph.as_graph_element(name)
    except (KeyError, ValueError) as error:
        names = [operation.name for operation in graph.get_operations() if operation.type == "Placeholder"]
        expected = f"a tensor of the graph, such as {', '.join(names[:9]) or 'the output of an input pipeline'}"
        raise UserError("images", expected, repr(name), "correct the name, or give the tensor itself") from error


def session_graph(session: tf.Session) -> tf.Graph:
    """The graph of a session of any type; UserError for anything else."""
    graph = getattr(session, "graph", None)
    if not isinstance(graph, tf.Graph) or not callable(getattr(session, "run", None)):
        raise UserError("session", "an open tf.Session", type(session).__name__, "give the session of the network")
    return graph


def snapshot(session: tf.Session, values: Optional[Dict[str, object]] = None) -> Callable[[], Source]:
    """A function that returns the graph of a session as it is now, as often as it is called.

    A variable is read when the first source needs it. All later sources get the same value.

    Args:
        session: with a graph of TensorFlow 1: placeholders and variables.
        values: {node name of a variable: value}; a value that was read is added.
    """
    graph, values = Graph(session_graph(session).as_graph_def()), {} if values is None else values
    with session.graph.as_default():
        variables = {variable.op.name: variable for variable in tf.global_variables() + tf.local_variables()}

    def read(nodes: List[tf.NodeDef]) -> Dict[str, object]:
        missing = [node.name for node in nodes if node.name not in values]
        for name in missing:
            if name not in variables:
                hint = "add it to tf.GraphKeys.GLOBAL_VARIABLES"
                raise UserError(f"variable {name}", "a variable that the session knows", "none", hint)
        try:
            if missing:  # else the session may be closed
                values.update(session.run({name: variables[name] for name in missing}))
        except RuntimeError as error:
            raise UserError("session", "an open session", reason(error), "call this before it is closed") from error
        except tf.errors.FailedPreconditionError as error:
            hint = "run tf.global_variables_initializer() first"
            raise UserError("session", "variables with values", "a variable without a value", hint) from error
        return {node.name: values[node.name] for node in nodes}

    return lambda: Source(Graph(graph.to_graph_def()), [], read)

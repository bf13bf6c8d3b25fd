"""A trained network brought back from a log directory, looked over before any of it is used."""

import os
import shlex

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph import logdir
from legacy_graph.errors import UserError

# What reading a damaged file raises; TensorFlow 2 turns some of its own errors into Python's.
DAMAGED = (tf.errors.OpError, IndexError, ValueError, RuntimeError)


def restore(session: tf.Session, directory: str) -> int:
    """Fill all variables of the session's graph from the newest checkpoint of a run. Adds no operations.

    Args:
        session: of a graph that has the network's variables and no others.
        directory: the run's log directory.

    Returns:
        The training step that the checkpoint was made at.

    Raises:
        UserError: there is no checkpoint, it is damaged, it is of another network, or a weight is not finite.
    """
    path = tf.train.latest_checkpoint(os.path.join(directory, logdir.CHECKPOINTS))
    if path is None:
        found = "none" if os.path.isdir(directory) else "no such directory"
        raise UserError(
            f"--logdir: expected a training run's checkpoint in {directory!r}, found {found}: "
            f"train one first with: python -m legacy_graph train --logdir {shlex.quote(directory)}"
        )
    try:
        reader = tf.train.load_checkpoint(path)
        variables = session.graph.get_collection(tf.GraphKeys.GLOBAL_VARIABLES)
        values = [_value(reader, variable, path) for variable in variables]
    except DAMAGED as error:
        raise _bad(path, "a whole file", getattr(error, "message", error)) from error
    # The value that an initialiser assigns is a tensor like any other: it can be fed.
    assigned = {variable.initializer.inputs[1]: value for variable, value in zip(variables, values)}
    session.run([variable.initializer for variable in variables], assigned)
    return int(reader.get_tensor("input/step"))


def _value(reader, variable, path):
    name, shape = variable.op.name, variable.shape.as_list()
    found = reader.get_variable_to_shape_map().get(name)
    if found != shape:
        raise _bad(path, f"{name} of the shape {shape}", found or "no such variable")
    value = reader.get_tensor(name)
    if not np.isfinite(value).all():
        raise _bad(path, f"finite numbers in {name}", f"{np.sum(~np.isfinite(value)):,} that are not")
    return value


def _bad(path, expected, found):
    return UserError(
        f"{path}: expected {expected}, found {' '.join(str(found).split())}: train anew, or name another --logdir"
    )

"""A trained network brought back from a log directory, looked over before any of it is used."""

import os
import shlex

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph import checkpoints, logdir
from legacy_graph.errors import UserError, command

# What reading a damaged file raises; TensorFlow 2 turns some of its own errors into Python's.
DAMAGED = (tf.errors.OpError, IndexError, ValueError, RuntimeError)


def restore(session: tf.Session, directory: str) -> int:
    """Fill all variables of the session's graph from the newest whole checkpoint of a run. Adds no operations.

    Args:
        session: of a graph that has the network's variables and no others.
        directory: the run's log directory.

    Returns:
        The training step that the checkpoint was made at.

    Raises:
        UserError: there is no checkpoint, all are damaged, it is of another network, or a weight is not finite.
    """
    variables = session.graph.get_collection(tf.GraphKeys.GLOBAL_VARIABLES)
    reader, values = _newest_whole(directory, variables)
    # The value that an initialiser assigns is a tensor like any other: it can be fed.
    assigned = {variable.initializer.inputs[1]: value for variable, value in zip(variables, values)}
    session.run([variable.initializer for variable in variables], assigned)
    return int(reader.get_tensor("input/step"))


def _newest_whole(directory, variables):
    """A reader of the newest checkpoint that is not damaged, and the variables' values; tells of each that is."""
    folder = os.path.join(directory, logdir.CHECKPOINTS)
    paths = [os.path.join(folder, f"{checkpoints.NAME}-{step}") for step in reversed(checkpoints.steps(folder))]
    if not paths:
        found = "none" if os.path.isdir(directory) else "no such directory"
        raise UserError(
            f"--logdir: expected a training run's checkpoint in {directory!r}, found {found}: "
            f"train one first with: {command()} train --logdir {shlex.quote(directory)}"
        )
    for path in paths:
        reader, values, error = _read(path, variables)
        if error is None:
            return reader, values
        print(f"{path} is damaged ({type(error).__name__}): looking for the one before it")
    raise _bad(path, "one that is whole, here or before it", getattr(error, "message", error)) from error


def _read(path, variables):
    """A reader of a checkpoint and the variables' values; or, last of the three, what is wrong with its files."""
    try:
        reader = tf.train.load_checkpoint(path)
        return reader, [_value(reader, variable, path) for variable in variables], None
    except DAMAGED as error:
        return None, None, error


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

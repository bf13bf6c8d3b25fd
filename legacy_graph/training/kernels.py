"""Find and restore the convolution weights of single training steps; `logdir.kept_kernels` describes the files."""

import os
from typing import Dict

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.article.network import Network
from legacy_graph.config import CONVOLUTIONS
from legacy_graph.errors import UserError
from legacy_graph.logdir import kept_kernels
from legacy_graph.training.checkpoints import restore_checkpoint


def variables(net: Network) -> Dict[str, tf.Variable]:
    """The variables of the network's convolution layers: "conv1/weights" -> variable, in the order of the layers."""
    return _variables(net.images.graph, [layer.name for layer in net.layers])


def read(graph: tf.Graph, logdir: str, step: int) -> Dict[str, np.ndarray]:
    """The convolution weights of `step`: "conv1/weights" -> weights.

    Args:
        graph: with the network's variables.
        logdir: the run's log directory.
        step: one of `kept_steps(logdir)`.

    Raises:
        UserError: the step was not kept, its file is damaged or of another network, or a weight is not finite.
    """
    kept = kept_kernels.read(logdir, step)
    shapes = {name: variable.shape.as_list() for name, variable in _variables(graph, CONVOLUTIONS).items()}
    hint, path = "train a new run, or name another --logdir", kept_kernels.path(logdir, step)
    if {name: list(array.shape) for name, array in kept.items()} != shapes:
        raise UserError(path, f"the shapes {shapes}", {name: list(array.shape) for name, array in kept.items()}, hint)
    for name, array in kept.items():
        if not np.isfinite(array).all():
            raise UserError(path, f"finite numbers in {name}", "NaN or infinity", hint)
    return kept


def restore(session: tf.Session, logdir: str, step: int) -> None:
    """Fill the convolution weights with those of `step`, as from `read`; other variables stay. Adds no operations."""
    kept, wanted = read(session.graph, logdir, step), _variables(session.graph, CONVOLUTIONS)
    # Feed the value to the input tensor of the initializer, which adds no operation to the graph.
    fed = {wanted[name].initializer.inputs[1]: array for name, array in kept.items()}
    session.run([wanted[name].initializer for name in kept], fed)


def restore_step(session: tf.Session, logdir: str, step: int) -> bool:
    """Fill all weights with those of `step` from its checkpoint, if it has one, else as `restore`.

    Returns:
        Whether all were filled.
    """
    if restore_checkpoint(session, logdir, step):
        return True
    restore(session, logdir, step)
    return False


def _variables(graph, layers):
    names = {variable.op.name: variable for variable in graph.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES)}
    return {os.path.dirname(name): variable for name, variable in names.items() if name.split("/")[0] in layers}

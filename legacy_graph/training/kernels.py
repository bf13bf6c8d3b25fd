"""Keep and restore the convolution weights of single training steps; `logdir.kept_kernels` describes the files."""

import os
from typing import Dict

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.article.network import Network
from legacy_graph.errors import UserError
from legacy_graph.logdir import kept_kernels
from legacy_graph.logdir.kept_kernels import kept_steps

__all__ = ["keep", "kept_steps", "restore", "variables"]


def variables(net: Network) -> Dict[str, tf.Variable]:
    """The variables of the network's convolution layers: "conv1/weights" -> variable, in the order of the layers."""
    names = [layer.name for layer in net.layers]
    found = net.images.graph.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES)
    return {os.path.dirname(one.op.name): one for one in found if one.op.name.split("/")[0] in names}


def keep(session: tf.Session, net: Network, logdir: str, step: int) -> Dict[str, np.ndarray]:
    """Write the present convolution weights as those of `step`; returns them.

    Raises:
        UserError: the file cannot be written.
    """
    arrays = session.run(variables(net))
    kept_kernels.write(logdir, step, arrays)
    return arrays


def restore(session: tf.Session, net: Network, logdir: str, step: int) -> None:
    """Fill the convolution weights with those of `step`; other variables are unchanged. Adds no operations.

    Args:
        session: of the network's graph.
        net: as from `network.build`.
        logdir: the run's log directory.
        step: one of `kept_steps(logdir)`.

    Raises:
        UserError: the step was not kept, its file is damaged or of another network, or a weight is not finite.
    """
    wanted, found = variables(net), kept_kernels.read(logdir, step)
    shapes = {name: variable.shape.as_list() for name, variable in wanted.items()}
    hint, path = "train a new run, or name another --logdir", kept_kernels.path(logdir, step)
    if {name: list(array.shape) for name, array in found.items()} != shapes:
        raise UserError(path, f"the shapes {shapes}", {name: list(array.shape) for name, array in found.items()}, hint)
    for name, array in found.items():
        if not np.isfinite(array).all():
            raise UserError(path, f"finite numbers in {name}", "NaN or infinity", hint)
    # Feed the value to the input tensor of the initializer, which adds no operation to the graph.
    fed = {wanted[name].initializer.inputs[1]: array for name, array in found.items()}
    session.run([wanted[name].initializer for name in found], fed)

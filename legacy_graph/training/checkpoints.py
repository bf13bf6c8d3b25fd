"""Checkpoints: save, resume, restore.

TensorFlow writes each file of a checkpoint under a temporary name and renames it, the .index file last, and stores a
checksum of every tensor. After a kill a checkpoint is therefore either complete or absent, and damage is detected on
reading. After a power cut the newest checkpoint may be damaged. The older ones are intact, because none is removed
before the newest is on the disk.
"""

import contextlib
import json
import os
from typing import Any, Dict, Iterator, Optional, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph import tf_setup
from legacy_graph.cluster.session import open_session
from legacy_graph.cluster.tf_config import Cluster
from legacy_graph.errors import RESUME, UserError, explain, reason
from legacy_graph.logdir import durable, layout
from legacy_graph.logdir.identity import differences, read_options

KEPT = 3  # checkpoints; each holds the weights and Adam's two moments, 39 MB
_ENDINGS = (".data-00000-of-00001", ".index")
# Exceptions on reading a damaged file. TensorFlow 2 converts some of its errors to Python exceptions.
_DAMAGED = (tf.errors.OpError, IndexError, ValueError, RuntimeError)


def make_saver() -> tf.train.Saver:
    """A `Saver` of the default graph's variables. Its checkpoints can be moved, and it removes no old ones."""
    return tf.train.Saver(max_to_keep=None, save_relative_paths=True)


class Checkpoints:
    """The checkpoints in one log directory, and the options file of their run.

    Raises:
        UserError: a file cannot be written: disk full, no permission, or the directory was removed.
    """

    def __init__(self, logdir: str, saver: tf.train.Saver) -> None:
        self._logdir, self._saver = logdir, saver
        self._folder = os.path.join(logdir, layout.CHECKPOINTS)
        self._last = None  # the step that was saved or restored last

    def resume_or_start(
        self, session: tf.Session, initialise: tf.Operation, identity: Dict[str, Any], steps: int, fresh: bool
    ) -> int:
        """Resume the unfinished run in the log directory if it is the same run, else archive it and start a new run.

        Args:
            session: of the training graph.
            initialise: sets all variables to their initial values.
            identity: the options of the run, as from `run_identity`.
            steps: the number of training steps at which the run is finished.
            fresh: always start a new run.

        Returns:
            The step to continue with. The variables are those of that step.
        """
        moved = layout.finish_archive(self._logdir)
        if moved is not None:
            print(f"An interrupted move of the run in {self._logdir} is finished: the run is now in {moved}")
        stored = {} if fresh else read_options(self._logdir)
        step = self.restore(session) if not differences(stored, identity) and not fresh else None
        if step is not None and step < steps:
            print(f"Resuming at step {step} of {steps} the run in {self._logdir} (--fresh starts a new one)")
            return step
        archived = layout.archive(self._logdir)
        if archived is not None:
            print(f"Starting a new run; the run{_differences(stored, identity)} in {self._logdir} is now in {archived}")
        session.run(initialise)
        self._start(session, identity)
        return 0

    def save(self, session: tf.Session, step: int) -> None:
        """Write the state after `step` training steps; once it is on the disk, remove all but the last `KEPT`."""
        if step == self._last:
            return
        try:
            with tf_setup.filter_stderr():
                path = os.path.join(self._folder, layout.CHECKPOINT)
                path = self._saver.save(session, path, step, write_meta_graph=False)
            for file in [path + ending for ending in _ENDINGS] + [self._folder]:
                durable.sync(file)
        except (tf.errors.OpError, OSError, ValueError) as error:
            self._remove_all_but(layout.saved_steps(self._folder))
            raise UserError(self._folder, f"to write the checkpoint of step {step}", reason(error), RESUME) from error
        self._last = step
        self._remove_all_but(layout.saved_steps(self._folder)[-KEPT:])

    def restore(self, session: tf.Session) -> Optional[int]:
        """Fill the variables from the newest intact checkpoint.

        Returns:
            The step of the checkpoint; None if there is none.
        """
        self._remove_all_but(layout.saved_steps(self._folder))
        self._last = _restore_newest(session, self._folder)[0]
        return self._last

    def _start(self, session, identity):
        self._last = None
        with explain(self._folder, "to write the checkpoint of step 0", RESUME):
            os.makedirs(self._folder, exist_ok=True)
            durable.write(os.path.join(self._folder, layout.OPTIONS), json.dumps(identity, indent=1).encode())
            durable.sync(self._logdir)
            self.save(session, 0)

    def _remove_all_but(self, kept):
        """Remove the files of interrupted saves, and all checkpoints except those of the steps `kept`."""
        # Reverse order removes the .index file first: without it the data file is not read as a checkpoint.
        for name in sorted(layout.list_folder(self._folder, layout.CHECKPOINTS), reverse=True):
            complete = layout.CHECKPOINT_FILE.fullmatch(name)
            if complete and int(complete.group(1)) in kept:
                continue
            if name.startswith((layout.CHECKPOINT + "-", "checkpoint.tmp")):
                with contextlib.suppress(OSError):  # the next call tries again
                    os.remove(os.path.join(self._folder, name))


def restore_weights(session: tf.Session, logdir: str) -> int:
    """Fill all variables of the session's graph from the newest intact checkpoint of a run. Adds no operations.

    Args:
        session: of a graph that has the network's variables and no others.
        logdir: the run's log directory.

    Returns:
        The training step of the checkpoint.

    Raises:
        UserError: there is no checkpoint, all are damaged, the newest intact one is of another network, or a weight
            is not finite.
    """
    layout.check_trained(logdir)
    step, error = _restore_newest(session, os.path.join(logdir, layout.CHECKPOINTS))
    if step is None:
        raise error
    return step


def restore_checkpoint(session: tf.Session, logdir: str, step: int) -> bool:
    """As `restore_weights`, from the checkpoint of `step`. Returns False if there is none, or it is damaged."""
    return _restore_newest(session, os.path.join(logdir, layout.CHECKPOINTS), (step,))[0] is not None


@contextlib.contextmanager
def restored_session(
    graph: tf.Graph, logdir: str, cluster: Optional[Cluster] = None
) -> Iterator[Tuple[tf.Session, int]]:
    """(session of `graph` with the weights of a run, training step of the weights).

    See `open_session` for `cluster`, and `restore_weights`.
    """
    with open_session(graph, cluster) as session:
        yield session, restore_weights(session, logdir)


def _restore_newest(session, folder, among=None):
    """Fill the variables from the newest intact checkpoint in a folder, and report each damaged one.

    `among` has the steps to try; None tries all. Returns (step, None), or (None, the error of the oldest one).
    """
    variables = session.graph.get_collection(tf.GraphKeys.GLOBAL_VARIABLES)
    error = _unusable(folder, "an intact checkpoint", "none")
    for step in reversed([saved for saved in layout.saved_steps(folder) if among is None or saved in among]):
        path = os.path.join(folder, f"{layout.CHECKPOINT}-{step}")
        _check_readable(path)
        try:
            reader = tf.train.load_checkpoint(path)
            values = [_read_variable(reader, variable, path) for variable in variables]
        except _DAMAGED as damage:
            found = getattr(damage, "message", damage)
            error = _unusable(path, "an intact checkpoint, this one or an older one", found)
            other = "the previous checkpoint" if among is None else "its kernels"
            print(f"{path} is damaged ({type(damage).__name__}): trying {other}")
            continue
        # Feed the value to the input tensor of the initializer, which adds no operation to the graph.
        fed = {variable.initializer.inputs[1]: value for variable, value in zip(variables, values)}
        session.run([variable.initializer for variable in variables], fed)
        return step, None
    return None, error


def _check_readable(path):
    """Refuse an unreadable checkpoint: missing permission or a disk error does not mean that it is damaged."""
    with explain(path, "a readable checkpoint"):
        for ending in _ENDINGS:
            if os.path.lexists(path + ending):  # TensorFlow reports a missing file as damage
                with durable.open_regular(path + ending) as file:
                    while file.read(1 << 20):
                        pass


def _read_variable(reader, variable, path):
    name, shape = variable.op.name, variable.shape.as_list()
    stored = reader.get_variable_to_shape_map().get(name)
    if stored != shape:
        raise _unusable(path, f"{name} of the shape {shape}", stored or "no such variable")
    value = reader.get_tensor(name)
    if not np.isfinite(value).all():
        raise _unusable(path, f"finite numbers in {name}", f"{np.sum(~np.isfinite(value)):,} that are not finite")
    return value


def _unusable(path, expected, found):
    return UserError(path, expected, found, "train a new run, or name another --logdir")


def _differences(stored, identity):
    """How the archived run differs from the new one, as text: " with --seed 3, other data (9,000 digits)"."""
    options = [
        f"other data ({stored.get(name)})" if name == "data_dir" else f"--{name.replace('_', '-')} {stored.get(name)}"
        for name in differences(stored, identity)
    ]
    return " with " + ", ".join(options) if stored and options else ""

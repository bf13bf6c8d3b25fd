"""Checkpoints: what a run that was stopped goes on from.

TensorFlow writes each file of a checkpoint under another name and renames it, the .index last, and keeps a checksum of
every tensor. So what a kill leaves behind is either whole or no checkpoint, and damage shows when it is restored.
"""

import contextlib
import json
import os
import re
import zlib
from typing import Any, Dict, List, Optional

import tensorflow.compat.v1 as tf

from legacy_graph import environment, logdir, mnist
from legacy_graph.config import Config
from legacy_graph.errors import UserError
from legacy_graph.events import why

KEPT = 3  # the last few; each holds the weights and Adam's two moments, 39 MB
NAME, OPTIONS = "model.ckpt", "options.json"
_FILE = re.compile(re.escape(NAME) + r"-(\d+)\.(index|data-00000-of-00001)")


def identity(config: Config, data: mnist.Dataset) -> Dict[str, Any]:
    """All that decides the numbers of a run, as its options: two runs that agree in it are one."""
    decisive = {name: getattr(config, name) for name in ("seed", "batch_size", "learning_rate", "keep_prob")}
    digits = f"{len(data.train.labels):,} digits with the checksum {zlib.crc32(data.train.images):08x}"
    return dict(decisive, data_dir=digits)


def steps(folder: str) -> List[int]:
    """The steps of which there is a checkpoint in a folder, to judge by the names; the newest last."""
    found = [_FILE.fullmatch(name) for name in _list(folder)]
    return sorted(int(one.group(1)) for one in found if one and one.group(2) == "index")


def saver() -> tf.train.Saver:
    """A `Saver` of the default graph's variables whose checkpoints can be moved, and which removes none itself."""
    return tf.train.Saver(max_to_keep=None, save_relative_paths=True)


class Checkpoints:
    """The checkpoints in one log directory, and beside them the options of their run.

    Raises:
        UserError: they cannot be written: no space, no permission, the directory is gone.
    """

    def __init__(self, directory: str, saver: tf.train.Saver) -> None:
        self._directory, self._saver = directory, saver
        self._folder = os.path.join(directory, logdir.CHECKPOINTS)
        self._last = None  # the step that was saved or restored last

    def take_up(self, session: tf.Session, initialise: tf.Operation, config: Config, data: mnist.Dataset) -> int:
        """Go on with the run that is here if it is the one asked for and not at its end; else move it away and begin.

        Returns:
            The step to go on with; the variables are those of that step.
        """
        mine, found = identity(config, data), self._options()
        step = self.restore(session) if found == mine and not config.fresh else None
        if step is not None and step < config.steps:
            print(f"Going on at step {step} of {config.steps} with the run in {self._directory} (--fresh starts anew)")
            return step
        moved = logdir.shelve(self._directory)
        if moved is not None:
            others = [f"--{name.replace('_', '-')} {found.get(name)}" for name in mine if found.get(name) != mine[name]]
            with_others = " with " + ", ".join(others) if found and others else ""
            print(f"Starting anew; the run{with_others} that was in {self._directory} is now in {moved}")
        session.run(initialise)
        self._begin(session, mine)
        return 0

    def save(self, session: tf.Session, step: int) -> None:
        """Write the state after `step` training steps, and remove what is older than the last few."""
        if step == self._last:
            return
        try:
            with environment.without_chatter():
                self._saver.save(session, os.path.join(self._folder, NAME), step, write_meta_graph=False)
        except (tf.errors.OpError, OSError, ValueError) as error:
            self._sweep()
            raise self._unwritable(step, error) from error
        self._last = step
        self._sweep()

    def restore(self, session: tf.Session) -> Optional[int]:
        """Fill the variables from the newest whole checkpoint, and tell of each one that is damaged.

        Returns:
            The step it was made at; None if there is none.
        """
        self._sweep()
        for step in reversed(steps(self._folder)):
            path = os.path.join(self._folder, f"{NAME}-{step}")
            try:
                with environment.without_chatter():
                    self._saver.restore(session, path)
            except (tf.errors.OpError, ValueError) as error:
                print(f"{path} is damaged ({type(error).__name__}): looking for the one before it")
            else:
                self._last = step
                return step
        return None

    def _options(self):
        """The `identity` of the run that the checkpoints are of; empty if there is none, or none that can be read."""
        try:
            with open(os.path.join(self._folder, OPTIONS), encoding="utf-8") as file:
                return dict(json.load(file))
        except (OSError, ValueError, TypeError):
            return {}

    def _begin(self, session, options):
        self._last = None
        try:
            os.makedirs(self._folder, exist_ok=True)
            self.save(session, 0)
            with open(os.path.join(self._folder, OPTIONS), "w", encoding="utf-8") as file:
                json.dump(options, file, indent=1)
        except OSError as error:
            raise self._unwritable(0, error) from error

    def _sweep(self):
        """Remove what a save that was cut off has left, and all but the last few checkpoints."""
        kept = steps(self._folder)[-KEPT:]
        for name in sorted(_list(self._folder), reverse=True):  # the .index first: without it the rest is no checkpoint
            whole = _FILE.fullmatch(name)
            if name.startswith((NAME + "-", "checkpoint.tmp")) and not (whole and int(whole.group(1)) in kept):
                with contextlib.suppress(OSError):  # what cannot be removed now is removed the next time
                    os.remove(os.path.join(self._folder, name))

    def _unwritable(self, step, error):
        return UserError(
            f"{self._folder}: expected to write the checkpoint of step {step}, found: {why(error)}; "
            "mend that, and the same command goes on from the last one"
        )


def _list(folder):
    return os.listdir(folder) if os.path.isdir(folder) else []

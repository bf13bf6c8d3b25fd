"""The log directory: what stands in it, and how a new run leaves an old one whole."""

import os
import shlex
import shutil
import sys
import time

from legacy_graph.errors import UserError

TRAIN, TEST, CHECKPOINTS, EARLIER = "train", "test", "checkpoints", "earlier"
FEATURES, DECONV = "features", "deconv"
# What one run of ours leaves; anything else in the directory is not ours to move.
PARTS = (TRAIN, TEST, "projector", FEATURES, DECONV, CHECKPOINTS)


def prepare(logdir: str) -> None:
    """Make `logdir` ready for a new run. An earlier one moves to `earlier/<when>`, where TensorBoard still shows it.

    Raises:
        UserError: `logdir` is a file, or cannot be made or written.
    """
    try:
        os.makedirs(logdir, exist_ok=True)
        old = [part for part in PARTS if os.path.exists(os.path.join(logdir, part))]
        if old:
            shelf = _free(os.path.join(logdir, EARLIER, _when(os.path.join(logdir, old[0]))))
            os.makedirs(shelf)
            for part in old:
                shutil.move(os.path.join(logdir, part), os.path.join(shelf, part))
        for part in (TRAIN, TEST, CHECKPOINTS):
            os.makedirs(os.path.join(logdir, part))
    except OSError as error:
        raise UserError(
            f"--logdir: expected a directory that can be written, found {logdir!r} ({error.strerror}): name another one"
        ) from error


def command(logdir: str) -> str:
    """The command that opens `logdir`, whole and quoted for the shell, from any directory."""
    beside = os.path.join(os.path.dirname(sys.executable), "tensorboard")
    on_path = shutil.which("tensorboard")
    same = on_path is not None and os.path.realpath(on_path) == os.path.realpath(beside)
    program = beside if os.path.exists(beside) and not same else "tensorboard"
    return f"{shlex.quote(program)} --logdir {shlex.quote(os.path.abspath(logdir))}"


def _when(folder):
    return time.strftime("%Y-%m-%d_%H-%M-%S", time.localtime(os.path.getmtime(folder)))


def _free(folder):
    number, free = 1, folder
    while os.path.exists(free):
        number += 1
        free = f"{folder}_{number}"
    return free

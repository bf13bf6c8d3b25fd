"""The log directory: what stands in it, and how a new run leaves an old one whole."""

import contextlib
import fcntl
import os
import shlex
import shutil
import sys
import time
from typing import Iterator, Optional

from legacy_graph.errors import UserError, reason

LOCK = ".lock"
TRAIN, TEST, CHECKPOINTS, EARLIER = "train", "test", "checkpoints", "earlier"
PROJECTOR, FEATURES, DECONV = "projector", "features", "deconv"
# What one run of ours leaves; anything else in the directory is not ours to move.
PARTS = (TRAIN, TEST, PROJECTOR, FEATURES, DECONV, CHECKPOINTS)


@contextlib.contextmanager
def lock(logdir: str) -> Iterator[None]:
    """Make `logdir` if it is missing, and keep other runs out of it until the block ends, or the process does.

    Raises:
        UserError: another run is at work in it, or it cannot be made or written.
    """
    with contextlib.ExitStack() as stack:
        try:
            os.makedirs(logdir, exist_ok=True)
            lock = stack.enter_context(open(os.path.join(logdir, LOCK), "a+", encoding="ascii"))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            lock.truncate(0)
            print(os.getpid(), file=lock, flush=True)
        except BlockingIOError as error:
            lock.seek(0)
            raise UserError(
                "--logdir",
                "a directory that no other run is using",
                f"process {lock.read().strip()} writing to {logdir!r}",
                "wait for it, or name another directory",
            ) from error
        except OSError as error:
            raise _unwritable(logdir, error) from error
        yield


def archive(logdir: str) -> Optional[str]:
    """Move the run in `logdir` to `earlier/<when>`, where TensorBoard still shows it, whole and under the same names.

    A kill on the way leaves it in two places; the next call brings both together.

    Returns:
        Where it is now; None if there was none.

    Raises:
        UserError: it cannot be moved.
    """
    moving = os.path.join(logdir, EARLIER, ".moving")
    try:
        parts = [part for part in PARTS if _files(os.path.join(logdir, part))]
        if not parts and not os.path.isdir(moving):
            return None
        os.makedirs(moving, exist_ok=True)
        for part in parts:
            os.rename(os.path.join(logdir, part), os.path.join(moving, part))
        shelf = _free(os.path.join(logdir, EARLIER, _when(moving)))
        os.rename(moving, shelf)
    except OSError as error:
        raise _unwritable(logdir, error) from error
    return shelf


def tensorboard_command(logdir: str) -> str:
    """The command that opens `logdir`, whole and quoted for the shell, from any directory."""
    beside = os.path.join(os.path.dirname(sys.executable), "tensorboard")
    on_path = shutil.which("tensorboard")
    same = on_path is not None and os.path.realpath(on_path) == os.path.realpath(beside)
    program = beside if os.path.exists(beside) and not same else "tensorboard"
    return f"{shlex.quote(program)} --logdir {shlex.quote(os.path.abspath(logdir))}"


def _files(folder):
    return [os.path.join(path, name) for path, _, names in os.walk(folder) for name in names]


def _when(folder):
    """When a run last wrote."""
    latest = max((os.path.getmtime(path) for path in _files(folder)), default=time.time())
    return time.strftime("%Y-%m-%d_%H-%M-%S", time.localtime(latest))


def _free(folder):
    number, free = 1, folder
    while os.path.exists(free):
        number += 1
        free = f"{folder}_{number}"
    return free


def _unwritable(logdir, error):
    return UserError("--logdir", "a writable directory", f"{logdir!r} ({reason(error)})", "name another directory")

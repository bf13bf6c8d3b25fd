"""The log directory: what stands in it, and how a new run leaves an old one whole."""

import contextlib
import fcntl
import os
import shlex
import sys
import time
from typing import IO, Iterator, List, Optional

from legacy_graph.errors import UserError, reason
from legacy_graph.logdir.durable import DRAFT

LOCK = ".lock"
TRAIN, TEST, CHECKPOINTS, EARLIER = "train", "test", "checkpoints", "earlier"
PROJECTOR, FEATURES, DECONV = "projector", "features", "deconv"
OPTIONS = "options.json"  # in CHECKPOINTS; the first file of a run, and the mark that the run is ours
# What one run of ours leaves. Checkpoints move first: what is left without them cannot be resumed by mistake.
PARTS = (CHECKPOINTS, TRAIN, TEST, PROJECTOR, FEATURES, DECONV)
_MARKS = {OPTIONS, OPTIONS + DRAFT}
HINT = "move it away, or name another --logdir"


@contextlib.contextmanager
def lock(logdir: str) -> Iterator[None]:
    """Make `logdir` if it is missing, and keep other runs out of it until the block ends, or the process does.

    Raises:
        UserError: another run is at work in it, it holds files of others under our names, it is the root directory, or
            it cannot be made or written. Nothing is written then.
    """
    path = os.path.join(logdir, LOCK)
    if os.path.realpath(logdir) == os.path.realpath(os.sep):
        raise UserError("--logdir", "a directory for training runs", "the root directory", "name another directory")
    if not os.path.lexists(path):
        _check_ours(logdir)
    with contextlib.ExitStack() as stack:
        try:
            os.makedirs(logdir, exist_ok=True)
            # A link would lead to a file of someone else, which is then overwritten.
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
            file = stack.enter_context(open(descriptor, "r+", encoding="ascii", errors="replace"))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.truncate(0)
            print(os.getpid(), file=file, flush=True)
        except BlockingIOError as error:
            raise UserError(
                "--logdir",
                "a directory that no other run is using",
                f"{_holder(file)} writing to {logdir!r}",
                "wait for it, or name another directory",
            ) from error
        except OSError as error:
            raise _unwritable(logdir, error) from error
        yield


def archive(logdir: str) -> Optional[str]:
    """Move the run in `logdir` to `earlier/<when>`, where TensorBoard still shows it, whole and under the same names.

    A kill on the way leaves it in two places; `finish_archive` brings both together.

    Returns:
        Where it is now; None if there was none.

    Raises:
        UserError: it cannot be moved, or holds files of others.
    """
    _check_ours(logdir)
    moving = _moving(logdir)
    try:
        parts = _parts(logdir)
        if not _files(moving) and (not parts or _only_mark(logdir, parts)):
            return None
        os.makedirs(moving, exist_ok=True)
        for part in parts:
            _move(os.path.join(logdir, part), os.path.join(moving, part))
        shelf = _free(os.path.join(logdir, EARLIER, _when(moving)))
        os.rename(moving, shelf)
    except OSError as error:
        raise _unwritable(logdir, error) from error
    return shelf


def finish_archive(logdir: str) -> Optional[str]:
    """Finish an `archive` that was killed after its first move; returns where the run is now, None if there is none."""
    return archive(logdir) if _files(_moving(logdir)) else None


def tensorboard_command(logdir: str) -> str:
    """The command that opens `logdir` with this very Python, quoted for the shell, from any directory.

    The script `tensorboard` beside Python names an interpreter by its absolute path, so it fails in a checkout that
    was moved.
    """
    return f"{shlex.quote(sys.executable)} -m tensorboard.main --logdir {shlex.quote(os.path.abspath(logdir))}"


def _check_ours(logdir: str) -> None:
    """Refuse a directory in which one of our names holds what no run of ours wrote."""
    parts = _parts(logdir)
    marks = [os.path.join(place, CHECKPOINTS, name) for place in (logdir, _moving(logdir)) for name in _MARKS]
    if parts and not any(map(os.path.lexists, marks)):
        subject = os.path.join(logdir, parts[0])
        raise UserError(subject, f"a run of this program, marked by {CHECKPOINTS}/{OPTIONS}", "other files", HINT)
    for part in parts:
        folder = os.path.join(logdir, part)
        if os.path.exists(folder) and not os.path.isdir(folder):
            raise UserError(folder, "a directory", "a file", HINT)
    for folder in (os.path.join(logdir, TRAIN), os.path.join(logdir, TEST)):
        for name in sorted(os.listdir(folder)) if os.access(folder, os.R_OK | os.X_OK) else []:
            path = os.path.join(folder, name)
            if os.path.exists(path) and not ("tfevents" in name and os.path.isfile(path)):
                raise UserError(folder, "only event files", repr(name), HINT)


def _holder(file: IO[str]) -> str:
    """The process that holds the lock. It writes its number just after it took the lock, so wait for that."""
    for _ in range(20):
        file.seek(0)
        number = file.read(20).strip()
        if number.isdigit() and os.path.exists(f"/proc/{number}"):
            break
        time.sleep(0.05)
    return f"process {number}" if number else "another process"


def _move(source: str, target: str) -> None:
    """Move a file or directory. Directories of the same name are merged; a file whose name is taken gets a number."""
    if not os.path.lexists(target):
        os.rename(source, target)
    elif os.path.islink(source) or not (os.path.isdir(source) and os.path.isdir(target)):
        os.rename(source, _free(target))
    else:
        for name in os.listdir(source):
            _move(os.path.join(source, name), os.path.join(target, name))
        os.rmdir(source)


def _moving(logdir: str) -> str:
    return os.path.join(logdir, EARLIER, ".moving")


def _parts(logdir: str) -> List[str]:
    """The names among ours that hold files, or are files."""
    paths = {part: os.path.join(logdir, part) for part in PARTS}
    return [part for part, path in paths.items() if _files(path) or (os.path.lexists(path) and not os.path.isdir(path))]


def _only_mark(logdir: str, parts: List[str]) -> bool:
    """Whether the run ended before its first checkpoint."""
    return parts == [CHECKPOINTS] and set(os.listdir(os.path.join(logdir, CHECKPOINTS))) <= _MARKS


def _files(folder: str) -> List[str]:
    return [os.path.join(path, name) for path, _, names in os.walk(folder) for name in names]


def _when(folder: str) -> str:
    """When a run last wrote."""
    latest = max((os.lstat(path).st_mtime for path in _files(folder)), default=time.time())
    return time.strftime("%Y-%m-%d_%H-%M-%S", time.localtime(latest))


def _free(path: str) -> str:
    number, free = 1, path
    while os.path.lexists(free):
        number += 1
        free = f"{path}_{number}"
    return free


def _unwritable(logdir: str, error: Exception) -> UserError:
    return UserError("--logdir", "a writable directory", f"{logdir!r} ({reason(error)})", "name another directory")

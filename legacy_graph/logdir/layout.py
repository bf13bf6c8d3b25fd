"""The log directory: its parts, its lock, and how an old run is moved to `earlier` before a new run."""

import contextlib
import os
import re
import time
from typing import IO, Iterator, List, Optional, Sequence

from legacy_graph import tf_setup
from legacy_graph.errors import UserError, explain, launch_command, reason
from legacy_graph.logdir import durable

LOCK = ".lock"
TRAIN, TEST, CHECKPOINTS, EARLIER = "train", "test", "checkpoints", "earlier"
KERNELS = "kernels"  # the convolution weights of single steps, see `kept_kernels`
PROJECTOR, FEATURES, DECONV = "projector", "features", "deconv"
GRAPHS = "graphs"  # results for graphs that someone else trained; no part of a run, so it is never moved
OPTIONS = "options.json"  # in CHECKPOINTS; the first file of a run, marks the directory as written by this program
CHECKPOINT = "model.ckpt"  # in CHECKPOINTS; the files of a step are model.ckpt-<step>.index and .data-00000-of-00001
CHECKPOINT_FILE = re.compile(re.escape(CHECKPOINT) + r"-(\d+)\.(index|data-00000-of-00001)")
NUMBERS = "features.npz"  # in FEATURES/<layer>, the results of `features`; see also `name_with_step`
TRAINED = "-training"  # after the name of a layer: the directory in FEATURES with the results that `train` writes
# The parts of a run. Checkpoints are moved first: the rest cannot then be resumed by mistake.
PARTS = (CHECKPOINTS, TRAIN, TEST, KERNELS, PROJECTOR, FEATURES, DECONV)
_WRITTEN = (CHECKPOINTS, TRAIN, TEST, KERNELS, PROJECTOR, FEATURES)  # by `train`
_CONTENTS = {
    TRAIN: ("tfevents", "event files"),
    TEST: ("tfevents", "event files"),
    KERNELS: (r"^step-\d+\.npz", "files of kernels"),
}  # part -> pattern of its file names, in words
_MARKS = {OPTIONS, OPTIONS + durable.DRAFT}
HINT = "move it away, or name another --logdir"


@contextlib.contextmanager
def lock(logdir: str) -> Iterator[None]:
    """Create `logdir` if it is missing, and lock it against other runs until the block or the process ends.

    Raises:
        UserError: another run uses the directory, one of the names in `PARTS` has files of another program or a FIFO,
            it is the root directory, or it or a part of a run in it cannot be written. No run is changed then.
    """
    path = os.path.join(logdir, LOCK)
    if os.path.realpath(logdir) == os.path.realpath(os.sep):
        raise UserError("--logdir", "a directory for training runs", "the root directory", "name another directory")
    if not os.path.lexists(path):
        _check_ours(logdir)
    _check_regular(logdir)
    with contextlib.ExitStack() as stack:
        try:
            os.makedirs(logdir, exist_ok=True)
            # O_NOFOLLOW: a link could point to a file of another user, which would be overwritten.
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
            file = stack.enter_context(open(descriptor, "r+", encoding="ascii", errors="replace"))
            durable.lock_file(file, f"--logdir {logdir!r}")
            file.truncate(0)
            print(os.getpid(), file=file, flush=True)
        except BlockingIOError as error:
            found, hint = f"{_holder(file)} writing to {logdir!r}", "wait for it, or name another directory"
            raise UserError("--logdir", "a directory that no other run is using", found, hint) from error
        except OSError as error:
            raise _unwritable(logdir, error) from error
        _check_access(logdir, _WRITTEN)
        yield


def archive(logdir: str) -> Optional[str]:
    """Move the run in `logdir` to `earlier/<time>`, where TensorBoard still shows it with the same tags.

    After a kill during the move the run is in two places; `finish_archive` completes the move.

    Returns:
        The new directory of the run; None if there was no run.

    Raises:
        UserError: the run cannot be moved, or a part has files of another program. Nothing is moved if a part belongs
            to another user.
    """
    _check_ours(logdir)
    _check_access(logdir, PARTS)
    moving = _moving(logdir)
    try:
        parts = _parts(logdir)
        names = {os.path.basename(path) for part in parts for path in _files(os.path.join(logdir, part)) or [part]}
        if not _files(moving) and names <= _MARKS:  # the run ended before its first checkpoint
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
    """Complete an interrupted `archive`; returns the new directory of the run, None if none was interrupted."""
    return archive(logdir) if _files(_moving(logdir)) else None


def saved_steps(folder: str) -> List[int]:
    """The steps of the checkpoints in a folder, from the file names, newest last.

    Raises:
        UserError: the folder cannot be read. A missing folder has no checkpoints.
    """
    matches = [CHECKPOINT_FILE.fullmatch(name) for name in list_folder(folder, CHECKPOINTS)]
    return sorted(int(match.group(1)) for match in matches if match and match.group(2) == "index")


def is_ours(logdir: str) -> bool:
    """Whether a run of this program is in the directory itself; also true if its checkpoints may not be read."""
    folder = os.path.join(logdir, CHECKPOINTS)
    if os.path.isdir(folder) and not os.access(folder, os.X_OK):
        return True
    return any(os.path.lexists(os.path.join(folder, name)) for name in _MARKS)


def check_trained(logdir: str) -> None:
    """Refuse a log directory without a checkpoint of a training run.

    Raises:
        UserError: there is no checkpoint, or TensorFlow cannot find one at this path.
    """
    tf_setup.check_pattern("--logdir", logdir)
    if not saved_steps(os.path.join(logdir, CHECKPOINTS)):
        found = "none" if os.path.isdir(logdir) else "no such directory"
        hint = f"train one first with: {launch_command('train', '--logdir', logdir)}"
        if os.path.isdir(os.path.join(logdir, KERNELS)) and not is_ours(logdir):
            draw = launch_command("features", "--steps", "all", "--logdir", logdir)
            found, hint = "results of FeaturesHook", f"name another one, or draw these with: {draw}"
        raise UserError("--logdir", f"a checkpoint of a training run in {logdir!r}", found, hint)


def list_folder(folder: str, contents: str) -> List[str]:
    """The names of the files in a folder; none if it is missing. Raises UserError if it cannot be read."""
    with explain(folder, f"a readable directory of {contents}"), contextlib.suppress(FileNotFoundError):
        return os.listdir(folder)
    return []


def name_with_step(name: str, step: int) -> str:
    """The name of a file of `features` for an earlier step than the newest: "features.npz" -> "features-200.npz"."""
    stem, ending = os.path.splitext(name)
    return f"{stem}-{step}{ending}"


def tensorboard_command(logdir: str) -> str:
    """The command that opens `logdir` in TensorBoard with the Deconvnet tab, quoted for the shell."""
    return launch_command("tensorboard", "--logdir", os.path.abspath(logdir))


def _check_ours(logdir: str) -> None:
    """Refuse a directory in which a name in `PARTS` has files that no run of this program wrote."""
    parts = _parts(logdir)
    marks = [os.path.join(place, CHECKPOINTS, name) for place in (logdir, _moving(logdir)) for name in _MARKS]
    if parts and not any(map(os.path.lexists, marks)):
        subject = os.path.join(logdir, parts[0])
        raise UserError(subject, f"a run of this program, marked by {CHECKPOINTS}/{OPTIONS}", "other files", HINT)
    for part in parts:
        folder = os.path.join(logdir, part)
        if os.path.exists(folder) and not os.path.isdir(folder):
            raise UserError(folder, "a directory", "a file", HINT)
    for part, (pattern, contents) in _CONTENTS.items():
        folder = os.path.join(logdir, part)
        for name in sorted(os.listdir(folder)) if os.access(folder, os.R_OK | os.X_OK) else []:
            path = os.path.join(folder, name)
            if os.path.exists(path) and not (re.search(pattern, name) and os.path.isfile(path)):
                raise UserError(folder, f"only {contents}", repr(name), HINT)


def _check_regular(logdir: str) -> None:
    """Refuse a FIFO, a socket or a device among the files that a run opens: opening it may wait for ever."""
    for part in _WRITTEN:
        for path in _files(os.path.join(logdir, part)):
            if os.path.exists(path) and not os.path.isfile(path):
                raise UserError(path, "a regular file", "a FIFO, a socket or a device", HINT)


def _check_access(logdir: str, parts: Sequence[str]) -> None:
    """Refuse a part that belongs to another user, before a run is changed: else a run could be moved in part."""
    for folder in [os.path.join(logdir, part) for part in parts]:
        if os.path.isdir(folder) and not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            hint = "change its owner or its permissions, or name another --logdir"
            raise UserError(folder, "a directory that can be read and written", "Permission denied", hint)


def _holder(file: IO[str]) -> str:
    """The process that holds the lock. It writes its number just after it takes the lock, so wait for the number."""
    for _ in range(20):
        file.seek(0)
        number = file.read(20).strip()
        if number.isdigit() and os.path.exists(f"/proc/{number}"):
            break
        time.sleep(0.05)
    return f"process {number}" if number else "another process"


def _move(source: str, target: str) -> None:
    """Move a file or directory. Merge directories of the same name; add a number to a file name that exists."""
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
    """The names in `PARTS` that exist as files, or as directories with files."""
    paths = {part: os.path.join(logdir, part) for part in PARTS}
    return [part for part, path in paths.items() if _files(path) or (os.path.lexists(path) and not os.path.isdir(path))]


def _files(folder: str) -> List[str]:
    return [os.path.join(path, name) for path, _, names in os.walk(folder) for name in names]


def _when(folder: str) -> str:
    """The time of the last write of a run, as a directory name."""
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

"""提示 no dashboard: find the log directory, or explain a wrong path. Does not import TensorFlow, to be fast.

TensorBoard shows only "No dashboards are active" for each of these mistakes.
"""

import difflib
import glob
import os
import re
import shlex
from typing import List, Optional, Set

from legacy_graph.errors import UserError, launch_command
from legacy_graph.logdir import layout

MOST = 20000  # directories below a log directory that are searched: some seconds


def find_logdir(words: List[str]) -> str:
    """The log directory named by the words of a command line.

    Raises:
        UserError: the words name no directory; the message names the mistake.
    """
    path = " ".join(words)
    if len(words) > 1:
        known = f"; {path!r} is there" if os.path.exists(path) else ""
        hint = f"a path with spaces needs quotes: {shlex.quote(path)}"
        raise UserError(path, "one path", f"{len(words)} words{known}", hint)
    if os.path.isdir(path):
        return path
    if os.path.exists(path):
        folder = os.path.dirname(os.path.abspath(path))
        raise UserError(path, "a directory", "a file", f"name the directory it lies in: {shlex.quote(folder)}")
    if ":" in os.path.splitdrive(path)[1]:
        bare = [part.rpartition(":")[2] for part in path.split(",")]
        advice = "name the path alone: {}, or give TensorBoard --logdir_spec {} (then without PROJECTOR)"
        found = "the form name:path of 2018, which --logdir takes literally today"
        raise UserError(path, "a path", found, advice.format(" or ".join(map(shlex.quote, bare)), shlex.quote(path)))
    raise UserError(path, "a directory", "nothing of that name", _suggest(path))


def local_path(text: str) -> str:
    """Expand ~, which bash leaves in `--logdir=~/log`, and a drive letter of Windows, which WSL mounts below /mnt.

    Raises:
        UserError: a path of Windows on a drive that is not mounted.
    """
    drive = re.match(r"([A-Za-z]):([\\/].*)", text, re.DOTALL)
    # "a:/logs/1,b:/logs/2" and "a:/logs/1" are also the form name:path that TensorBoard took in 2018.
    named = drive and drive.group(2).startswith("/") and (":" in drive.group(2) or os.path.exists(drive.group(2)))
    if not drive or named or os.path.lexists(text):
        return os.path.expanduser(text)
    mount = "/mnt/" + drive.group(1).lower()
    path = mount + drive.group(2).replace("\\", "/")
    if not os.path.isdir(mount):
        hint = f"in WSL its name is {path}, but there is no directory {mount}"
        raise UserError("path", "a path of this machine", f"the path of Windows {text!r}", hint)
    return path


def check_no_others(logdir: str) -> None:
    """Refuse a directory that has event files and no run of this program: TensorBoard would show both as one log.

    Raises:
        UserError: another program has written event files into it, or it is in a part of another run.
    """
    _check_not_inside(logdir)
    if not layout.is_ours(logdir) and _holds_event_file(logdir, left_out=(layout.EARLIER, layout.GRAPHS)):
        hint = "name another directory, or add --beside-others to train there nevertheless"
        raise UserError("--logdir", "a directory without event files of other programs", repr(logdir), hint)


def _check_not_inside(logdir: str) -> None:
    """Refuse a directory in a part of another run: that run is moved with all its parts when it is started anew."""
    above, name = os.path.split(os.path.realpath(logdir))
    while name:
        if name in layout.PARTS and layout.is_ours(above):
            hint = "name a directory outside that run"
            raise UserError("--logdir", "a directory of its own", f"{logdir!r} in {name} of the run {above!r}", hint)
        above, name = os.path.split(above)


def why_empty(path: str) -> Optional[str]:
    """One line that says why TensorBoard finds no data in `path`, and what to do; None if there is an event file."""
    if "://" in path:  # a remote file system, which TensorBoard reads itself
        return None
    try:
        folder = find_logdir([path])
        return None if _holds_event_file(folder) else no_event_file(folder)
    except UserError as error:
        return str(error)


def no_event_file(logdir: str) -> str:
    """The line for a directory without event files, with a similar directory that has some, or how to fill it."""
    return f"No event file lies in {os.path.abspath(logdir)}: {_suggest(logdir)}"


def _holds_event_file(folder, left_out=()) -> bool:
    """Whether a directory has an event file, at any depth, except in its subdirectories with the names `left_out`.

    Follows links, but not in a cycle.
    """
    seen = set()
    for number, (place, names, files) in enumerate(os.walk(folder, followlinks=True)):
        check_number(folder, number)
        if any("tfevents" in name for name in files):
            return True
        names[:] = [name for name in names if place != folder or name not in left_out]
        paths = {name: os.path.realpath(os.path.join(place, name)) for name in names}
        names[:] = [name for name in names if paths[name] not in seen]
        seen.update(paths.values())
    return False


def check_number(folder: str, number: int) -> None:
    """Refuse a log directory with more than `MOST` directories below it, such as the root directory.

    Raises:
        UserError: `number` directories are too many.
    """
    if number > MOST:
        hint = "name the directory of your runs"
        raise UserError(folder, f"a log directory with at most {MOST:,} directories", "more", hint)


def _suggest(path):
    """A hint: a directory with event files near `path`, one level away or of a similar name, or `train_hint`."""
    parent, name = os.path.split(os.path.abspath(path))
    names = [entry for entry in os.listdir(parent) if entry != name] if os.path.isdir(parent) else []
    places = [parent] + glob.glob(os.path.join(glob.escape(parent), "*", glob.escape(name)))
    places.append(os.path.join(os.path.dirname(parent), name))
    places += [os.path.join(parent, match) for match in difflib.get_close_matches(name, names)]
    nearby = [place for place in places if event_file_dirs(place) and place != os.path.abspath(path)]
    return f"there are event files in {shlex.quote(nearby[0])}" if nearby else train_hint(path)


def event_file_dirs(folder: str) -> Set[str]:
    """Those of a directory and its direct subdirectories that contain event files."""
    files = [glob.glob(os.path.join(glob.escape(folder), *deep, "*tfevents*")) for deep in ([], ["*"])]
    return {os.path.dirname(file) for group in files for file in group}


def train_hint(path: str) -> str:
    """The hint with the command that fills a log directory."""
    return f"to fill it: {launch_command('train', '--logdir', path)}"

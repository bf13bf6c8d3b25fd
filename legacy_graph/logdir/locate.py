"""提示 no dashboard: find the log directory, or explain a wrong path. Does not import TensorFlow, to be fast.

TensorBoard shows only "No dashboards are active" for each of these mistakes.
"""

import difflib
import glob
import os
import shlex
from typing import List, Optional, Set

from legacy_graph.errors import UserError, launch_command


def find_logdir(words: List[str]) -> str:
    """The log directory named by the words of a command line.

    Raises:
        UserError: the words name no directory; the message names the mistake.
    """
    path = " ".join(words)
    if len(words) > 1:
        known = f"; {path!r} is there" if os.path.exists(path) else ""
        raise UserError(
            path, "one path", f"{len(words)} words{known}", f"a path with spaces needs quotes: {shlex.quote(path)}"
        )
    if os.path.isdir(path):
        return path
    if os.path.exists(path):
        folder = os.path.dirname(os.path.abspath(path))
        raise UserError(path, "a directory", "a file", f"name the directory it lies in: {shlex.quote(folder)}")
    if ":" in os.path.splitdrive(path)[1]:
        bare = [part.rpartition(":")[2] for part in path.split(",")]
        advice = "name the path alone: {}, or give TensorBoard --logdir_spec {} (then without EMBEDDINGS)"
        found = "the form name:path of 2018, which --logdir takes literally today"
        raise UserError(path, "a path", found, advice.format(" or ".join(map(shlex.quote, bare)), shlex.quote(path)))
    raise UserError(path, "a directory", "nothing of that name", suggest_logdir(path) or train_hint(path))


def suggest_logdir(path: str) -> Optional[str]:
    """Suggest a directory with event files near `path`: one level up or down, or with a similar name."""
    parent, name = os.path.split(os.path.abspath(path))
    names = [entry for entry in os.listdir(parent) if entry != name] if os.path.isdir(parent) else []
    places = [parent] + glob.glob(os.path.join(glob.escape(parent), "*", glob.escape(name)))
    places.append(os.path.join(os.path.dirname(parent), name))
    places += [os.path.join(parent, match) for match in difflib.get_close_matches(name, names)]
    found = [place for place in places if event_file_dirs(place) and place != os.path.abspath(path)]
    return f"there are event files in {shlex.quote(found[0])}" if found else None


def event_file_dirs(folder: str) -> Set[str]:
    """Those of a directory and its direct subdirectories that contain event files."""
    files = [glob.glob(os.path.join(glob.escape(folder), *deep, "*tfevents*")) for deep in ([], ["*"])]
    return {os.path.dirname(file) for found in files for file in found}


def train_hint(path: str) -> str:
    """The hint with the command that fills a log directory."""
    return f"to fill it: {launch_command()} train --logdir {shlex.quote(path)}"

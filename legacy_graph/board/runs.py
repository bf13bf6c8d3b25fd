"""The runs in a log directory, and the commands that fill them. Does not import TensorFlow."""

import contextlib
import os
import re
import shlex
from typing import Any, Dict, Iterator, List, NamedTuple, Optional

from legacy_graph.errors import launch_command
from legacy_graph.logdir import layout

DEPTH = 4  # levels of directories below the log directory that are searched for runs
NUMBERS = "features.npz"
LAYERS = ("conv1", "conv2")  # of the article's network


class Run(NamedTuple):
    """A directory with results of `features` or with checkpoints."""

    folder: str
    sheets: Dict[str, str]  # layer -> path of the .npz file
    newest: Optional[int]  # step of the newest checkpoint of the article's network; None if there is none


def find_runs(logdir: str) -> Dict[str, Run]:
    """{path relative to the log directory: run}, sorted. The path of the log directory itself is ".".

    The results for graphs that someone else trained are the run `graphs`, with one layer for each directory in it.
    """
    runs = {}
    for folder in _walk(os.path.expanduser(logdir), DEPTH) if logdir else ():
        name = os.path.relpath(folder, os.path.expanduser(logdir))
        run = Run(folder, _sheets(os.path.join(folder, layout.FEATURES)), _newest_step(folder))
        if run.sheets or run.newest is not None:
            runs[name] = run
        graphs = os.path.join(folder, layout.GRAPHS)
        if _sheets(graphs):
            runs[os.path.normpath(os.path.join(name, layout.GRAPHS))] = Run(graphs, _sheets(graphs), None)
    return dict(sorted(runs.items()))


def describe(logdir: str) -> Dict[str, Any]:
    """The runs as JSON, and the commands that fill what is missing."""
    shown = []
    for name, run in find_runs(logdir).items():
        title = os.path.basename(os.path.abspath(run.folder)) if name == "." else name
        layers = {layer: _changed(path) for layer, path in run.sheets.items()}
        commands = {} if run.newest is None else {layer: features_command(run.folder, layer) for layer in LAYERS}
        shown.append({"name": name, "title": title, "newest": run.newest, "layers": layers, "commands": commands})
    train = f"{launch_command()} train --logdir {shlex.quote(logdir or 'log')}"
    return {"logdir": os.path.abspath(logdir) if logdir else "", "runs": shown, "train": train}


def features_command(folder: str, layer: str) -> str:
    """The command that writes the results of a layer of the run in `folder`."""
    return f"{launch_command()} features --layer {shlex.quote(layer)} --logdir {shlex.quote(folder)}"


def _walk(folder: str, depth: int) -> Iterator[str]:
    """The directory and its subdirectories, except hidden directories and those with a directory for each result."""
    yield folder
    for name in _folders(folder) if depth else ():
        if name not in (layout.FEATURES, layout.DECONV, layout.GRAPHS):
            yield from _walk(os.path.join(folder, name), depth - 1)


def _sheets(folder: str) -> Dict[str, str]:
    paths = {name: os.path.join(folder, name, NUMBERS) for name in _folders(folder)}
    return {name: path for name, path in sorted(paths.items()) if os.path.isfile(path)}


def _newest_step(folder: str) -> Optional[int]:
    with contextlib.suppress(OSError):
        names = os.listdir(os.path.join(folder, layout.CHECKPOINTS))
        steps = [re.fullmatch(r"model\.ckpt-(\d+)\.index", name) for name in names]
        return max((int(step.group(1)) for step in steps if step), default=None)
    return None


def _changed(path: str) -> float:
    """The time of the last change. If it differs, the page loads the results again."""
    with contextlib.suppress(OSError):
        return os.stat(path).st_mtime
    return 0.0


def _folders(folder: str) -> List[str]:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        return [entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir()]
    return []

"""The runs in a log directory, and the commands that fill them. Does not import TensorFlow."""

import contextlib
import os
import re
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

from legacy_graph.config import CONVOLUTIONS, LAYERS
from legacy_graph.errors import UserError, launch_command
from legacy_graph.logdir import layout

DEPTH = 4  # levels of directories below the log directory that are searched for runs
_NUMBERS = re.compile(r"features(?:-(\d+))?\.npz")  # `layout.NUMBERS`, also for an earlier step


class RunResults(NamedTuple):
    """A directory with results of `features` or with checkpoints."""

    folder: str
    sheets: Dict[str, Dict[str, str]]  # layer -> {step: path of the .npz file}; the newest results have the step ""
    newest: Optional[int]  # step of the newest checkpoint of the article's network; None if there is none


def find_runs(logdir: str) -> Dict[str, RunResults]:
    """{path relative to the log directory: run}, sorted. The path of the log directory itself is ".".

    The results for graphs that someone else trained are the run `graphs`, with one layer for each directory in it.
    """
    runs, root = {}, os.path.expanduser(logdir)
    for folder, names in _walk(root, DEPTH, set(), _Above()) if logdir else ():
        name = os.path.relpath(folder, root)
        sheets = _sheets(os.path.join(folder, layout.FEATURES)) if layout.FEATURES in names else {}
        newest = _newest_step(os.path.join(folder, layout.CHECKPOINTS)) if layout.CHECKPOINTS in names else None
        if sheets or newest is not None:
            runs[name] = RunResults(folder, sheets, newest)
        graphs = os.path.join(folder, layout.GRAPHS)
        sheets_of_graphs = _sheets(graphs) if layout.GRAPHS in names else {}
        if sheets_of_graphs:
            runs[os.path.normpath(os.path.join(name, layout.GRAPHS))] = RunResults(graphs, sheets_of_graphs, None)
    return dict(sorted(runs.items()))


def describe(logdir: str, runs: Dict[str, RunResults]) -> Dict[str, Any]:
    """The runs that `find_runs` found, as JSON, and the commands that fill what is missing."""
    shown = []
    for name, run in runs.items():
        title = os.path.basename(os.path.abspath(run.folder)) if name == "." else name
        layers = {layer: _describe_steps(paths) for layer, paths in run.sheets.items()}
        commands = {} if run.newest is None else {layer: features_command(run.folder, layer) for layer in LAYERS}
        more = {layer: f"{command} --steps all" for layer, command in commands.items()}
        recorded = {layer + layout.TRAINED: more.get(layer) for layer in CONVOLUTIONS}
        shown.append(
            {"name": name, "title": title, "newest": run.newest, "layers": layers, "commands": commands,
             "recorded": recorded}
        )  # fmt: skip
    train = launch_command("train", "--logdir", logdir or "log")
    return {"logdir": os.path.abspath(logdir) if logdir else "", "runs": shown, "train": train}


def features_command(folder: str, layer: str) -> str:
    """The command that writes the results of a layer of the run in `folder`."""
    return launch_command("features", "--layer", layer, "--logdir", folder)


class _Above(NamedTuple):
    """The directories above a directory, by their real paths, and whether one of them was entered by a link."""

    real: Tuple[str, ...] = ()
    linked: bool = False


def _walk(folder: str, depth: int, followed: Set[str], above: _Above) -> Iterator[Tuple[str, List[str]]]:
    """For the directory and all directories below it: (directory, names of its subdirectories).

    Skips hidden directories, directories of results, the parts of a run, and links to a directory that is above.
    Below a link, other links are followed once to each directory (`followed`): all paths would be too many to search.
    """
    real = os.path.realpath(folder)
    if real in above.real:
        return
    names = _folders(folder)
    yield folder, names
    ours = os.path.lexists(os.path.join(folder, layout.CHECKPOINTS, layout.OPTIONS))
    parts = layout.PARTS if ours else (layout.FEATURES, layout.DECONV)
    for path in [os.path.join(folder, name) for name in names if depth and name not in (layout.GRAPHS, *parts)]:
        is_link = os.path.islink(path)
        if is_link and above.linked:
            if os.path.realpath(path) in followed:
                continue
            followed.add(os.path.realpath(path))
        yield from _walk(path, depth - 1, followed, _Above((*above.real, real), above.linked or is_link))


def _sheets(folder: str) -> Dict[str, Dict[str, str]]:
    sheets = {name: _results(os.path.join(folder, name)) for name in sorted(_folders(folder))}
    return {name: paths for name, paths in sheets.items() if "" in paths}


def _results(folder: str) -> Dict[str, str]:
    """{step: path} of the results for one layer; the newest have the step ""."""
    with contextlib.suppress(OSError):
        matches = [_NUMBERS.fullmatch(name) for name in os.listdir(folder)]
        paths = {match.group(1) or "": os.path.join(folder, match.group()) for match in matches if match}
        return paths if "" in paths or not paths else {**paths, "": paths[max(paths, key=int)]}
    return {}


def _describe_steps(paths: Dict[str, str]) -> Dict[str, Any]:
    """The steps of a layer as JSON. `newest` is the step of the newest results, if the name of their file says it."""
    steps = {int(step): path for step, path in paths.items() if step}
    return {
        "changed": {step: _changed(path) for step, path in paths.items()},
        "earlier": sorted(steps),
        "newest": next((step for step, path in steps.items() if path == paths[""]), None),
    }


def _newest_step(folder: str) -> Optional[int]:
    with contextlib.suppress(UserError):
        return max(layout.saved_steps(folder), default=None)
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

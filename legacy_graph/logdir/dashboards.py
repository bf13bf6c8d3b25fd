"""提示 no dashboard: which dashboards have data in a log directory, and why a dashboard is empty."""

import os
import shlex
from typing import Dict, List, Tuple

import tensorflow.compat.v1 as tf
from tabulate import tabulate
from tensorboard.backend.event_processing import reservoir

from legacy_graph.errors import explain, launch_command
from legacy_graph.logdir import event_reader, layout, locate
from legacy_graph.logdir.event_reader import AUDIO, DISTRIBUTIONS, GRAPHS, HISTOGRAMS, IMAGES, PROJECTOR, SCALARS, Run

# How many steps of a tag TensorBoard keeps: the last, and others by chance. (name in --samples_per_plugin, number)
KEPT = {
    SCALARS: ("scalars", 1000),
    IMAGES: ("images", 10),
    AUDIO: ("audio", 10),
    DISTRIBUTIONS: ("histograms", 500),
    HISTOGRAMS: ("histograms", 500),
}
# The call that writes data for each dashboard, in the article's order.
NEEDS = {
    SCALARS: "tf.summary.scalar",
    IMAGES: "tf.summary.image",
    AUDIO: "tf.summary.audio",
    GRAPHS: "tf.summary.FileWriter(logdir, graph)",
    DISTRIBUTIONS: "tf.summary.histogram (tf.summary.distribution never existed)",
    HISTOGRAMS: "tf.summary.histogram",
    PROJECTOR: "projector.visualize_embeddings (train calls it at its end)",
}
HEADERS = ("dashboard", "run", "tags", "steps", "first", "last", "file size")
ALIGNMENT = ("left", "left", *["right"] * 5)
DECONVNET = "DECONVNET"
LISTED = 5  # dropped steps that a line names


def report(logdir: str, results: Dict[str, event_reader.DashboardData], no_results: str = "") -> Tuple[str, bool]:
    """Report on an existing log directory.

    Args:
        logdir: to report on.
        results: {run: its layers and the size of its files} for DECONVNET, which is no dashboard of TensorBoard.
        no_results: how to fill DECONVNET, if it has no results.

    Returns:
        The report: a table of dashboards and runs, reasons for empty dashboards with a fix, other problems. Also
        whether all seven dashboards of TensorBoard have data.

    Raises:
        UserError: a file in the directory cannot be opened.
    """
    with explain(logdir, "readable event files", kinds=(OSError, tf.errors.OpError)):
        runs, problems = event_reader.read_runs(logdir)
    empty = [dashboard for dashboard in NEEDS if not any(dashboard in run.fed for run in runs)]
    lines = [_table(runs, results), ""]
    fill = locate.train_hint(logdir) if layout.is_ours(logdir) else ""  # train would write beside a foreign log
    reasons, more = _reasons(logdir, runs, fill), f"; {fill}" if fill else ""
    for dashboard in empty:
        cause = _projector(logdir, runs, more) if dashboard == PROJECTOR else None
        cause = cause or ("see below" if reasons else f"nothing came from {NEEDS[dashboard]}{more}")
        lines.append(f"{dashboard} is empty: {cause}")
    if no_results:
        lines.append(f"{DECONVNET} is empty: {no_results}")
    lines += reasons + problems + _notes(logdir, runs)
    lines.append(f"{len(NEEDS) - len(empty)} of the {len(NEEDS)} dashboards of TensorBoard have data.")
    return "\n".join(lines), not empty


def _table(runs: List[Run], results: Dict[str, event_reader.DashboardData]) -> str:
    fed = {dashboard: {run.name: run.fed[dashboard] for run in runs if dashboard in run.fed} for dashboard in NEEDS}
    fed[DECONVNET] = results
    rows = []
    for dashboard, by_run in fed.items():
        rows += [_row(dashboard, name, data) for name, data in by_run.items()] or [(dashboard, *["-"] * 6)]
    return tabulate(rows, HEADERS, tablefmt="plain", colalign=ALIGNMENT, disable_numparse=True)


def _row(dashboard: str, name: str, data: event_reader.DashboardData) -> Tuple:
    first, last = (min(data.steps), max(data.steps)) if data.steps else ("-", "-")
    return dashboard, name, len(data.tags), len(data.steps) or "-", first, last, f"{data.size / 1e6:.2f} MB"


def _projector(logdir, runs, more):
    """Why PROJECTOR is empty although projector files exist, and `more`, how to fill it; None without such files."""
    for run in runs:
        if run.problem:
            return f"in {run.name}, {run.problem}{more}"
    for name in event_reader.orphan_projectors(logdir):
        return f"{name} has a configuration but no event file, so TensorBoard ignores it; open a FileWriter in it"
    return None


def _reasons(logdir, runs: List[Run], fill: str):
    """Problems that can leave a dashboard empty: no event file, damaged or empty files, the wrong directory."""
    if not runs:
        return [locate.no_event_file(logdir)]
    lines = []
    for run in runs:
        for file in run.files:
            path = os.path.normpath(os.path.join(run.name, file.name))
            if file.bytes_read < file.size:
                lines.append(
                    f"{path} is truncated or damaged: {file.records:,} records are readable, {file.bytes_read:,} of "
                    f"{file.size:,} bytes; TensorBoard shows these"
                    + (f". If no run is writing it, {fill}" if fill else "")
                )
            elif not file.records and len(run.files) == 1 and not run.fed and not run.problem:
                lines.append(
                    f"{path} has no record yet: its run has just begun, or has not flushed the file. A FileWriter "
                    "flushes every two minutes and when it is closed; wait, or close the FileWriter"
                )
    above, name = os.path.split(os.path.abspath(logdir))
    beside = {os.path.basename(folder) for folder in locate.event_file_dirs(above)} - {name, os.path.basename(above)}
    if [run.name for run in runs] == ["."] and beside:
        others = ", ".join(sorted(beside))
        lines.append(f"This is a single run, beside {others}: the log directory is one level up, {shlex.quote(above)}")
    return lines


def _not_shown(run):
    """A line on points that TensorBoard does not show: they are too many, or replaced by a run that went back."""
    counts = {name: max(map(len, run.fed[name].tags.values())) for name in KEPT if name in run.fed}
    most = {dashboard: count for dashboard, count in counts.items() if count > KEPT[dashboard][1]}
    if most:
        shown = ", ".join(f"{KEPT[dashboard][1]} of {count} in {dashboard}" for dashboard, count in most.items())
        numbers = {KEPT[dashboard][0]: count for dashboard, count in most.items()}
        flags = ",".join(f"{plugin}={count}" for plugin, count in numbers.items())
        yield (
            f"{run.name} has more steps than TensorBoard keeps: {shown}, chosen at random, and always the last step; "
            f"--samples_per_plugin {flags} keeps all"
        )
    if IMAGES in most and not run.fed[IMAGES].replaced:
        yield f"{run.name}: {_dropped(max(run.fed[IMAGES].tags.values(), key=len), KEPT[IMAGES][1])}"
    replaced = sum(data.replaced for dashboard, data in run.fed.items() if dashboard in KEPT)
    if replaced and not any(file.continues for file in run.files):
        yield (
            f"{run.name} goes back to earlier steps: TensorBoard does not show the {replaced:,} points that are "
            "replaced; --load_fast=false shows them too"
        )


def _dropped(steps: List[int], limit: int) -> str:
    """Which of the steps of an image, more than `limit` of them, TensorBoard drops with each of its loaders."""
    python = reservoir.Reservoir(limit, seed=0)
    for step in steps:
        python.AddItem("", step)
    dropped = sorted(set(steps) - set(python.Items("")))
    listed = ", ".join(map(str, dropped[:LISTED])) + (f" and {len(dropped) - LISTED} more" * (len(dropped) > LISTED))
    return (
        f"of the images, TensorBoard first drops step {steps[0]} with its default loader, and step {listed} with "
        f"--load_fast=false; {launch_command()} tensorboard keeps all"
    )


def _notes(logdir, runs):
    """Notes on runs that TensorBoard shows differently than expected."""
    lines = []
    for run in runs:
        files = [file for file in run.files if file.records]  # event files of the projector have no records
        if len(files) > 1 and not all(file.continues for file in files[1:]):
            lines.append(
                f"{run.name} has {len(run.files)} event files in one run: their curves overlap, and while several "
                "programs write, TensorBoard reads only one of the files; give each run its own directory"
            )
        lines += [f"In {run.name}, {note}: TensorBoard shows wrong labels, or none" for note in run.notes]
        lines += _not_shown(run)
        if GRAPHS in run.fed and not run.traced:
            lines.append(f"{run.name} has a graph but no traced session run, so no compute time: RunOptions.FULL_TRACE")
    first = {run.name.split(os.sep)[0] for run in runs}
    if len(first) == 1 and all(os.sep in run.name for run in runs):
        below = os.path.join(os.path.abspath(logdir), *first)
        lines.append(f"All runs lie one level down: name {shlex.quote(below)} to get shorter run names")
    return lines

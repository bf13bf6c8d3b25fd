"""The cost of whole commands: time, memory, files."""

import json
import os
import re
import subprocess
import sys
import time

from legacy_graph.config import Config
from tests.benchmarks import tables
from tests.support.program import ROOT

TRAIN, FEATURES = "bash run.sh train", "bash run.sh features"


def whole_commands(settings, steps: int, record) -> str:
    """The default run with `steps` steps, and `features` of its log. Returns the log directory."""
    logdir = os.path.join(settings.folder, "full")
    name = TRAIN if steps == Config().steps else f"{TRAIN} --steps {steps}"
    found = {name: run(settings, logdir, "train", "--steps", str(steps))}
    try:
        found[FEATURES] = run(settings, logdir, "features")
        del found[FEATURES]["events"], found[FEATURES]["log"]  # these are sizes of the training run
    finally:
        record("commands", tables.commands(found))
    return logdir


def run(settings, logdir, command, *words):
    """Run a command in a child process: seconds, seconds in fsync, accuracy, peak memory and file sizes in bytes."""
    figures = os.path.join(settings.folder, "figures.json")
    options = ["--data-dir", settings.data_dir, "--logdir", logdir, *words]
    child = [sys.executable, "-m", "tests.benchmarks.timed_run", figures, command, *options]
    began = time.perf_counter()
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "encoding": "utf-8"}
    # In its own session, so that Ctrl-C reaches only the benchmark, which then ends the child.
    process = subprocess.Popen(child, env=dict(os.environ, PYTHONPATH=ROOT), start_new_session=True, **streams)
    try:
        printed = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
    except BaseException:
        process.kill()
        raise
    if status:
        sys.exit(f"benchmark: a command failed; to see why, run: python -m legacy_graph {command} {' '.join(options)}")
    accuracy = re.search(r"Accuracy on all [\d,]+ test digits: ([\d.]+)", printed)
    with open(figures, encoding="utf-8") as file:
        found = json.load(file)
    return dict(
        found,
        seconds=time.perf_counter() - began,
        accuracy=accuracy[1] if accuracy else "",
        memory=_bytes(used.ru_maxrss),
        events=_size(os.path.join(logdir, "train")) + _size(os.path.join(logdir, "test")),
        log=_size(logdir),
    )


def _bytes(maxrss):
    return maxrss * (1 if sys.platform == "darwin" else 1024)


def _size(folder):
    return sum(os.path.getsize(os.path.join(place, name)) for place, _, names in os.walk(folder) for name in names)

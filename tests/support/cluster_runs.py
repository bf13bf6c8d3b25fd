"""Start clusters on this machine, and find, kill and stop their tasks."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.support.faulty_runs import wait_until
from tests.support.program import ROOT, legacy_graph


def cluster_words(workers, ps, *words):
    """The words of a command line that runs `words` on a cluster, or without a cluster if `workers` is 0."""
    return ["cluster", "--workers", str(workers), *(["--ps"] if ps else []), "--", *words] if workers else list(words)


def cluster(workers, ps, *words, **options):
    """Run `words` on a cluster; returns the finished process with its text output."""
    return legacy_graph(*cluster_words(workers, ps, *words), **options)


class Launcher:
    """A running `cluster` command, with its standard error in a file."""

    def __init__(self, process, file):
        self.process, self._file = process, file

    def errors(self):
        with open(self._file, encoding="utf-8") as file:
            return file.read()

    def wait_for(self, text):
        """Wait until standard error has `text`."""
        wait_until(lambda: text in self.errors() or self.process.poll() is not None, 120)
        assert text in self.errors(), self.errors()


@contextlib.contextmanager
def running(workers, ps, *words):
    """A `Launcher`, killed at the end if it still runs."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "errors")
        command = [sys.executable, "-m", "legacy_graph", *cluster_words(workers, ps, *words)]
        with open(path, "w", encoding="utf-8") as file:
            process = subprocess.Popen(
                command, env=dict(os.environ, PYTHONPATH=ROOT), stdout=subprocess.DEVNULL, stderr=file
            )
        try:
            yield Launcher(process, path)
        finally:
            process.kill()
            process.wait()


def tasks(logdir):
    """{"worker 0": process number}: the running tasks with this log directory on their command line."""
    found = {}
    for number in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError, KeyError):
            words = _read(number, "cmdline")
            environment = dict(one.split("=", 1) for one in _read(number, "environ") if "=" in one)
            if logdir in words and "cluster" not in words:
                task = json.loads(environment["TF_CONFIG"])["task"]
                found["{type} {index}".format(**task)] = int(number)
    return found


def kill(logdir, task, number=signal.SIGKILL):
    """Send a signal to a task."""
    os.kill(tasks(logdir)[task], number)


def wait_for_no_task(logdir, seconds=10):
    """Wait until no task remains."""
    end = time.monotonic() + seconds
    while tasks(logdir):
        assert time.monotonic() < end, tasks(logdir)
        time.sleep(0.05)


def losses(logdir):
    """{step: loss} of the training batches."""
    events = EventAccumulator(os.path.join(logdir, "train"), {"scalars": 0}).Reload()
    return {event.step: event.value for event in events.Scalars("loss")}


def difference(logdir, other, steps=10**9):
    """The largest relative difference between the losses of two runs, up to a step."""
    ours, theirs = losses(logdir), losses(other)
    assert sorted(ours) == sorted(theirs)
    return max(abs(ours[step] / theirs[step] - 1) for step in ours if step <= steps)


def _read(number, name):
    with open(f"/proc/{number}/{name}", "rb") as file:
        return file.read().decode("utf-8", "replace").split("\0")

"""Each measured program has its own process, threads and settings, and runs only when it is called."""

import contextlib
import importlib
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from typing import Any, NamedTuple

from legacy_graph import tf_setup
from legacy_graph.data import mnist

FOREVER = 10**6  # steps, so that no run ends during the measurement


class Settings(NamedTuple):
    """The arguments of every measured program."""

    data_dir: str
    folder: str  # for event files
    steps: int  # of the complete run; larger than the number of measured steps


@contextlib.contextmanager
def temporary_settings(data_dir):
    """A temporary folder for all workers, and the data, which are downloaded here once for all of them."""
    data_dir = mnist.SAMPLE_DIR if mnist.load(data_dir).sample else os.path.abspath(data_dir)
    place = tempfile.mkdtemp(prefix="legacy_graph-bench-")
    try:
        yield Settings(data_dir, place, FOREVER)
    finally:
        shutil.rmtree(place)


class Measured(NamedTuple):
    seconds: float
    cpu_seconds: float  # sum over all threads
    value: Any  # return value of the program
    peak: float  # peak memory in bytes


class Unavailable(Exception):
    """A program cannot run on this machine; the message says why."""


class Worker:
    """A process that calls the function that `module:prepare` returned.

    Raises:
        Unavailable: `prepare` raised it.
    """

    def __init__(self, target: str, settings: Settings) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, target, settings), daemon=True)
        self._process.start()
        other.close()
        self._answer()

    def __call__(self, amount: int) -> Measured:
        self._connection.send(amount)
        return self._answer()

    def close(self) -> None:
        self._connection.close()
        self._process.join()

    def _answer(self):
        try:
            answer = self._connection.recv()
        except EOFError:
            sys.exit("benchmark: a worker process ended; see its output above")
        if isinstance(answer, Unavailable):
            raise answer
        return answer


def _serve(connection, target, settings):
    sys.stdout = sys.stderr  # standard output is for the tables only
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # after Ctrl-C the main process ends its workers
    module, _, prepare = target.partition(":")
    try:
        with tf_setup.filter_stderr():
            work = getattr(importlib.import_module("tests.benchmarks." + module), prepare)(settings)
    except Unavailable as reason:
        connection.send(reason)
        return
    connection.send("ready")
    while True:
        try:
            amount = connection.recv()
        except EOFError:
            return
        began, burnt = time.perf_counter(), time.process_time()
        value = work(amount)
        seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - burnt
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        connection.send(Measured(seconds, cpu_seconds, value, peak))

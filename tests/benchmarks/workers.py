"""Each way to train lives in a process of its own, with its own threads and settings, and works only when told to."""

import importlib
import multiprocessing
import resource
import sys
import time
from typing import Any, NamedTuple

from legacy_graph import tf_setup


class Settings(NamedTuple):
    """What every way is given."""

    data_dir: str
    folder: str  # to write event files in
    steps: int  # of the whole run, so that nobody thinks it is over


class Measured(NamedTuple):
    seconds: float
    cpu_seconds: float  # of all threads together
    value: Any  # what the way itself returned
    peak: float  # bytes of memory, the most so far


class Worker:
    """A process that holds the function which `module:prepare` returned, and calls it on demand."""

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
            return self._connection.recv()
        except EOFError:
            sys.exit("benchmark: a worker died; what it said stands above")


def _serve(connection, target, settings):
    sys.stdout = sys.stderr  # the table alone goes to the terminal's standard output
    module, _, prepare = target.partition(":")
    with tf_setup.filter_stderr():
        work = getattr(importlib.import_module("tests.benchmarks." + module), prepare)(settings)
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

"""`features --steps all` compared with as many calls of `features`.

    python -m tests.benchmarks.steps [LOGDIR] [--data-dir DIR]

LOGDIR has a run of `bash run.sh train`; it is copied, not changed. Writes the table into the page beside this file.
"""

import argparse
import contextlib
import io
import os
import shutil
import sys
import time

from legacy_graph import tf_setup
from legacy_graph.__main__ import main as legacy_graph
from legacy_graph.logdir import kept_kernels
from tests.benchmarks import report, tables
from tests.benchmarks.workers import Worker

ROUNDS = 3


def main() -> int:
    """Measure, write the page, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("logdir", nargs="?", default="log", metavar="LOGDIR", help="of a run; default: log")
    parser.add_argument("--data-dir", default="MNIST_data", metavar="DIR", help="directory of the four IDX files")
    options = parser.parse_args()

    def measure_copy(settings, record):
        logdir = shutil.copytree(options.logdir, os.path.join(settings.folder, "run"))
        measure(settings, logdir, ROUNDS, record)

    report.measure_alone(options.data_dir, measure_copy)
    return 0


def measure(settings, logdir: str, rounds: int, record) -> None:
    """Run both commands in turns in one process, so that neither includes the start of TensorFlow."""
    worker = Worker("steps:both", settings._replace(folder=logdir))
    found = [worker(0).value for _ in range(rounds)]
    worker.close()
    record("steps", tables.steps(len(kept_kernels.kept_steps(logdir)), found))


def both(settings):
    """A function that runs both commands: for each its seconds, and its processor seconds."""
    tf_setup.import_tensorflow()
    words = ["features", "--logdir", settings.folder, "--data-dir", settings.data_dir]

    def run(*more):
        began, burnt = time.perf_counter(), time.process_time()
        with contextlib.redirect_stdout(io.StringIO()):
            if legacy_graph([*words, *more]):
                sys.exit("benchmark: features failed; see above")
        return time.perf_counter() - began, time.process_time() - burnt

    run()
    return lambda _: (run(), run("--steps", "all"))


if __name__ == "__main__":
    sys.exit(main())

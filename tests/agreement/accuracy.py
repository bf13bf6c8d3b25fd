"""Train on both TensorFlows, and write the accuracies into tests/README.md.

    .venv/bin/python -m tests.agreement.accuracy

Needs both environments. Downloads MNIST into ./MNIST_data if the folder is missing. Takes about half an hour on two
cores, because one run has 20,000 steps.
"""

import os
import re
import tempfile

from tests.benchmarks import machine
from tests.support import page_tables
from tests.support.agreement_table import PAGE
from tests.support.both_tensorflows import drive, version
from tests.support.program import SAMPLE

DATA_DIR = os.path.abspath("MNIST_data")
# (TensorFlow, prefix of the command, options, directory of the data)
RUNS = [
    ("2", "", [], DATA_DIR),
    ("1", "PYTHON=python3.7 ", [], DATA_DIR),
    ("2", "", ["--steps", "20000", "--keep-prob", "0.5"], DATA_DIR),
    ("2", "", ["--data-dir", "legacy_graph/data/sample"], SAMPLE),
]
COMMANDS = [" ".join([prefix + "bash run.sh train", *words]) for _, prefix, words, _ in RUNS]
HEADING = ("TensorFlow", "command", "test digits", "accuracy")


def measure():
    """The rows of the table: the result of each of `RUNS`."""
    for (major, _, words, data_dir), command in zip(RUNS, COMMANDS):
        with tempfile.TemporaryDirectory() as folder:
            logdir = os.path.join(folder, "log")
            printed = drive(major, "legacy_graph", "train", *words, "--data-dir", data_dir, "--logdir", logdir)
        digits, accuracy = re.search(r"Accuracy on all ([\d,]+) test digits: ([\d.]+)", printed).groups()
        print(version(major), command, digits, accuracy, flush=True)
        yield version(major), f"`{command}`", digits, accuracy


def write(rows):
    """Write the table into the page."""
    text = f"{page_tables.Table(HEADING, rows)}\n\n{machine.conditions()}."
    page_tables.write(PAGE, "accuracy", {"accuracy": text})


if __name__ == "__main__":
    write(list(measure()))

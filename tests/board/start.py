"""The processor time until TensorBoard's first answer: .venv/bin/python -m tests.board.start LOGDIR

Starts both commands in turns on TensorFlow 1.15 and 2.21; needs both environments. Writes the table into
legacy_graph/board/README.md.
"""

import os
import re
import statistics
import subprocess
import sys
import urllib.request

from tests.benchmarks import machine
from tests.support import page_tables
from tests.support.both_tensorflows import MAJORS, python_with, version
from tests.support.program import ROOT

PAGE = os.path.join(ROOT, "legacy_graph", "board", "README.md")
ROUNDS = 5
COMMANDS = {
    "`bash run.sh tensorboard`": ["legacy_graph", "tensorboard"],
    "`python -m tensorboard.main`": ["tensorboard.main"],
}


def measure(python, module, logdir):
    """Seconds of processor time of the process until the page of TensorBoard is answered."""
    command = [python, "-m", *module, "--logdir", logdir, "--host", "localhost", "--port", "0"]
    process = subprocess.Popen(
        command, env=dict(os.environ, PYTHONPATH=ROOT), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        with process.stdout as lines:
            address = next(filter(None, (re.search(r"http://localhost:\d+/", line) for line in lines)), None)
            assert address, "TensorBoard ended before it printed its address"
            with urllib.request.urlopen(address.group(), timeout=60) as answer:
                assert b"TensorBoard" in answer.read()
    finally:
        process.kill()
        _, process.returncode, used = os.wait4(process.pid, 0)
    return used.ru_utime + used.ru_stime


def table(versions, found):
    """The table from the names of the TensorFlows and {(major, command): seconds of each start}."""
    heading = ("command", *[f"TensorFlow {one}" for one in versions])
    rows = [(name, *[f"{statistics.median(found[major, name]):.1f} s" for major in MAJORS]) for name in COMMANDS]
    return str(page_tables.Table(heading, rows))


def main(logdir):
    found = {(major, name): [] for major in MAJORS for name in COMMANDS}
    for turn in range(1 + ROUNDS):
        for major, name in found:
            seconds = measure(python_with(major), COMMANDS[name], logdir)
            print(major, name, f"{seconds:.2f}", sep=", ", flush=True)
            if turn > 0:  # the first start may read from the disk
                found[major, name].append(seconds)
    text = f"{table(map(version, MAJORS), found)}\n\n{machine.conditions()}."
    page_tables.write(PAGE, "start", {"start": text})


if __name__ == "__main__":
    main(*sys.argv[1:])

"""bash run.sh bench: measure speed on this machine, print the tables, and write them into the page beside this file.

    bash run.sh bench [--quick] [--page FILE] [--data-dir DIR]

--quick measures with few rounds and does not change the page; --page names another page; --data-dir names the directory
of the four IDX files. Ctrl-C stops the measurement; the page then says which tables are missing.
"""

import argparse
import sys
import time
from typing import NamedTuple

from tests.benchmarks import commands, deconvolution, machine, occlusion, report, scan, steps, training
from tests.benchmarks.ways import BATCH
from tests.benchmarks.workers import temporary_settings

INTERRUPTED = 130  # exit status


class Effort(NamedTuple):
    """How much to measure."""

    rounds: int
    shorten: int  # divisor of the steps in each turn of the training programs
    dashboard_rounds: int
    seconds: float  # in each round of the deconvolution and the occlusion, for each program and number of images
    scanned: int  # images
    steps: int  # of the complete run


COMPLETE = Effort(5, 1, 40, 0.3, 10000, 2000)
QUICK = Effort(1, 10, 2, 0.05, 1000, 20)


def main() -> int:
    """Measure one table after the other. Returns the exit status: 1 if our occlusion and captum's differ."""
    parser = argparse.ArgumentParser(prog="run.sh bench", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="measure with few rounds; the page is not changed")
    parser.add_argument("--page", metavar="FILE", help="the page to write (default: the one beside this file)")
    parser.add_argument("--data-dir", default="MNIST_data", metavar="DIR", help="directory of the four IDX files")
    options = parser.parse_args()
    page = options.page or (None if options.quick else report.PAGE)
    began, measured = time.monotonic(), {}

    def say(line):
        print(f"bench: {time.monotonic() - began:4.0f} s  {line}", file=sys.stderr, flush=True)

    def record(name, text):
        measured[name] = text
        print(f"\n{text}", flush=True)

    complete = False
    try:
        record("machine", machine.describe(BATCH))
        with temporary_settings(options.data_dir) as settings:
            equal = _measure(settings, QUICK if options.quick else COMPLETE, say, record)
        complete = True
    except KeyboardInterrupt:
        say("stopped")
    finally:
        state = "Complete" if complete else "**Incomplete: stopped**"
        record("machine", f"{measured['machine']} {state} after {time.monotonic() - began:.0f} s.")
        if page is not None:
            report.write(page, measured)
            say(f"written: {page}")
    return INTERRUPTED if not complete else 0 if equal else 1


def _measure(settings, effort, say, record) -> bool:
    """Returns whether our occlusion and captum's are equal."""
    training.measure(settings, effort.rounds, effort.shorten, say, record)
    say("the dashboards one by one")
    training.dashboards(settings, effort.dashboard_rounds, record)
    say("the deconvolution, ours and captum's")
    deconvolution.measure(settings, effort.rounds, effort.seconds, record)
    say("the scan of features")
    scan.measure(settings, effort.rounds, effort.scanned, record)
    say("the occlusion, ours and captum's")
    equal = occlusion.measure(settings, effort.rounds, effort.seconds, record)
    say("whole commands")
    logdir = commands.whole_commands(settings, effort.steps, record)
    say("features of all steps")
    steps.measure(settings, logdir, min(effort.rounds, steps.ROUNDS), record)
    return equal


if __name__ == "__main__":
    sys.exit(main())

"""Format the measured figures as tables and sentences for legacy_graph/cluster/README.md."""

import os
import signal

import tensorflow.compat.v1 as tf

from tests.benchmarks.machine import describe_processor
from tests.support import page_tables
from tests.support.page_tables import Table
from tests.support.program import ROOT

PAGE = os.path.join(ROOT, "legacy_graph", "cluster", "README.md")
# The page has a region for each TensorFlow, because a command runs on one TensorFlow only.
REGION = "tensorflow_" + tf.__version__.split(".")[0]
P = 13.1e6  # bytes of all parameters
RATES = {"10 Gbit/s": 10e9, "1 Gbit/s": 1e9}  # bit/s
PREDICTED = [(batch, rate) for batch in (50, 1000, 10000) for rate in RATES]


def add_page_option(parser):
    parser.add_argument("--page", default=PAGE, metavar="FILE", help="the page to write")


def record(page, command, measured):
    """Print all tables and write them into the page."""
    print("\n\n".join(measured.values()), flush=True)
    page_tables.write(page, command, measured)


def machine():
    return f"TensorFlow {tf.__version__}, {os.cpu_count()} cores of {describe_processor()}"


def equality(until, found):
    """`found`: (dropout, cluster, {steps: largest relative difference}) for each cluster."""
    rows = [(dropout, cluster, *[f"{values[step]:.1e}" for step in until]) for dropout, cluster, values in found]
    return f"{machine()}:\n\n{Table(('dropout', 'workers', *[f'{step} steps' for step in until]), rows)}"


def faults(timeout, line, found):
    """`found`: {(task, signal): seconds of each round}; `line`: an example of what the chief prints."""
    heading = ("task", "signal", "rounds", "exit status of the chief", "seconds until the chief ends, at most")
    rows = []
    for (name, sent), seconds in found.items():
        number = signal.Signals(sent).name
        if name == "chief 0":
            rows.append((name, number if sent == signal.SIGKILL else f"{number}, then SIGKILL", str(len(seconds)),
                         "that of SIGKILL", ""))  # fmt: skip
        else:
            rows.append((name, number, str(len(seconds)), "75", f"{max(seconds):.1f}"))
    same = "After the last round, all events and weights were bit-identical to those of a cluster that got no signal."
    return f"{machine()}, `--task-timeout {timeout}`:\n\n{Table(heading, rows)}\n\n{same} The last line:\n`{line}`"


def traffic(clusters, links, batches, steps, sent):
    """`steps`: seconds a step by (cluster, link, batch); `sent`: bytes a step by (cluster, batch)."""
    rows = []
    for name in clusters:
        for batch in batches:
            times = [f"{1e3 * steps[name, link, batch]:.0f}" for link in links]
            rows.append((name, f"{batch:,}", f"{sent[name, batch] / 1e6:.1f}", *times))
    heading = ("", "batch", "MB a step", *[f"ms a step, {link}" for link in links])
    return f"{machine()}, which all hosts share:\n\n{Table(heading, rows)}"


def predictions(fixed, digit):
    """For N machines: a step takes fixed + digit * batch / N + 16 (N - 1) P / rate seconds."""
    rows = []
    for machines in (1, 2, 4, 8, 16):
        cells = []
        for batch, rate in PREDICTED:
            seconds = fixed + digit * batch / machines + _transfer(machines, rate)
            cells.append(f"{1 / seconds:.2f} steps/s, {batch / seconds:,.0f} images/s")
        for rate in RATES:
            least = _transfer(machines, rate) / (digit * (1 - 1 / machines)) if machines > 1 else 1
            cells.append(f"{least:,.0f}")
        rows.append((str(machines), *cells))
    cases, pays = [f"batch {batch:,}, {rate}" for batch, rate in PREDICTED], [f"pays from batch, {r}" for r in RATES]
    said = f"Measured on one machine, a is {1e3 * fixed:.1f} ms and b {1e3 * digit:.3f} ms."
    return f"{said}\n\n{Table(('machines', *cases, *pays), rows)}"


def _transfer(machines, rate):
    """Seconds in which the chief sends the parameters to all other workers and receives their gradients."""
    return 2 * (machines - 1) * P * 8 / RATES[rate]

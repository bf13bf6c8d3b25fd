"""How much the kernels change, and how many activations are zero, seed by seed: python -m tests.browser.learned RUNS

RUNS is a directory of runs of several seeds, such as of these commands:

    for seed in 0 1 2 3 4 5 6 7 8 9; do bash run.sh train --seed $seed --logdir RUNS/$seed; done

Draws tests/screenshots/learned.png from their events, and writes a table into tests/screenshots/README.md.
"""

import os
import sys

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.benchmarks import machine
from tests.browser.diagrams import Panel, Picture
from tests.browser.side_by_side import FOLDER
from tests.support import page_tables

PAGE = os.path.join(FOLDER, "README.md")
HEADING = ("curve", "at the first step", "at the last step", "smallest to largest, at the last step")
# Tag -> (run, line, band).
LEARNED = {
    "learned/conv1": ("test", "#1a56a8", "#c5d9f1"),
    "learned/conv2": ("test", "#b3471d", "#f3d3c3"),
}
SPARSITY = {
    "conv1/sparsity": ("train", "#1a56a8", "#c5d9f1"),
    "conv2/sparsity": ("train", "#b3471d", "#f3d3c3"),
    "fc1/sparsity": ("train", "#2c7a3f", "#cfe8d4"),
}
PANELS = [
    ("rank correlation of the kernels with step 0", [0.99, 0.992, 0.994, 0.996, 0.998, 1], LEARNED),
    ("fraction of zeros after the ReLU", [0, 0.2, 0.4, 0.6, 0.8, 1], SPARSITY),
]


def main(folder):
    runs = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    curves = read(runs)
    path = os.path.join(FOLDER, "learned.png")
    text = f"{table(curves)}\n\n{len(runs)} seeds. {machine.conditions()}."
    page_tables.write(PAGE, "screenshots", {"learned": text})
    draw(curves).save(path)
    print(PAGE, path, sep="\n")


def read(runs):
    """{tag: (steps, [runs, steps])} of the curves."""
    curves = {}
    for part in ("train", "test"):
        events = [EventAccumulator(os.path.join(run, part), {"scalars": 0}).Reload() for run in runs]
        for tag in [tag for curve in (LEARNED, SPARSITY) for tag in curve if curve[tag][0] == part]:
            scalars = [run.Scalars(tag) for run in events]
            values = np.array([[event.value for event in run] for run in scalars])
            curves[tag] = [event.step for event in scalars[0]], values
    return curves


def table(curves):
    """The table of the first and the last values."""
    rows = []
    for tag, (_, values) in curves.items():
        first, last = values[:, 0], values[:, -1]
        ends = f"{last.min():.4f} to {last.max():.4f}"
        rows.append((f"`{tag}`", f"{np.median(first):.4f}", f"{np.median(last):.4f}", ends))
    return page_tables.Table(HEADING, rows)


def draw(curves):
    """For each tag the median of the runs, and the range over them as a band."""
    picture = Picture()
    for number, (title, ticks, shown) in enumerate(PANELS):
        panel = Panel(picture, number, title, ticks, curves[next(iter(shown))][0], unit="steps")
        for tag, (_, line, band) in shown.items():
            steps, values = curves[tag]
            panel.band(steps, values.min(axis=0), values.max(axis=0), band)
            panel.line(steps, np.median(values, axis=0), line)
        picture.legend({tag: line for tag, (_, line, _) in shown.items()}, number)
    return picture


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The 2018 program's test figures over our test curves: python -m tests.browser.curves

Draws tests/screenshots/curves.png from tests/screenshots/seeds.json, which seeds.py measures.
"""

import json
import os

import numpy as np

from tests.browser.diagrams import LINE, Panel, Picture
from tests.support.program import ROOT

MEASURED, PICTURE = [os.path.join(ROOT, "tests", "screenshots", name) for name in ("seeds.json", "curves.png")]
# From the event log of one run of the program. It tested 50 digits at steps 0, 500, 1,000 and 1,500, AFTER the step's
# update.
PROGRAM_UPDATES = [1, 501, 1001, 1501]
PROGRAM = {"loss": [172.65, 8.69, 5.96, 5.78], "accuracy": [0.12, 0.96, 0.96, 0.98]}
TICKS = {"loss": [1, 3, 10, 30, 100, 300, 600], "accuracy": [0, 0.2, 0.4, 0.6, 0.8, 0.9, 1]}
TITLES = {"loss": "loss, summed over 50 test digits, logarithmic", "accuracy": "accuracy on test digits"}
GROUPS_BAND, SEEDS_BAND, POINT = "#dbe7f6", "#9dbfe8", "#d1341f"


def draw_test(panel, what, updates, groups):
    """The bands, our curve and the program's points. groups: [seeds, updates, groups]."""
    single = np.percentile(groups.transpose(1, 0, 2).reshape(len(updates), -1), [5, 95], axis=1)
    means = groups.mean(axis=2)
    panel.band(updates, *single, GROUPS_BAND)
    panel.band(updates, means.min(axis=0), means.max(axis=0), SEEDS_BAND)
    panel.line(updates, np.median(means, axis=0))
    for x, y in panel.points(PROGRAM_UPDATES, PROGRAM[what]):
        panel.point(x, y, POINT)


def draw(measured):
    picture, updates = Picture(), measured["updates"]
    for number, what in enumerate(PROGRAM):
        groups = np.array([seed[what] for seed in measured["seeds"]])
        panel = Panel(picture, number, TITLES[what], TICKS[what], updates, logarithmic=what == "loss")
        draw_test(panel, what, updates, groups)
    legend = {
        "the 2018 program, one run, 50 digits": POINT,
        f"ours, median of {len(measured['seeds'])} seeds, 1,000 digits": LINE,
        "ours, range over the seeds": SEEDS_BAND,
        "ours, 50 digits: 5 % to 95 % of all groups": GROUPS_BAND,
    }
    picture.legend(legend, width=340)
    return picture


def main():
    with open(MEASURED) as file:
        measured = json.load(file)
    draw(measured).save(PICTURE)
    print(PICTURE)


if __name__ == "__main__":
    main()

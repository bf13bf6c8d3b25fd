"""The 2018 program's test figures over our test curves: python -m tests.browser.curves

Draws tests/screenshots/curves.png from tests/screenshots/seeds.json, which seeds.py measures.
"""

import json
import os

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tests.support.program import ROOT

MEASURED, PICTURE = [os.path.join(ROOT, "tests", "screenshots", name) for name in ("seeds.json", "curves.png")]
# From the event log of one run of the program. It tested 50 digits at steps 0, 500, 1,000 and 1,500, AFTER the step's
# update.
PROGRAM_UPDATES = [1, 501, 1001, 1501]
PROGRAM = {"loss": [172.65, 8.69, 5.96, 5.78], "accuracy": [0.12, 0.96, 0.96, 0.98]}
TICKS = {"loss": [1, 3, 10, 30, 100, 300, 600], "accuracy": [0, 0.2, 0.4, 0.6, 0.8, 0.9, 1]}
TITLES = {"loss": "loss, summed over 50 test digits, logarithmic", "accuracy": "accuracy on test digits"}
SCALE = 2  # drawn larger, then reduced, so that lines are smooth
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BELOW = 640, 330, 60, 40, 20, 40  # pixels of a panel and of its margins
INK, GRID, GROUPS_BAND, SEEDS_BAND, LINE, POINT = "#202124", "#e4e4e4", "#dbe7f6", "#9dbfe8", "#1a56a8", "#d1341f"


class Panel:
    """One diagram: values against updates."""

    def __init__(self, pen, title, ticks, left, updates, logarithmic=False, unit="updates", every=500):
        self.pen, self.left, self.last, self.logarithmic = pen, left, 1.03 * max(updates), logarithmic
        self.low, self.high = self.height(ticks[0]), self.height(ticks[-1])
        for tick in ticks:
            y = self.y(tick)
            pen.line([self.x(0), y, self.x(self.last), y], GRID, SCALE)
            pen.text((self.x(0) - 8 * SCALE, y), f"{tick:g}", INK, font(12), anchor="rm")
        for tick in range(0, max(updates) + 1, every):
            pen.text((self.x(tick), (TOP + HEIGHT + 6) * SCALE), f"{tick:,}", INK, font(12), anchor="mt")
        pen.text((self.x(self.last), (TOP + HEIGHT + 22) * SCALE), unit, INK, font(12), anchor="rt")
        pen.text((self.x(0), 12 * SCALE), title, INK, font(15))

    def height(self, value):
        return np.log10(np.maximum(value, 1e-3)) if self.logarithmic else np.asarray(value, float)

    def x(self, updates):
        return (self.left + LEFT + WIDTH * updates / self.last) * SCALE

    def y(self, value):
        part = (self.height(value) - self.low) / (self.high - self.low)
        return (TOP + HEIGHT * (1 - np.clip(part, 0, 1))) * SCALE

    def points(self, updates, values):
        return [(float(self.x(at)), float(self.y(value))) for at, value in zip(updates, values)]

    def band(self, updates, low, high, colour):
        self.pen.polygon(self.points(updates, low) + self.points(updates, high)[::-1], colour)

    def line(self, updates, values, colour=LINE):
        self.pen.line(self.points(updates, values), colour, 2 * SCALE)


def draw_test(panel, what, updates, groups):
    """The bands, our curve and the program's points. groups: [seeds, updates, groups]."""
    single = np.percentile(groups.transpose(1, 0, 2).reshape(len(updates), -1), [5, 95], axis=1)
    means = groups.mean(axis=2)
    panel.band(updates, *single, GROUPS_BAND)
    panel.band(updates, means.min(axis=0), means.max(axis=0), SEEDS_BAND)
    panel.line(updates, np.median(means, axis=0))
    for x, y in panel.points(PROGRAM_UPDATES, PROGRAM[what]):
        r = 5 * SCALE
        panel.pen.ellipse([x - r, y - r, x + r, y + r], POINT, "white", SCALE)


def font(size):
    return ImageFont.load_default(size * SCALE)


def draw(measured):
    """The whole picture, RGB."""
    panel = LEFT + WIDTH + RIGHT
    canvas = Image.new("RGB", (2 * panel * SCALE, (TOP + HEIGHT + BELOW + 46) * SCALE), "white")
    pen, count = ImageDraw.Draw(canvas), len(measured["seeds"])
    for number, what in enumerate(PROGRAM):
        groups = np.array([seed[what] for seed in measured["seeds"]])
        updates = measured["updates"]
        diagram = Panel(pen, TITLES[what], TICKS[what], number * panel, updates, logarithmic=what == "loss")
        draw_test(diagram, what, updates, groups)
    legend = [
        (POINT, "the 2018 program, one run, 50 digits"),
        (LINE, f"ours, median of {count} seeds, 1,000 digits"),
        (SEEDS_BAND, "ours, range over the seeds"),
        (GROUPS_BAND, "ours, 50 digits: 5 % to 95 % of all groups"),
    ]
    y = (TOP + HEIGHT + BELOW + 22) * SCALE
    for number, (colour, words) in enumerate(legend):
        x = (LEFT + 340 * number) * SCALE
        pen.rectangle([x, y - 6 * SCALE, x + 18 * SCALE, y + 6 * SCALE], colour)
        pen.text((x + 26 * SCALE, y), words, INK, font(14), anchor="lm")
    return canvas.resize((canvas.width // SCALE, canvas.height // SCALE), Image.LANCZOS)


def main():
    with open(MEASURED) as file:
        measured = json.load(file)
    draw(measured).quantize(256, dither=Image.Dither.NONE).save(PICTURE, optimize=True)
    print(PICTURE)


if __name__ == "__main__":
    main()

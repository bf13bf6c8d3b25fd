"""The README's first picture, from a run of 20,000 steps: python -m tests.browser.learning [LOGDIR [MAPS]]

Draws tests/screenshots/learning.png: feature maps of layer two at some training steps, and their control. It reads the
results of this command: bash run.sh features --logdir LOGDIR --layer conv2 --steps all
"""

import os
import sys

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from legacy_graph.article.receptive_field import Field, crop_patches
from legacy_graph.logdir import kept_kernels, layout
from legacy_graph.visualize import evolution
from legacy_graph.visualize.rank_correlation import rank_correlation
from tests.browser.side_by_side import FAINT, FOLDER, GAP, INK

STEPS = (0, 200, 2000, 6000, 20000)
DEFAULT_STEPS = 2000
MAPS = "28,39,56,37,44,31"
TILE, LEFT, TOP = 72, 84, 74  # pixels: a tile's side, the labels' width, the heading's height
CELL = 2 * TILE + 4 * GAP  # pixels: the width of a projection and its patch


def main(logdir, maps=MAPS):
    folder = os.path.join(logdir, layout.FEATURES, "conv2")
    arrays = {step: np.load(_results(folder, step)) for step in STEPS}
    columns = {step: evolution.read_column(found) for step, found in arrays.items()}
    path = os.path.join(FOLDER, "learning.png")
    picture = draw(columns, controls(arrays[STEPS[-1]]), [int(number) for number in maps.split(",")], footer(logdir))
    picture.save(path, optimize=True)
    print(path)


def controls(arrays):
    """The strongest spot of each map through a random kernel: float32 [M, h, w], in the order of `maps`."""
    fields = tuple(Field(*map(int, field)) for field in arrays["receptive_field"])
    return crop_patches(arrays["control"][:, 0], arrays["places"][:, 0], fields, 0)


def footer(logdir):
    """What the kernels of both layers have learned, as one line for each layer."""
    kernels = {step: kept_kernels.read(logdir, step) for step in (0, DEFAULT_STEPS, STEPS[-1])}
    lines = []
    for name, words in (("conv1", "layer one"), ("conv2", "layer two")):
        first, default, last = [kernels[step][f"{name}/weights"].ravel() for step in kernels]
        alike = f"{rank_correlation(first, default):.3f} after {DEFAULT_STEPS:,} steps"
        alike += f", {rank_correlation(first, last):.3f} after {STEPS[-1]:,}"
        lines.append(f"Rank correlation of the kernels of {words} with their random initial values: {alike}.")
    return [*lines, f"1 means unchanged: in the default {DEFAULT_STEPS:,} steps the kernels hardly change."]


def draw(columns, random, maps, lines):
    """The picture, RGB: a row for each map, a column for each step, and the control of the last step."""
    width = LEFT + len(columns) * CELL + TILE + 4 * GAP
    canvas = Image.new("RGB", (width, TOP + len(maps) * (TILE + 2 * GAP) + 20 * (len(lines) + 1) + 2 * GAP), "white")
    pen, large, small = ImageDraw.Draw(canvas), ImageFont.load_default(15), ImageFont.load_default(13)
    heading = "What feature maps of layer two respond to, while the network trains"
    pen.text((2 * GAP, GAP), heading, INK, ImageFont.load_default(18))
    remark = "left: the strongest activation over 10,000 test digits, projected to the pixels; right: its patch"
    pen.text((2 * GAP, GAP + 25), remark, FAINT, small)
    for column, (step, results) in enumerate(columns.items()):
        left = LEFT + column * CELL
        pen.text((left, TOP - 20), f"step {step:,}", INK, large)
        tiles = evolution.draw_column(results)
        for row, number in enumerate(maps):
            pair = Image.fromarray(tiles[number]).resize((2 * TILE, TILE), Image.NEAREST)
            canvas.paste(pair, (left, TOP + row * (TILE + 2 * GAP)))
    pen.text((width - TILE - 2 * GAP, TOP - 20), "random", INK, large)
    order = results.maps.tolist()
    random = evolution.draw_tiles(random, np.ones(len(random), bool))
    for row, number in enumerate(maps):
        top = TOP + row * (TILE + 2 * GAP)
        pen.text((2 * GAP, top + TILE // 2 - 10), f"map {number}", INK, large)
        tile = Image.fromarray(random[order.index(number)]).resize((TILE, TILE), Image.NEAREST)
        canvas.paste(tile, (width - TILE - 2 * GAP, top))
    control = f"random: the activation of step {step:,}, projected through a random kernel in place of the learned one."
    lines = [control, *lines]
    for row, line in enumerate(lines):
        pen.text((2 * GAP, TOP + len(maps) * (TILE + 2 * GAP) + 20 * row), line, FAINT, small)
    return canvas


def _results(folder, step):
    """The results of a step; the newest have no step in their name."""
    named = os.path.join(folder, layout.name_with_step(layout.NUMBERS, step))
    return named if os.path.exists(named) else os.path.join(folder, layout.NUMBERS)


if __name__ == "__main__":
    main(*sys.argv[1:] or ["log20k"])

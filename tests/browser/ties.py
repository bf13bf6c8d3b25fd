"""What equal maxima of a pool do to the projections: python -m tests.browser.ties [LOGDIR [DATA_DIR]]

Draws tests/screenshots/ties.png: ten test digits from both layers, `--ties first` above `--ties shared`. Writes two
tables into tests/screenshots/README.md: the share of the pool windows that tie, and the lattice in the background.
"""

import os
import sys

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.article import deconv, network
from legacy_graph.config import TIES
from legacy_graph.data import mnist
from legacy_graph.training.checkpoints import restored_session
from legacy_graph.training.recording import one_of_each
from legacy_graph.visualize import image_grid
from tests.benchmarks import machine
from tests.browser.side_by_side import FOLDER
from tests.support import page_tables

PAGE = os.path.join(FOLDER, "README.md")
SHARES = ("layer", "pool windows that tie", "with a maximum above 0")
LATTICE = ("`--ties`", "even row, even column", "even row, odd column", "odd row, even column", "odd row, odd column")
COUNTED, PROJECTED = 1000, 300  # test digits
REACH = 5  # pixels: the projection of a pixel from conv1 depends on no pixel that is farther away along an axis


def main(logdir, data_dir="MNIST_data"):
    digits = mnist.load(data_dir).test
    with tf.Graph().as_default() as graph:
        net = network.build()
        back = {(layer.name, ties): deconv.deconvolve(net.layers, layer.name, ties=ties)
                for layer in net.layers for ties in TIES}  # fmt: skip
        # 0: no tie; 1: a tie of zeros; 2: a tie of other values
        tied = {
            layer.name: tf.where(tf.add_n(deconv.switches(layer)) > 1, 1 + tf.cast(layer.output > 0, tf.int32),
                                 tf.zeros_like(layer.output, tf.int32))
            for layer in net.layers
        }  # fmt: skip
        graph.finalize()
    with restored_session(graph, logdir) as (session, step):
        projections = session.run(back, {net.images: mnist.scale_pixels(one_of_each(digits))})
        tied = session.run(tied, {net.images: mnist.scale_pixels(digits.images[:COUNTED])})
        conv1 = {ties: back["conv1", ties] for ties in TIES}
        conv1 = session.run(conv1, {net.images: mnist.scale_pixels(digits.images[:PROJECTED])})
    text = f"{shares(tied)}\n\n{lattice(digits.images[:PROJECTED].reshape(-1, 28, 28), conv1)}"
    page_tables.write(PAGE, "ties", {"ties": f"{text}\n\nAfter {step:,} training steps. {machine.conditions()}."})
    path = os.path.join(FOLDER, "ties.png")
    with open(path, "wb") as file:
        file.write(image_grid.encode_png(draw(projections)))
    print(PAGE, path, sep="\n")


def shares(tied):
    """The table from {layer: for each pool window 0 without a tie, 1 for a tie of zeros, 2 for another tie}."""
    rows = [(layer, f"{(kinds > 0).mean():.1%}", f"{(kinds == 2).mean():.1%}") for layer, kinds in tied.items()]
    return page_tables.Table(SHARES, rows)


def lattice(images, projections):
    """The table of the means. `images`: uint8 [N, 28, 28]; `projections` of conv1: {ties: float32 [N, 28, 28, 1]}."""
    rows, chosen = [], background(images)
    for ties, values in projections.items():
        values = values[..., 0] / np.abs(values).max()
        places = [(slice(None), slice(row, None, 2), slice(column, None, 2)) for row in (0, 1) for column in (0, 1)]
        rows.append((f"`{ties}`", *[f"{values[place][chosen[place]].mean():+.3f}" for place in places]))
    return page_tables.Table(LATTICE, rows)


def background(images):
    """The pixels whose projection depends only on black pixels, bool of the shape of `images`, [N, H, W]."""
    _, height, width = images.shape
    black = np.pad(images == 0, [(0, 0), (REACH, REACH), (REACH, REACH)], "constant")
    window = range(2 * REACH + 1)
    return np.all([black[:, y : y + height, x : x + width] for y in window for x in window], axis=0)


def draw(projections):
    """{(layer, ties): float32 [10, 28, 28, 1]} -> one captioned row of digits each, on one scale a row."""
    rows = []
    for (layer, ties), values in projections.items():
        tiles = image_grid.enlarge(image_grid.to_grey(values[..., 0], float(np.abs(values).max())), 3)
        rows += [image_grid.render_text(f"{layer}, --ties {ties}", 15), image_grid.grid(tiles, len(tiles))]
    return image_grid.add_margin(image_grid.stack_vertically(rows, 6), 12)


if __name__ == "__main__":
    main(*(sys.argv[1:] or ["log"]))

"""What equal maxima of a pool do to the projections: python -m tests.browser.ties [LOGDIR]

Draws tests/screenshots/ties.png: ten test digits from both layers, `--ties first` above `--ties shared`; and prints the
share of the pool windows that tie.
"""

import os
import sys

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.article import deconv, network
from legacy_graph.config import TIES
from legacy_graph.data import mnist
from legacy_graph.training.checkpoints import restored_session
from legacy_graph.training.loop import one_of_each
from legacy_graph.visualize import image_grid
from tests.browser.side_by_side import FOLDER


def main(logdir, data_dir="MNIST_data"):
    digits = mnist.load(data_dir).test
    with tf.Graph().as_default() as graph:
        net = network.build()
        back = {(layer.name, ties): deconv.deconvolve(net.layers, layer.name, ties=ties)
                for layer in net.layers for ties in TIES}  # fmt: skip
        tied = {layer.name: tf.add_n(deconv.switches(layer)) > 1 for layer in net.layers}
        graph.finalize()
    with restored_session(graph, logdir) as (session, _):
        projections = session.run(back, {net.images: mnist.scale_pixels(one_of_each(digits))})
        tied = session.run(tied, {net.images: mnist.scale_pixels(digits.images[:1000])})
    for layer, windows in tied.items():
        print(f"{layer}: {100 * windows.mean():.0f} % of the pool windows tie, over {len(windows):,} test digits")
    path = os.path.join(FOLDER, "ties.png")
    with open(path, "wb") as file:
        file.write(image_grid.encode_png(draw(projections)))
    print(path)


def draw(projections):
    """{(layer, ties): float32 [10, 28, 28, 1]} -> one captioned row of digits each, on one scale a row."""
    rows = []
    for (layer, ties), values in projections.items():
        tiles = image_grid.enlarge(image_grid.to_diverging(values[..., 0], float(np.abs(values).max())), 3)
        rows += [image_grid.render_text(f"{layer}, --ties {ties}", 15), image_grid.grid(tiles, len(tiles))]
    return image_grid.add_margin(image_grid.stack_vertically(rows, 6), 12)


if __name__ == "__main__":
    main(*(sys.argv[1:] or ["log"]))

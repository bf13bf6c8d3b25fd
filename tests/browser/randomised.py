"""What is left of the projections in a random network? python -m tests.browser.randomised LOGDIR [DATA_DIR]

Replaces the kernels by random numbers, one layer after the other from the projected layer down to conv1, and compares
the projections with those of the trained network. Draws tests/screenshots/randomised-STEP.png and writes the table into
the region of this step in tests/screenshots/README.md.

Source: Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018, figure 2.
"""

import sys
from typing import NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.article import network
from legacy_graph.article.receptive_field import Field, receptive_fields
from legacy_graph.config import DENSE, LAYERS, METHODS, SHARED, TOP
from legacy_graph.data import mnist
from legacy_graph.training.checkpoints import restored_session
from legacy_graph.visualize.rank_correlation import field_pairs, rank_correlation
from legacy_graph.visualize.reading import article_reader
from legacy_graph.visualize.sanity_check import random_kernel
from tests.browser import deletion
from tests.browser.diagrams import Panel, Picture
from tests.support import page_tables

PROJECTED = ("conv2", "fc2")
HEADING = ("projected", "random", *METHODS, "left out: " + ", ".join(METHODS))
COUNTED = 1000  # test digits
TICKS = [0, 0.2, 0.4, 0.6, 0.8, 1]


class Spots(NamedTuple):
    """The activations to project, one for each picture."""

    pictures: np.ndarray  # float32 [N, 28, 28, 1]
    places: np.ndarray  # int64 [N, 2], (y, x) in the layer's output
    signals: np.ndarray  # float32 [N, h, w, C], 1 at the activation, else 0


def main(logdir, data_dir="MNIST_data"):
    pictures = deletion.as_pictures(mnist.scale_pixels(mnist.load(data_dir).test.images[:COUNTED]))
    reader = article_reader(LAYERS, SHARED)
    with restored_session(reader.graph, logdir) as (session, step):
        found = {layer: compare(session, reader, layer, pictures) for layer in PROJECTED}
    deletion.publish("randomised", step, table(found), len(pictures), draw(found))


def compare(session, reader, layer, pictures):
    """{random layers: {method: (mean correlation, projections that are left out)}}, from one random layer to all."""
    spots = find_spots(session, reader, layer, pictures)
    with tf.Graph().as_default():
        fields = [Field(mnist.SIDE, 0, 0)] * 2 if layer in DENSE else receptive_fields(network.build().layers, layer)
    trained, found = project(session, reader, layer, spots, ()), {}
    for names in stages(layer):
        random = project(session, reader, layer, spots, names)
        found[names] = {name: correlate(trained[name], random[name], spots.places, fields) for name in METHODS}
    return found


def stages(layer):
    """The layers to replace, the highest first: ("conv2",), ("conv2", "conv1")."""
    down = LAYERS[LAYERS.index(layer) :: -1]
    return [down[: count + 1] for count in range(len(down))]


def find_spots(session, reader, layer, pictures):
    """For a convolution, the strongest activations of each map, one a picture; for fc2, the class of each picture."""
    output = reader.layers[layer].output
    parts = deletion.batches(pictures, reader.chunk)
    outputs = np.concatenate([session.run(output, {reader.images: part}) for part in parts])
    if layer in DENSE:
        numbers, maps = np.arange(len(outputs)), outputs[:, 0, 0].argmax(axis=1)
    else:
        strongest = outputs.max(axis=(1, 2))  # [pictures, maps]
        numbers = np.argsort(-strongest, axis=0, kind="stable")[:TOP]
        found = np.take_along_axis(strongest, numbers, 0) > 0
        numbers, maps = numbers[found], np.nonzero(found)[1]
    values = outputs[numbers, :, :, maps]  # [N, h, w]
    places = np.stack(np.unravel_index(values.reshape(len(values), -1).argmax(axis=1), values.shape[1:]), 1)
    signals = np.zeros([len(values), *outputs.shape[1:]], np.float32)
    signals[np.arange(len(values)), places[:, 0], places[:, 1], maps] = 1
    return Spots(pictures[numbers], places, signals)


def project(session, reader, layer, spots, random):
    """{method: float32 [N, 28, 28, 1]}, with the kernels of the layers `random` replaced by random numbers."""
    chosen, parts, chunk, kernels = reader.layers[layer], [], reader.chunk, random_weights(reader, random)
    for pictures, signals in zip(*[deletion.batches(values, chunk) for values in (spots.pictures, spots.signals)]):
        feed = {reader.images: pictures, chosen.signal: signals, **kernels}
        parts.append(session.run(chosen.projections, feed))
    return {name: np.concatenate([part[name] for part in parts]) for name in METHODS}


def random_weights(reader, names):
    """{weights of a layer: random numbers}, to feed: the forward pass and the projection both use them."""
    kernels = [(name, reader.layers[name].kernel) for name in names]
    weights = [kernel.op.inputs[0] if name in DENSE else kernel for name, kernel in kernels]  # dense: the matrix
    return {tensor: random_kernel(tensor.shape.as_list()) for tensor in weights}


def correlate(trained, random, places, fields):
    """(mean rank correlation, how many are left out because a projection is 0 everywhere)."""
    pairs = list(field_pairs(trained[..., 0], random[..., 0], places, fields))
    known = [rank_correlation(*pair) for pair in pairs if pair[0].any() and pair[1].any()]
    return float(np.mean(known)), len(pairs) - len(known)


def table(found):
    """The table from {layer: as from `compare`}."""
    rows = []
    for layer, by_stage in found.items():
        for names, values in by_stage.items():
            figures = [f"{round(values[name][0], 2) + 0.0:.2f}" for name in METHODS]  # no -0.00
            rows.append((layer, ", ".join(names), *figures, ", ".join(str(values[name][1]) for name in METHODS)))
    return page_tables.Table(HEADING, rows)


def draw(found):
    """One panel for each projected layer, one line for each method."""
    picture, colours = Picture(), {name: deletion.COLOURS[name] for name in METHODS}
    for number, (layer, by_stage) in enumerate(found.items()):
        counts = range(len(by_stage) + 1)
        title = f"{layer}: rank correlation with the trained network"
        panel = Panel(picture, number, title, TICKS, counts, unit="random layers, from the top", every=1)
        for name, colour in colours.items():
            panel.line(counts, [1, *[values[name][0] for values in by_stage.values()]], colour)
    picture.legend(colours)
    return picture


if __name__ == "__main__":
    main(*sys.argv[1:])

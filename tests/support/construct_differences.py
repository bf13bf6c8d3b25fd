"""The difference of the projections of each construct from numpy and from finite differences, see `measure`."""

import os
import tempfile
from typing import Dict

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.config import GRADIENT, METHODS
from legacy_graph.graphs import backward
from legacy_graph.graphs.load import load_model
from legacy_graph.graphs.model import Model
from tests.support.constructs import DEFINED
from tests.support.graph_models import CHANNELS, SIDES, Maker
from tests.support.graph_walker import Walker

NUMERIC = "gradient, differences"  # the column of the gradient against finite differences
COLUMNS = (*METHODS, NUMERIC)
STEP = 1e-6  # of the finite differences


def graph_of(construct, plain):
    """(GraphDef with the placeholder "pixels", name of the start of the last layer)."""
    with tf.Graph().as_default() as graph:
        ends = construct(Maker(plain), tf.placeholder(tf.float32, [None, *SIDES, CHANNELS], "pixels"))
    return graph.as_graph_def(), ends.start.op.name


def load_construct(construct) -> Model:
    """The construct as written by its author, saved as a frozen graph and loaded."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.pb")
        with open(path, "wb") as file:
            file.write(graph_of(construct, plain=False)[0].SerializeToString())
        return load_model(path)


def run_projection(model, layer, method, images, maps=None, places=None):
    """(activations, projections): `backward.project` in a session of its own."""
    with tf.Graph().as_default() as graph:
        back = backward.import_backward(model, layer, method)
        fetches = [back.start, backward.project(back, maps, places)]
        with tf.Session(graph=graph) as session:
            return session.run(fetches, {back.images: images})


def difference(found, expected) -> float:
    """The largest difference, relative to the largest magnitude of `expected`, which may lack axes of length 1."""
    assert found.size == expected.size and np.abs(expected).max() > 0
    return float(np.abs(found - expected.reshape(found.shape)).max() / np.abs(expected).max())


def measure(construct) -> Dict[str, float]:
    """{column: largest relative difference} for two random images: one of real values, one of few values, with ties.

    Activations and projections are compared with those of `graph_walker`. NUMERIC compares the gradient with finite
    differences of half the sum of squares of the layer, whose values `graph_walker` computes in float64.
    """
    random = np.random.RandomState(3)
    images = np.stack([random.normal(size=(*SIDES, CHANNELS)), random.randint(-1, 2, (*SIDES, CHANNELS)) / 2]).astype(
        "f"
    )
    model, (plain, start) = load_construct(construct), graph_of(construct, plain=True)
    walker, layer = Walker(plain, "pixels", images), model.layers[-1]
    found = {}
    for method in METHODS if construct in DEFINED else [GRADIENT]:
        values, projections = run_projection(model, layer, method, images)
        found["activations"] = difference(values, walker.value(start))
        found[method] = difference(projections, walker.project(start, walker.value(start), method))
        if method == GRADIENT:
            found[NUMERIC] = difference(projections[0], _numeric(plain, start, images[0]))
    return found


def _numeric(graph_def, start, image):
    """The gradient of half the sum of squares, by changing one value of the image at a time."""
    steps = STEP * np.eye(image.size).reshape(-1, *image.shape)
    above, below = [
        (Walker(graph_def, "pixels", image + sign * steps).value(start) ** 2).reshape(image.size, -1).sum(axis=1) / 2
        for sign in (1, -1)
    ]
    return ((above - below) / (2 * STEP)).reshape(image.shape)

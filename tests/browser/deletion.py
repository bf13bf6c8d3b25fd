"""Does the class need the pixels that a method shows? python -m tests.browser.deletion LOGDIR [DATA_DIR]

Draws tests/screenshots/deletion-STEP.png: the probability of the class that the network reads, while pixels of the
digit are set to black (deletion) or copied from the digit to a black image (insertion), in the order of each method.
Writes the areas under the curves into the region of this step in tests/screenshots/README.md.

Source: Petsiuk, Das and Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box Models", BMVC 2018.
"""

import os
import sys

import numpy as np

from legacy_graph.config import DECONVNET, DENSE, GRADIENT, GUIDED, OCCLUSION, SHARED
from legacy_graph.data import mnist
from legacy_graph.training.checkpoints import restored_session
from legacy_graph.visualize.cover import Cover
from legacy_graph.visualize.occluded_reading import class_occlusion
from legacy_graph.visualize.reading import article_reader
from tests.benchmarks import machine
from tests.browser.diagrams import Panel, Picture
from tests.browser.side_by_side import FOLDER
from tests.support import page_tables

PAGE = os.path.join(FOLDER, "README.md")
HEADING = ("order of the pixels", "area under the deletion curve", "area under the insertion curve")
TITLES = ("deletion: probability of the class", "insertion: probability of the class")
RANDOM = "random"
COLOURS = {
    DECONVNET: "#1a56a8", GRADIENT: "#b3471d", GUIDED: "#2c7a3f", OCCLUSION: "#202124", RANDOM: "#a0a0a0"
}  # fmt: skip
COUNTED = 1000  # test digits
COUNTS = range(0, mnist.SIDE**2 + 1, 14)  # pixels that are removed or inserted
COVER = Cover(4, 2)


def main(logdir, data_dir="MNIST_data"):
    images = mnist.scale_pixels(mnist.load(data_dir).test.images[:COUNTED])
    reader = article_reader(DENSE[-1:], SHARED)
    with restored_session(reader.graph, logdir) as (session, step):
        network = _Probabilities(session, reader)
        classes = network.run(images).argmax(axis=1)
        found = {}
        for name, scores in pixel_scores(session, reader, images, classes).items():
            found[name] = curves(lambda values: network.run(values)[np.arange(len(values)), classes], images, scores)
    publish("deletion", step, table(found), len(images), draw(found))


def publish(name, step, rows, count, picture):
    """Write the table of the run into its region of the page, and draw its picture."""
    path = os.path.join(FOLDER, f"{name}-{step}.png")
    text = f"{rows}\n\nAfter {step:,} training steps, over {count:,} digits. {machine.conditions()}."
    page_tables.write(PAGE, name, {f"steps_{step}": text})
    picture.save(path)
    print(PAGE, path, sep="\n")


class _Probabilities:
    """The class probabilities of any number of digits."""

    def __init__(self, session, reader):
        self.session, self.reader = session, reader

    def run(self, images):
        """float32 [N, 784] -> float32 [N, 10]."""
        reader = self.reader
        return np.concatenate([
            self.session.run(reader.answers, {reader.images: as_pictures(part)})
            for part in batches(images, reader.chunk)
        ])  # fmt: skip


def pixel_scores(session, reader, images, classes):
    """{method: [N, 784]}: the larger a score, the earlier its pixel is removed or inserted.

    The magnitude of the projection of the class's logit; for occlusion, the fall of the class's probability.
    """
    layer, chunk, parts = reader.layers[DENSE[-1]], reader.chunk, []
    signals = np.eye(mnist.CLASSES, dtype=np.float32)[classes][:, None, None, :]
    for part, signal in zip(batches(images, chunk), batches(signals, chunk)):
        parts.append(session.run(layer.projections, {reader.images: as_pictures(part), layer.signal: signal}))
    scores = {name: np.abs(np.concatenate([values[name] for values in parts])) for name in layer.projections}
    scores[OCCLUSION] = class_occlusion(session, reader, as_pictures(images), COVER).falls
    scores[RANDOM] = np.random.RandomState(0).rand(*images.shape)
    return {name: scores[name].reshape(images.shape) for name in COLOURS}


def curves(read, images, scores, counts=COUNTS):
    """The means of `read` over the images, for each of `counts`: (deletion [counts], insertion [counts]).

    Args:
        read: float32 [N, pixels] -> [N].
        images: float32 [N, pixels]; 0 is black.
        scores: [N, pixels], the first `count` pixels are those with the largest scores.
        counts: numbers of pixels.
    """
    ranks = np.argsort(np.argsort(-scores, axis=1, kind="stable"), axis=1)
    deleted = [read(images * (ranks >= count)).mean(dtype=float) for count in counts]
    inserted = [read(images * (ranks < count)).mean(dtype=float) for count in counts]
    return np.array(deleted), np.array(inserted)


def area(values):
    """The area under a curve whose points are equally spaced from 0 to 1."""
    return float((values[1:] + values[:-1]).mean() / 2)


def batches(values, size):
    return [values[begin : begin + size] for begin in range(0, len(values), size)]


def as_pictures(images):
    return images.reshape(-1, mnist.SIDE, mnist.SIDE, 1)


def table(found):
    """The table of the areas."""
    rows = [(name, *[f"{area(curve):.2f}" for curve in both]) for name, both in found.items()]
    return page_tables.Table(HEADING, rows)


def draw(found):
    """From {order: (deletion, insertion)} one panel each, one line for each order."""
    picture = Picture()
    for number, title in enumerate(TITLES):
        panel = Panel(picture, number, title, np.linspace(0, 1, 6), COUNTS, unit="pixels", every=100)
        for name, both in found.items():
            panel.line(COUNTS, both[number], COLOURS[name])
    picture.legend(COLOURS)
    return picture


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Our occlusion of the article's network compared with a bare `session.run`, and with captum's `Occlusion`.

    python -m tests.benchmarks.occlusion [--compare] [--data-dir DIR]

Writes its two tables into the page beside this file, in the environment of `bash run.sh bench`; with --compare only the
differences from captum, which do not depend on what else runs. Exit status 1 if one is larger than `LARGEST`.
"""

import argparse
import os
import sys
from collections import defaultdict

import numpy as np

from legacy_graph import tf_setup
from legacy_graph.config import DECONVNET, FIRST
from legacy_graph.data import mnist
from tests.benchmarks import report, tables
from tests.benchmarks.deconvolution import median_times
from tests.benchmarks.workers import Worker

PATCH, STRIDE = 4, 2  # pixels; the default for a digit
IMAGES = (1, 10)
COMPARED = 32  # images, and as many maps of conv2
STEPS, RATE = 200, 1e-3  # of a short training, so that the probabilities are neither all 0.1 nor all 0 and 1
NETWORK = "occlusion.npz"  # the weights, the images, and our falls
LAYERS = ("conv1", "conv2")
LARGEST = 1e-5  # difference from captum, relative to the largest fall
ROUNDS, SECONDS = 5, 0.3  # of the command of this module


def main() -> int:
    """Measure, write the page, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--compare", action="store_true", help="only compare with captum")
    parser.add_argument("--data-dir", default="MNIST_data", metavar="DIR", help="directory of the four IDX files")
    options = parser.parse_args()
    rounds = 0 if options.compare else ROUNDS
    equal = report.measure_alone(options.data_dir, lambda settings, record: measure(settings, rounds, SECONDS, record))
    return 0 if equal else 1


def measure(settings, rounds: int, seconds: float, record) -> bool:
    """Compare our occlusion with captum's, and in `rounds` run both in turns, for each number of images.

    Returns whether no difference is larger than `LARGEST`.
    """
    workers = [Worker(target, settings) for target in ("occlusion:ours", "captum_way:occlusion")]
    differences = workers[1]((0, 0)).value
    record("captum", tables.differences(differences, LARGEST))
    found = {count: defaultdict(list) for count in IMAGES}
    for count, spent in found.items():
        for _ in range(rounds):
            for worker in workers:
                for name, each in worker((count, seconds)).value.items():
                    spent[name].append(each)
    for worker in workers:
        worker.close()
    if rounds:
        record("occlusion", tables.occlusion(found, patches()))
    return max(differences.values()) <= LARGEST


def patches() -> int:
    """The patches of an image."""
    return len(range(0, mnist.SIDE - PATCH + STRIDE, STRIDE)) ** 2


def ours(settings):
    """Median seconds of `class_occlusion`, and of bare runs of its batches. Writes `NETWORK` for captum."""
    tf_setup.import_tensorflow()
    import tensorflow.compat.v1 as tf

    from legacy_graph.article import network
    from legacy_graph.article.dense import all_layers, class_probabilities
    from legacy_graph.visualize import layer_probes, occluded_reading, reading
    from legacy_graph.visualize.cover import Cover
    from legacy_graph.visualize.probe import chunk_size

    with tf.Graph().as_default() as graph:
        net = network.build()
        train, answers = network.training(net, RATE), class_probabilities(all_layers(net))
        probes = [layer_probes.article_probe(net, layer, FIRST, DECONVNET) for layer in LAYERS]
        reader = reading.Reader(graph, net.layers[0].input, {}, chunk_size(graph), answers)
        session = tf.Session(graph=graph)
        session.run(tf.global_variables_initializer())
    data, cover = mnist.load(settings.data_dir), Cover(PATCH, STRIDE)
    for _, (images, labels) in zip(range(STEPS), mnist.batches(data.train, 50, seed=0)):
        session.run(train, network.feed(net, images, labels))
    digits = mnist.scale_pixels(data.test.images).reshape(-1, mnist.SIDE, mnist.SIDE, 1)
    _export(settings, session, reader, probes, digits[:COMPARED], cover)

    def work(asked):
        count, seconds = asked
        images, recorder = digits[:count], Recorder(session)
        occluded_reading.class_occlusion(recorder, reader, images, cover)
        runs = {
            "ours": lambda: occluded_reading.class_occlusion(session, reader, images, cover),
            "bare": lambda: [session.run(*each) for each in recorder.runs],
        }
        return median_times(runs, seconds)

    return work


class Recorder:
    """A session that keeps what it was asked to run."""

    def __init__(self, session):
        self.session, self.runs = session, []

    def run(self, *asked):
        self.runs.append(asked)
        return self.session.run(*asked)


def _export(settings, session, reader, probes, images, cover):
    """Write the weights, and our falls of the class probability and of one spot of each layer for each image."""
    from legacy_graph.data.images import from_array
    from legacy_graph.visualize import occluded_reading, occlusion
    from legacy_graph.visualize.probe import OpenProbe

    numbers = maps = np.arange(len(images))
    places, spots = {}, {}
    for layer, probe in zip(LAYERS, probes):
        found = session.run(probe.places, {probe.layer.images: images, probe.maps: maps})
        opened, shown = OpenProbe(session, probe, from_array(images, None, "digits")), (numbers, maps, found, cover)
        places[f"{layer}/places"] = found
        spots[f"{layer}/spots"] = occlusion.spot_occlusion(opened, *shown)
    classes = occluded_reading.class_occlusion(session, reader, images, cover)
    names = [f"{layer}/{part}" for layer in ("conv1", "conv2", "fc1", "fc2") for part in ("weights", "bias")]
    weights = session.run({name: f"{name}/Variable/Read/ReadVariableOp:0" for name in names})
    read = classes.probabilities.argmax(1)
    os.makedirs(settings.folder, exist_ok=True)
    np.savez(os.path.join(settings.folder, NETWORK), images=images, read=read, classes=classes.falls,
             maps=maps, **places, **spots, **weights)  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())

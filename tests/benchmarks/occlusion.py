"""Our occlusion of the article's network compared with a bare `session.run`, and with captum's `Occlusion`."""

import os
from collections import defaultdict

import numpy as np

from legacy_graph import tf_setup
from legacy_graph.config import DECONVNET, FIRST
from legacy_graph.data import mnist
from tests.benchmarks import tables
from tests.benchmarks.deconvolution import median_times
from tests.benchmarks.workers import Worker

PATCH, STRIDE = 4, 2  # pixels; the default for a digit
IMAGES = (1, 10)
COMPARED = 32  # images, and as many maps of conv2
STEPS, RATE = 200, 1e-3  # of a short training, so that the probabilities are neither all 0.1 nor all 0 and 1
NETWORK = "occlusion.npz"  # the weights, the images, and our falls


def measure(settings, rounds: int, seconds: float, record) -> None:
    """Run our occlusion and captum's in turns, for each number of images."""
    workers = [Worker(target, settings) for target in ("occlusion:ours", "captum_way:occlusion")]
    found, differences = {}, {}
    for count in IMAGES:
        spent = defaultdict(list)
        for _ in range(rounds):
            ours, (theirs, differences) = [worker((count, seconds)).value for worker in workers]
            for name, each in {**ours, **theirs}.items():
                spent[name].append(each)
        found[count] = spent
    for worker in workers:
        worker.close()
    record("occlusion", tables.occlusion(found, patches(), differences))


def patches() -> int:
    """The patches of an image."""
    return len(range(0, mnist.SIDE - PATCH + STRIDE, STRIDE)) ** 2


def ours(settings):
    """Median seconds of `class_occlusion`, and of bare runs of its batches. Writes `NETWORK` for captum."""
    tf_setup.import_tensorflow()
    import tensorflow.compat.v1 as tf

    from legacy_graph.article import network
    from legacy_graph.visualize import layer_probes, occlusion
    from legacy_graph.visualize.cover import Cover

    with tf.Graph().as_default() as graph:
        net = network.build()
        train = network.training(net, RATE)
        probe = layer_probes.article_probe(net, "conv2", FIRST, DECONVNET)
        session = tf.Session(graph=graph)
        session.run(tf.global_variables_initializer())
    data, cover = mnist.load(settings.data_dir), Cover(PATCH, STRIDE)
    for _, (images, labels) in zip(range(STEPS), mnist.batches(data.train, 50, seed=0)):
        session.run(train, network.feed(net, images, labels))
    digits = mnist.scale_pixels(data.test.images).reshape(-1, mnist.SIDE, mnist.SIDE, 1)
    _export(settings, session, net, probe, digits[:COMPARED], cover)

    def work(asked):
        count, seconds = asked
        images, recorder = digits[:count], Recorder(session)
        occlusion.class_occlusion(recorder, net, images, cover)
        runs = {
            "ours": lambda: occlusion.class_occlusion(session, net, images, cover),
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


def _export(settings, session, net, probe, images, cover):
    """Write the weights, and our falls of the class probability and of one spot of conv2 for each image."""
    from legacy_graph.data.images import from_array
    from legacy_graph.visualize import occlusion

    numbers = maps = np.arange(len(images))
    places = session.run(probe.places, {probe.layer.images: images, probe.maps: maps})
    spots = occlusion.spot_occlusion(session, probe, from_array(images, None, "digits"), numbers, maps, places, cover)
    classes = occlusion.class_occlusion(session, net, images, cover)
    names = [f"{layer}/{part}" for layer in ("conv1", "conv2", "fc1", "fc2") for part in ("weights", "bias")]
    weights = session.run({name: f"{name}/Variable/Read/ReadVariableOp:0" for name in names})
    read = classes.probabilities.argmax(1)
    os.makedirs(settings.folder, exist_ok=True)
    np.savez(os.path.join(settings.folder, NETWORK), images=images, read=read, classes=classes.falls,
             maps=maps, places=places, spots=spots, **weights)  # fmt: skip

"""The scan of `features` compared with a bare `session.run` of the same layer on the same batches in memory."""

import functools
import os
import time

import numpy as np

from legacy_graph import tf_setup
from legacy_graph.config import DECONVNET, FIRST, TOP
from legacy_graph.data import mnist
from tests.benchmarks import tables
from tests.benchmarks.workers import Worker

IMAGES = 10000
MEASURED_AT = (1000, 4000)  # images, for the peak memory
WAYS = {"`features`, digits": "scan:article", "`features --graph`, an array of floats": "scan:frozen"}


def measure(settings, rounds: int, images: int, record) -> None:
    """Run scans and bare runs in turns. The small scans come first, because peak memory never falls in a process."""
    found = {}
    for what, target in WAYS.items():
        worker = Worker(target, settings)
        peaks = [worker((count, False)).peak for count in MEASURED_AT]
        spent = [worker((images, True)).value for _ in range(rounds)]
        worker.close()
        found[what] = [both[0] for both in spent], [both[1] for both in spent], images, peaks
    record("scan", tables.scan(found))


def article(settings):
    """Layer two of the article's network over the test digits."""
    tf_setup.import_tensorflow()
    import tensorflow.compat.v1 as tf

    from legacy_graph.data.images import Preprocessing, from_array
    from legacy_graph.visualize import feature_sheets, layer_probes

    build = functools.partial(layer_probes.features_probe, "conv2", FIRST, DECONVNET)
    scan = feature_sheets.prepare(build, feature_sheets.SheetOptions(), IMAGES)
    session = tf.Session(graph=scan.graph)
    session.run([one.initializer for one in scan.graph.get_collection(tf.GraphKeys.GLOBAL_VARIABLES)])
    pixels = mnist.load(settings.data_dir).test.images.reshape(-1, mnist.SIDE, mnist.SIDE, 1)
    return _timed(session, scan.probe, pixels, lambda array: from_array(array, Preprocessing(0, 1), "digits"))


def frozen(settings):
    """Layer two of the article's network, saved as a frozen graph and loaded with `load_model`."""
    tf_setup.import_tensorflow()
    import tensorflow.compat.v1 as tf

    from legacy_graph.article import network
    from legacy_graph.data.images import from_array
    from legacy_graph.graphs.load import find_layer, load_model
    from legacy_graph.visualize import feature_sheets, layer_probes

    with tf.Graph().as_default() as graph, tf.Session() as session:
        net = network.build()
        session.run(tf.global_variables_initializer())
        output = net.layers[1].output.op.name
        constants = tf.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), [output])
    os.makedirs(settings.folder, exist_ok=True)
    path = os.path.join(settings.folder, "frozen.pb")
    with open(path, "wb") as file:
        file.write(constants.SerializeToString())
    model = load_model(path, input=net.layers[0].input.op.name)
    layer = find_layer(model, "conv2/convolution")
    build = functools.partial(layer_probes.graph_probe, model, layer, DECONVNET)
    scan = feature_sheets.prepare(build, feature_sheets.SheetOptions(), IMAGES)
    session = tf.Session(graph=scan.graph)
    pixels = mnist.scale_pixels(mnist.load(settings.data_dir).test.images).reshape(-1, mnist.SIDE, mnist.SIDE, 1)
    return _timed(session, scan.probe, pixels, lambda array: from_array(array, None, "digits"))


def _timed(session, probe, pixels, as_images):
    """A function of (number of images, whether to time the bare runs too): seconds of the scan, and of bare runs."""
    from legacy_graph.visualize import top_activations
    from legacy_graph.visualize.probe import OpenProbe

    layer = probe.layer

    def work(asked):
        count, compare = asked
        images = as_images(pixels[np.arange(count) % len(pixels)])
        began = time.perf_counter()
        top_activations.scan(OpenProbe(session, probe, images), TOP)
        scanned = time.perf_counter() - began
        if not compare:
            return scanned, None
        batches = list(images.batches(probe.chunk))
        began = time.perf_counter()
        for batch in batches:
            session.run(layer.output, {layer.images: batch})
        return scanned, time.perf_counter() - began

    return work

"""The deconvolution against `tf.gradients`, and the growth of cost with batch size, images and steps."""

import os
import resource
import subprocess
import sys
import time

import numpy as np

from legacy_graph import tf_setup
from legacy_graph.data import mnist
from tests.benchmarks import ours
from tests.support.program import ROOT

BUDGET = 1.5  # seconds for the measurements of each of the three, approximately


def deconvolution(settings):
    """Seconds per run: forward to layer two, with its deconvolution, with `tf.gradients` of the same."""
    tf_setup.import_tensorflow()
    import tensorflow.compat.v1 as tf

    from legacy_graph.article import deconv, network

    with tf.Graph().as_default():
        net = network.build()
        output, pixels = net.layers[1].output, net.layers[0].input
        gradient = tf.gradients(tf.reduce_sum(tf.square(output)) / 2, pixels)[0]
        asked = [output.op, deconv.deconvolve(net.layers, "conv2").op, gradient.op]
        session = tf.Session()
        session.run(tf.global_variables_initializer())
    digits = mnist.load(settings.data_dir).test.images

    def measure(images):
        feed = {net.images: mnist.scale_pixels(digits[:images])}
        times = [[_timed(session, one, feed) for one in asked] for _ in range(3)]
        repeats = int(np.clip(BUDGET / max(times[-1]), 3, 100))
        times = [[_timed(session, one, feed) for one in asked] for _ in range(repeats)]
        return [float(middle) for middle in np.median(times, axis=0)]

    return measure


def memory(settings):
    """Peak memory in megabytes after projecting images in chunks, as `features` does."""
    tf_setup.import_tensorflow()
    import tensorflow.compat.v1 as tf

    from legacy_graph.article import network
    from legacy_graph.graphs.images import Preprocessing, from_array
    from legacy_graph.visualize import top_activations

    with tf.Graph().as_default():
        net = network.build()
        ends = top_activations.build_probe(net, "conv2")
        session = tf.Session()
        session.run(tf.global_variables_initializer())
    pixels = mnist.load(settings.data_dir).test.images.reshape(-1, mnist.SIDE, mnist.SIDE, 1)
    digits = from_array(pixels, Preprocessing(0, 1), "digits")

    def project(images):
        numbers = np.arange(images)
        top_activations.project(session, ends, digits, numbers % len(digits), numbers % 64)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)

    return project


def batches(settings):
    """Median milliseconds of a training step for a batch size."""
    session, program, feeds = ours.start(settings)
    digits = mnist.load(settings.data_dir).train

    def measure(batch):
        dealt, times = mnist.batches(digits, batch, seed=0), []
        net = program.network
        for _ in range(2 + max(3, 500 // batch)):
            images, labels = next(dealt)
            feed = {net.images: images, net.labels: labels, net.keep_prob: 1.0}
            times.append(_timed(session, [net.loss, program.train], feed))
        return 1e3 * float(np.median(times[2:]))

    return measure


def run(data_dir, logdir, steps, *words):
    """A complete run in a child process: seconds, and peak memory, event files and log directory in bytes."""
    command = [sys.executable, "-m", "legacy_graph", "train", "--data-dir", data_dir, "--logdir", logdir]
    began = time.perf_counter()
    command += ["--steps", str(steps), *words]
    environment = dict(os.environ, PYTHONPATH=ROOT)
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"benchmark: a training run has failed; see why with: {' '.join(command)}")
    return {
        "seconds": time.perf_counter() - began,
        "memory": used.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        "events": _size(os.path.join(logdir, "train")) + _size(os.path.join(logdir, "test")),
        "log": _size(logdir),
    }


def _timed(session, fetches, feed):
    began = time.perf_counter()
    session.run(fetches, feed)
    return time.perf_counter() - began


def _size(folder):
    return sum(os.path.getsize(os.path.join(place, name)) for place, _, names in os.walk(folder) for name in names)

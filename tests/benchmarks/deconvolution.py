"""Our deconvolution of whole maps of layer two compared with captum's, with the same weights and images."""

import os
import time
from collections import defaultdict

import numpy as np

from legacy_graph import tf_setup
from legacy_graph.data import mnist
from tests.benchmarks import tables
from tests.benchmarks.workers import Worker

IMAGES = (1, 10, 100, 1000)
COMPARED = 100  # images
NETWORK = "network.npz"  # the weights, and the projections of the first `COMPARED` images


def measure(settings, rounds: int, seconds: float, record) -> None:
    """Run our deconvolution and captum's in turns, for each number of images."""
    ours = Worker("deconvolution:ours", settings)
    theirs = {
        "captum": Worker("captum_way:contiguous", settings),
        "captum, channels_last": Worker("captum_way:channels_last", settings),
    }
    found, differences = {}, {}
    for images in IMAGES:
        spent = defaultdict(list)
        for _ in range(rounds):
            for name, each in ours((images, seconds)).value.items():
                spent[name].append(each)
            for name, worker in theirs.items():
                each, differences[name] = worker((images, seconds)).value
                spent[name].append(each)
        found[images] = spent
    for worker in [ours, *theirs.values()]:
        worker.close()
    record("deconvolution", tables.deconvolution(found, differences))


def ours(settings):
    """Median seconds of the forward pass to layer two: alone, with the deconvolution, and with `tf.gradients`."""
    tf_setup.import_tensorflow()
    import tensorflow.compat.v1 as tf

    from legacy_graph.article import deconv, network

    with tf.Graph().as_default():
        net = network.build()
        output, pixels = net.layers[1].output, net.layers[0].input
        projected = deconv.deconvolve(net.layers, "conv2")
        gradient = tf.gradients(tf.reduce_sum(tf.square(output)) / 2, pixels)[0]
        session = tf.Session()
        session.run(tf.global_variables_initializer())
    digits = mnist.load(settings.data_dir).test.images
    images = mnist.scale_pixels(digits[:COMPARED])
    variables = {name: session.graph.get_tensor_by_name(f"{name}/Variable/Read/ReadVariableOp:0")
                 for layer in ("conv1", "conv2") for name in (f"{layer}/weights", f"{layer}/bias")}  # fmt: skip
    exported = session.run(dict(variables, projections=projected), {net.images: images})
    os.makedirs(settings.folder, exist_ok=True)
    np.savez(os.path.join(settings.folder, NETWORK), images=images, **exported)
    wanted = {"forward": output.op, "ours": projected.op, "`tf.gradients`": gradient.op}

    def work(asked):
        count, seconds = asked
        feed = {net.images: mnist.scale_pixels(digits[:count])}
        runs = {name: lambda one=one: session.run(one, feed) for name, one in wanted.items()}
        return median_times(runs, seconds)

    return work


def median_times(runs, seconds):
    """Median seconds of each function. The functions run in turns, each for about `seconds`, at least three times."""
    times = {name: [] for name in runs}
    for run in runs.values():
        run()
    end = time.perf_counter() + seconds * len(runs)
    while time.perf_counter() < end or min(map(len, times.values())) < 3:
        for name, run in runs.items():
            began = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - began)
    return {name: float(np.median(every)) for name, every in times.items()}

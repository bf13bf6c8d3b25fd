"""How time, memory and file sizes grow with batch size, images and steps; and the cost of whole commands."""

import json
import os
import re
import resource
import subprocess
import sys
import time

import numpy as np

from legacy_graph import tf_setup
from legacy_graph.config import Config
from legacy_graph.data import mnist
from tests.benchmarks import ours, tables
from tests.benchmarks.workers import Worker
from tests.support.program import ROOT

TRAIN, FEATURES = "bash run.sh train", "bash run.sh features"


def measure(settings, batch_sizes, image_counts, step_counts, record) -> None:
    """A bare step for each batch size, the memory of projections, the event files of runs."""
    worker = Worker("growth:batches", settings)
    record("batches", tables.batches({batch: worker(batch).value for batch in batch_sizes}))
    worker.close()
    worker = Worker("growth:memory", settings)
    record("memory", tables.memory({images: worker(images).value for images in image_counts}))
    worker.close()
    sizes = {}
    for steps in step_counts:
        logdir = os.path.join(settings.folder, str(steps))
        sizes[steps] = run(settings, logdir, "train", "--steps", str(steps), "--batch-size", "10")["events"]
    record("events", tables.events(sizes))


def whole_commands(settings, steps: int, record) -> str:
    """The default run with `steps` steps, and `features` of its log. Returns the log directory."""
    logdir = os.path.join(settings.folder, "full")
    name = TRAIN if steps == Config().steps else f"{TRAIN} --steps {steps}"
    found = {name: run(settings, logdir, "train", "--steps", str(steps))}
    try:
        found[FEATURES] = run(settings, logdir, "features")
        del found[FEATURES]["events"], found[FEATURES]["log"]  # these are sizes of the training run
    finally:
        record("commands", tables.commands(found))
    return logdir


def memory(settings):
    """Peak memory in bytes after projecting images in chunks, as `features` does."""
    tf_setup.import_tensorflow()
    import tensorflow.compat.v1 as tf

    from legacy_graph.article import network
    from legacy_graph.data.images import Preprocessing, from_array
    from legacy_graph.visualize import layer_probes, top_activations

    with tf.Graph().as_default():
        net = network.build()
        ends = layer_probes.article_probe(net, "conv2")
        session = tf.Session()
        session.run(tf.global_variables_initializer())
    pixels = mnist.load(settings.data_dir).test.images.reshape(-1, mnist.SIDE, mnist.SIDE, 1)
    digits = from_array(pixels, Preprocessing(0, 1), "digits")

    def project(images):
        numbers = np.arange(images)
        top_activations.project(session, ends, digits, numbers % len(digits), numbers % 64)
        return _bytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)

    return project


def batches(settings):
    """Median milliseconds of a training step for a batch size."""
    session, program, _ = ours.start(settings)
    digits = mnist.load(settings.data_dir).train

    def measure(batch):
        dealt, times = mnist.batches(digits, batch, seed=0), []
        net = program.network
        for _ in range(2 + max(3, 500 // batch)):
            images, labels = next(dealt)
            feed = {net.images: images, net.labels: labels, net.keep_prob: 1.0}
            began = time.perf_counter()
            session.run([net.loss, program.train], feed)
            times.append(time.perf_counter() - began)
        return 1e3 * float(np.median(times[2:]))

    return measure


def run(settings, logdir, command, *words):
    """Run a command in a child process: seconds, seconds in fsync, accuracy, peak memory and file sizes in bytes."""
    figures = os.path.join(settings.folder, "figures.json")
    options = ["--data-dir", settings.data_dir, "--logdir", logdir, *words]
    child = [sys.executable, "-m", "tests.benchmarks.timed_run", figures, command, *options]
    began = time.perf_counter()
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "encoding": "utf-8"}
    # In its own session, so that Ctrl-C reaches only the benchmark, which then ends the child.
    process = subprocess.Popen(child, env=dict(os.environ, PYTHONPATH=ROOT), start_new_session=True, **streams)
    try:
        printed = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
    except BaseException:
        process.kill()
        raise
    if status:
        sys.exit(f"benchmark: a command failed; to see why, run: python -m legacy_graph {command} {' '.join(options)}")
    accuracy = re.search(r"Accuracy on all [\d,]+ test digits: ([\d.]+)", printed)
    with open(figures, encoding="utf-8") as file:
        found = json.load(file)
    return dict(
        found,
        seconds=time.perf_counter() - began,
        accuracy=accuracy[1] if accuracy else "",
        memory=_bytes(used.ru_maxrss),
        events=_size(os.path.join(logdir, "train")) + _size(os.path.join(logdir, "test")),
        log=_size(logdir),
    )


def _bytes(maxrss):
    return maxrss * (1 if sys.platform == "darwin" else 1024)


def _size(folder):
    return sum(os.path.getsize(os.path.join(place, name)) for place, _, names in os.walk(folder) for name in names)

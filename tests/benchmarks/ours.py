"""Our own measurements: bare training step, complete program, limits of the machine, time per layer and dashboard."""

import concurrent.futures
import dataclasses
import itertools
import os
import queue
import random
import re
import sys
import threading
import time
from collections import defaultdict

import numpy as np

from legacy_graph import tf_setup
from legacy_graph.config import Config
from legacy_graph.data import mnist
from tests.benchmarks.layers import LAYERS, PARAMETERS

PRODUCT = 2048  # rows and columns of the matrices
STREAM = 2 * PARAMETERS  # values per array: two arrays are as large as Adam's weights, gradient and two moments
NEVER = 10**9  # steps
IMAGES_EVERY = 333  # steps, the mean interval of the default run's six image steps; they are not evenly spaced
ALTERNATE = 50  # number of steps of the run, and of bare steps after them
AFTER = 5  # number of steps without output after each output
# The outputs of `loop.steps`, and the option that is the interval between two of them.
INTERVALS = {
    "scalars": "summary_every",
    "histograms": "histogram_every",
    "images": "image_every",
    "test": "test_every",
}


def start(settings, batch_size=50, **session_options):
    """An initialised session of the program's graph, the program, and a function that returns the next feed."""
    tf_setup.import_tensorflow()
    import tensorflow.compat.v1 as tf

    from legacy_graph.training.program import build_program

    program = build_program(Config())
    session = tf.Session(graph=program.graph, config=tf.ConfigProto(**session_options))
    session.run(program.initialise)
    net = program.network
    batches = mnist.batches(mnist.load(settings.data_dir).train, batch_size, seed=0)

    def feed():
        images, labels = next(batches)
        return {net.images: images, net.labels: labels, net.keep_prob: 1.0}

    return session, program, feed


def bare(settings, batch_size=50):
    """Training steps alone."""
    session, program, feed = start(settings, batch_size)

    def advance(steps):
        for _ in range(steps):
            session.run([program.network.loss, program.train], feed())

    advance(5)
    return advance


def untested(settings):
    """As `whole`, without the test curve."""
    return whole(settings, test_every=NEVER)


def whole(settings, **options):
    """The default run with dashboards and checkpoints, as from the command line, but paused between turns.

    Each turn also runs the same number of bare steps in the same session, and returns their seconds and processor
    seconds.
    """
    tf_setup.import_tensorflow()
    import tensorflow.compat.v1 as tf

    from legacy_graph.training import loop, progress

    data, turns, finished = mnist.load(settings.data_dir), queue.Queue(), queue.Queue()
    options = {"image_every": IMAGES_EVERY, **options}
    config = dataclasses.replace(Config(), logdir=settings.folder, steps=settings.steps, **options)

    def held(steps, *_):
        session, batches = tf.get_default_session(), mnist.batches(data.train, config.batch_size, seed=1)
        while True:
            count, bare = turns.get()
            if bare:
                for images, labels in itertools.islice(batches, count):
                    feed = {"input/images:0": images, "input/labels:0": labels, "input/keep_prob:0": 1.0}
                    session.run(["loss/sum:0", "train"], feed)
            else:
                yield from (found[0] for found in itertools.islice(steps, count))
            finished.put(None)

    progress.show_progress = held
    threading.Thread(target=loop.run, args=(config, data), daemon=True).start()

    def take(steps, bare):
        began, burnt = time.perf_counter(), time.process_time()
        turns.put((steps, bare))
        try:
            finished.get(timeout=600)
        except queue.Empty:
            sys.exit("benchmark: the training run has stopped")
        return time.perf_counter() - began, time.process_time() - burnt

    def advance(steps):
        parts = []
        for begin in range(0, steps, ALTERNATE):
            count = min(ALTERNATE, steps - begin)
            take(count, False)
            parts.append(take(count, True))
        return tuple(map(sum, zip(*parts)))

    advance(11)  # after 11 steps every kind of output has been written once
    return advance


def product(settings):
    """Float32 matrix products."""
    tf_setup.import_tensorflow()
    import tensorflow.compat.v1 as tf

    with tf.Graph().as_default():
        matrix = tf.Variable(tf.random_normal([PRODUCT, PRODUCT]), use_resource=True)
        multiply = tf.matmul(matrix, matrix).op
        session = tf.Session()
        session.run(matrix.initializer)

    def advance(times):
        for _ in range(times):
            session.run(multiply)

    advance(2)
    return advance


def bandwidth(settings):
    """Add a large array to another in place, as Adam updates its weights, with one part per core."""
    cores = os.cpu_count() or 1
    parts = list(zip(*[np.array_split(np.ones(STREAM, np.float32), cores) for _ in range(2)]))
    pool = concurrent.futures.ThreadPoolExecutor(cores)

    def advance(times):
        for _ in range(times):
            list(pool.map(lambda part: np.add(part[0], part[1], out=part[0]), parts))

    advance(2)
    return advance


def profile(settings):
    """Median milliseconds of a training step per layer, in Adam and in the rest, with operations run one at a time."""
    session, program, feed = start(settings, use_per_session_threads=True, inter_op_parallelism_threads=1)
    import tensorflow.compat.v1 as tf

    def traced():
        metadata = tf.RunMetadata()
        options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
        with tf_setup.filter_stderr():
            session.run([program.network.loss, program.train], feed(), options=options, run_metadata=metadata)
        spent = defaultdict(float)
        for device in metadata.step_stats.dev_stats:
            for node in device.node_stats:
                spent[_part(node.node_name)] += (node.op_end_rel_micros - node.op_start_rel_micros) / 1e3
        return spent

    def work(steps):
        every = [traced() for _ in range(steps)]
        return {part: float(np.median([spent[part] for spent in every])) for part in [*LAYERS, "Adam", "rest"]}

    work(3)
    return work


def dashboards(settings):
    """{output: milliseconds that it adds to the training steps}, and of "bare", a step without output.

    A turn is a step with one output, and `AFTER` steps without output. They are slower after some outputs, because the
    memory that an output uses takes the place of theirs in the processor's cache. The time of a turn is the sum of the
    median times of its steps.
    """
    turns = _turns(settings)

    def measure(rounds):
        dice, times = random.Random(0), {what: [] for what in turns}
        for _ in range(rounds):
            for what in dice.sample(list(turns), len(turns)):
                clock = [time.perf_counter()]
                for each in [turns[what]] + [turns["bare"]] * AFTER:
                    next(each)
                    clock.append(time.perf_counter())
                times[what].append(1e3 * np.diff(clock))
        totals = {what: float(np.median(every, axis=0).sum()) for what, every in times.items()}
        spent = {what: total - totals["bare"] for what, total in totals.items()}
        return dict(spent, bare=totals["bare"] / (1 + AFTER))

    measure(1)
    return measure


def _turns(settings):
    """{output: iterator of training steps with it}; "bare" without output."""
    session, program, _ = start(settings)
    from legacy_graph.logdir import event_writer, layout
    from legacy_graph.training import loop, recording
    from legacy_graph.training.checkpoints import Checkpoints

    data, folder = mnist.load(settings.data_dir), os.path.join(settings.folder, "dashboards")
    session.__enter__()  # the default session of this process
    os.makedirs(os.path.join(folder, layout.CHECKPOINTS))
    saved = Checkpoints(folder, program.saver)
    writers = recording.Writers(
        *(event_writer.FileWriter(os.path.join(folder, run)) for run in (layout.TRAIN, layout.TEST))
    )
    quiet = dataclasses.replace(Config(), logdir=folder, steps=NEVER, **dict.fromkeys(INTERVALS.values(), NEVER))

    def save(taken):
        for writer in writers:
            writer.flush()
        recording.check_weights(session, program, taken[0])
        saved.save(session, taken[0])

    turns = {
        output: loop.steps(session, program, dataclasses.replace(quiet, **{interval: 1}), data, writers)
        for output, interval in INTERVALS.items()
    }
    turns["bare"] = loop.steps(session, program, quiet, data, writers)
    turns["checkpoint"] = map(save, turns["bare"])
    for each in turns.values():
        next(each)  # step 0 has every output
    return turns


def _part(name):
    if "/Adam/" in name:
        return "Adam"
    found = re.search("|".join(LAYERS), name)
    return found.group() if found else "rest"

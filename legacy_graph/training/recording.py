"""What a training run records at a step: which outputs are due, and the summaries of the pictures and of the test."""

import functools
from typing import Callable, List, NamedTuple, Optional, Sequence

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph import tf_setup
from legacy_graph.article import network
from legacy_graph.config import Config, is_image_step
from legacy_graph.data import mnist
from legacy_graph.data.ahead import run_together
from legacy_graph.training import nan_guard
from legacy_graph.training.program import Program
from legacy_graph.visualize.probe import Probe

TESTED = 1000  # digits in a test summary
CHUNK = 100  # digits in one forward pass of an evaluation: two passes run at once, and share the processor's cache
SHOWN = 10  # digits in the IMAGES dashboard


class Writers(NamedTuple):
    train: tf.summary.FileWriter
    test: tf.summary.FileWriter


class Due(NamedTuple):
    """Which outputs are due at a step."""

    scalars: bool
    histograms: bool
    images: bool
    test: bool


class Evaluation(NamedTuple):
    """The network on N digits, without dropout."""

    loss: float  # mean per digit
    accuracy: float  # in [0, 1]
    strongest: List[np.ndarray]  # for each probe float32 [N, C], the largest activation of each map in each digit


def due(step: int, config: Config) -> Due:
    """Which outputs are due at `step`; all at the last one."""
    last = step == config.steps
    images = last or is_image_step(step, config.image_every)
    return Due(
        last or step % config.summary_every == 0, last or step % config.histogram_every == 0, images,
        last or step % config.test_every == 0,
    )  # fmt: skip


def evaluate(
    session: tf.Session, net: network.Network, digits: mnist.Digits, probes: Sequence[Probe] = (), tested: bool = True
) -> Evaluation:
    """Run the network on all of `digits`, without dropout.

    Without `tested` the fully connected layers do not run, and `loss` and `accuracy` are NaN.
    """
    measured, fetched = [net.loss, net.accuracy] if tested else [], [probe.scanners[0].strongest for probe in probes]

    def run(begin):
        images, labels = digits.images[begin : begin + CHUNK], digits.labels[begin : begin + CHUNK]
        pixels = mnist.scale_pixels(images)
        feed = network.feed(net, pixels, mnist.one_hot(labels))
        if net.towers:  # the probes are on the first tower, which gets a share of the images only
            figures, strongest = session.run(measured, feed), session.run(fetched, {net.images: pixels})
        else:
            figures, strongest = session.run([measured, fetched], feed)
        return figures or (np.nan, np.nan), strongest, len(labels)

    count = len(digits.labels)
    chunks = run_together(functools.partial(run, begin) for begin in range(0, count, CHUNK))
    loss = sum(loss for (loss, _), _, _ in chunks) / count
    accuracy = sum(accuracy * size for (_, accuracy), _, size in chunks) / count
    strongest = [np.concatenate(parts) for parts in zip(*(chunk[1] for chunk in chunks))]
    return Evaluation(loss, accuracy, strongest)


def check_weights(session: tf.Session, program: Program, step: int) -> None:
    """Check that no weight is NaN or infinite: a mean is finite only if all its values are.

    Raises:
        UserError: a weight is not finite; names its tag.
    """
    nan_guard.check_summary(session.run(program.means), step)


def one_of_each(digits: mnist.Digits) -> np.ndarray:
    """The first image of each class, uint8 [10, 784]; if a class is missing, another image takes its place."""
    first = [np.flatnonzero(digits.labels == label)[:1] for label in range(mnist.CLASSES)]
    chosen = [int(index) for places in first for index in places]
    rest = [index for index in range(min(SHOWN, len(digits.labels))) if index not in chosen]
    return digits.images[(chosen + rest)[:SHOWN]]


def tested_digits(digits: mnist.Digits) -> mnist.Digits:
    """The digits of a test summary: the first `TESTED`."""
    return mnist.Digits(digits.images[:TESTED], digits.labels[:TESTED])


def image_calls(
    session: tf.Session, program: Program, data: mnist.Dataset, writers: Writers, step: int, traced: bool
) -> List[Callable[[], None]]:
    """Calls that record ten training digits in the train run, ten test digits in the test run, as in the 2018 program.

    With `traced`, the training digits are recorded at once, and their run is traced, see `run_traced`.
    """

    def run(digits, writer, tag=None):
        feed = {program.network.images: mnist.scale_pixels(one_of_each(digits))}
        writer.add_summary(run_traced(session, program.images, feed, writer, step, tag), step)

    pairs = (data.train, writers.train), (data.test, writers.test)
    if traced:
        run(*pairs[0], f"step {step}, pictures")  # alone, so that the times of its operations are true
    return [functools.partial(run, *pair) for pair in pairs[traced:]]


def record_test(
    session: tf.Session, program: Program, config: Config, results: Evaluation, writer: tf.summary.FileWriter, step: int
) -> None:
    """Write the scalar summaries of training with the loss and accuracy of the test digits.

    The training loss is a sum over a batch, so the test loss is scaled to a batch: both curves share one axis.
    """
    net = program.network
    feed = {net.loss: results.loss * config.batch_size, net.accuracy: results.accuracy}
    writer.add_summary(session.run(program.scalars, feed), step)


def run_traced(
    session: tf.Session, fetches: object, feed: dict, writer: tf.summary.FileWriter, step: int, tag: Optional[str]
) -> object:
    """session.run; with a tag also trace it, so that GRAPHS can show compute time and memory under this tag."""
    if tag is None:
        return session.run(fetches, feed)
    metadata = tf.RunMetadata()
    options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
    with tf_setup.filter_stderr():
        got = session.run(fetches, feed, options=options, run_metadata=metadata)
    writer.add_run_metadata(metadata, tag, step)
    return got

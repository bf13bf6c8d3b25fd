"""损失函数和准确率的变化: the session, the writers and the loop. This file runs what the others build."""

import contextlib
import logging
import os
from typing import Iterator, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import tensorflow.compat.v1 as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from legacy_graph import tf_setup
from legacy_graph.article import network
from legacy_graph.config import Config
from legacy_graph.data import mnist
from legacy_graph.logdir import event_reader, event_writer, layout
from legacy_graph.training import nan_guard, progress, projector, sonify
from legacy_graph.training.checkpoints import Checkpoints
from legacy_graph.training.identity import run_identity
from legacy_graph.training.program import Program, build_program
from legacy_graph.training.signals import Interrupted

TESTED = 1000  # digits behind a test summary
CHUNK = 500  # digits in one forward pass of an evaluation
SHOWN = 10  # digits in the IMAGES dashboard


class Writers(NamedTuple):
    train: tf.summary.FileWriter
    test: tf.summary.FileWriter


def run(config: Config, data: mnist.Dataset, signals: Sequence[int] = ()) -> float:
    """Train to the last step, from the first or from where an earlier run stopped, and fill `config.logdir`.

    Args:
        config: of the run.
        data: to train and test with.
        signals: as from `signals.deferred_signals`: once there is one, the run ends its step, saves and stops.

    Returns:
        The accuracy in [0, 1] on all test digits.

    Raises:
        Interrupted: a signal came.
        UserError: the log directory cannot be written, a batch is larger than the data, the loss is not finite.
    """
    program = build_program(config)
    saved = Checkpoints(config.logdir, program.saver)
    with tf.Session(graph=program.graph) as session:
        start = saved.resume_or_start(
            session, program.initialise, run_identity(config, data), config.steps, config.fresh
        )
        with _writer(config, layout.TRAIN, start) as train, _writer(config, layout.TEST, start) as test:
            if start == 0:
                train.add_event(tf.Event(graph_def=program.picture.SerializeToString()))
            else:
                _report_damage(config)
            writers = Writers(train, test)
            steps_taken = steps(session, program, config, data, writers, start)
            with contextlib.closing(progress.show_progress(steps_taken, start, config.steps)) as shown:
                for step in shown:
                    done = step + 1
                    if done < config.steps and (signals or done % config.checkpoint_every == 0):
                        _flush(writers)
                        _save(session, program, saved, done)
                        if signals:
                            raise Interrupted(f"stopped at step {done} of {config.steps}", signals[0])
            accuracy = evaluate(session, program.network, data.test)[1]
            projector.write_projector(
                session, program.network, data.test, os.path.join(config.logdir, layout.PROJECTOR)
            )
            _flush(writers)
        # Last of all: from here on the run counts as finished.
        _save(session, program, saved, config.steps)
    return accuracy


def steps(
    session: tf.Session, program: Program, config: Config, data: mnist.Dataset, writers: Writers, start: int = 0
) -> Iterator[Tuple[int, float, Optional[float]]]:
    """Train from step `start` on, and write what is due at each step before its update.

    The last step, `config.steps`, only looks.

    Yields:
        step, loss of its batch, and the batch's accuracy in [0, 1] where it was due, else None.
    """
    net, batches = program.network, mnist.batches(data.train, config.batch_size, config.seed, start)
    traced, losses = {config.steps // 4, config.steps // 2, config.steps * 3 // 4}, _recorded_losses(config, start)
    for step in range(start, config.steps + 1):
        last = step == config.steps
        pictured = last or step % config.image_every == 0
        fetches = {"loss": net.loss}
        if last or step % config.summary_every == 0:
            fetches.update(accuracy=net.accuracy, scalars=program.scalars)
        if last or step % config.histogram_every == 0:
            check_weights(session, program, step)
            fetches.update(histograms=program.histograms)
        if pictured:
            _record_images(session, program, data, writers, step, traced=last)
        if last or step % config.test_every == 0:
            _record_test(session, program, config, data.test, writers.test, step)
        if not last:
            fetches.update(train=program.train)
        images, labels = next(batches)
        feed = {net.images: images, net.labels: labels, net.keep_prob: config.keep_prob}
        got = _run(session, fetches, feed, writers.train, step, f"step {step}" if step in traced else None)
        nan_guard.check_finite("loss", got["loss"], step)
        if "scalars" in got:
            nan_guard.check_summary(got["scalars"], step)
            writers.train.add_summary(got["scalars"], step)
            losses.append(got["loss"])
        if pictured:
            writers.train.add_summary(session.run(program.sound, {program.samples: sonify.loss_to_tone(losses)}), step)
        if "histograms" in got:
            # The weights are the same for both runs, and counting fc1's 3.2 million of them is dear.
            writers.train.add_summary(got["histograms"], step)
            writers.test.add_summary(got["histograms"], step)
        yield step, got["loss"], got.get("accuracy")


def evaluate(session: tf.Session, net: network.Network, digits: mnist.Digits) -> Tuple[float, float]:
    """Loss a digit, and accuracy in [0, 1], over all of `digits`, without dropout."""
    loss = correct = 0.0
    for begin in range(0, len(digits.labels), CHUNK):
        images, labels = digits.images[begin : begin + CHUNK], digits.labels[begin : begin + CHUNK]
        feed = {net.images: mnist.scale_pixels(images), net.labels: mnist.one_hot(labels), net.keep_prob: 1.0}
        found_loss, found_accuracy = session.run([net.loss, net.accuracy], feed)
        loss += found_loss
        correct += found_accuracy * len(labels)
    return loss / len(digits.labels), correct / len(digits.labels)


def check_weights(session: tf.Session, program: Program, step: int) -> None:
    """See to it that no weight has become NaN or infinite, by the means and bounds that the scalars show.

    Raises:
        UserError: one has; it is named.
    """
    net = program.network
    nan_guard.check_summary(session.run(program.scalars, {net.loss: 0.0, net.accuracy: 0.0}), step)


def one_of_each(digits: mnist.Digits) -> np.ndarray:
    """Ten images, uint8 [10, 784], always the same: the first of each class; others where a class is missing."""
    first = [np.flatnonzero(digits.labels == label)[:1] for label in range(mnist.CLASSES)]
    chosen = [int(index) for found in first for index in found]
    rest = [index for index in range(len(digits.labels)) if index not in chosen]
    return digits.images[(chosen + rest)[:SHOWN]]


def _writer(config, part, start):
    """A writer whose first event tells TensorBoard to drop what an interrupted run wrote from step `start` on."""
    writer = event_writer.FileWriter(os.path.join(config.logdir, part))
    writer.add_session_log(tf.SessionLog(status=tf.SessionLog.START), start)
    return writer


def _flush(writers):
    """Have the disk hold the events first: a power cut may otherwise take those of steps before a checkpoint."""
    for writer in writers:
        writer.flush()


def _report_damage(config):
    """Tell which event files of the run that is resumed are damaged: its curves have gaps there."""
    for part in (layout.TRAIN, layout.TEST):
        folder = os.path.join(config.logdir, part)
        for file in event_reader.read_run(part, folder, event_reader.event_files(folder)).files:
            if file.bytes_read < file.size:
                path = os.path.join(folder, file.name)
                print(f"{path} is damaged: TensorBoard shows its first {file.records:,} records only")


def _recorded_losses(config, start):
    """The loss curve before step `start`, so that a run that is taken up again sounds as if it had never stopped."""
    if start == 0:
        return []
    logging.getLogger("tensorboard").setLevel(logging.ERROR)  # it would warn of the steps that are taken again
    found = EventAccumulator(os.path.join(config.logdir, layout.TRAIN), {"scalars": 0}).Reload()
    losses = found.Scalars("loss") if "loss" in found.Tags()["scalars"] else []
    return [event.value for event in losses if event.step < start]


def _save(session, program, saved, step):
    check_weights(session, program, step)  # the one before is worth more than one that holds a NaN
    saved.save(session, step)


def _record_images(session, program, data, writers, step, traced):
    """Ten training digits in the train run, ten test digits in the test run, as in the 2018 program."""
    for digits, writer in zip((data.train, data.test), writers):
        feed = {program.network.images: mnist.scale_pixels(one_of_each(digits))}
        tag = f"step {step}, pictures" if traced and writer is writers.train else None
        writer.add_summary(_run(session, program.images, feed, writer, step, tag), step)


def _record_test(session, program, config, digits, writer, step):
    """The same summaries as in training, with the test's loss and accuracy put in for a batch's.

    The loss is summed over a batch, so the test's is scaled to one too: the two curves share their axis.
    """
    net, tested = program.network, mnist.Digits(digits.images[:TESTED], digits.labels[:TESTED])
    loss, accuracy = evaluate(session, net, tested)
    summary = session.run(program.scalars, {net.loss: loss * config.batch_size, net.accuracy: accuracy})
    writer.add_summary(summary, step)


def _run(session, fetches, feed, writer, step, tag):
    """session.run; with a tag also traced, so that the GRAPHS dashboard can show time and memory under that name."""
    if tag is None:
        return session.run(fetches, feed)
    metadata = tf.RunMetadata()
    options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
    with tf_setup.filter_stderr():
        got = session.run(fetches, feed, options=options, run_metadata=metadata)
    writer.add_run_metadata(metadata, tag, step)
    return got

"""损失函数和准确率的变化: the training loop, with its session and writers."""

import contextlib
import logging
import os
from typing import Iterator, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import tensorflow.compat.v1 as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from legacy_graph import tf_setup
from legacy_graph.article import network
from legacy_graph.cluster.session import open_session
from legacy_graph.cluster.tf_config import Cluster
from legacy_graph.config import Config
from legacy_graph.data import mnist
from legacy_graph.errors import Interrupted
from legacy_graph.logdir import event_reader, event_writer, kept_kernels, layout
from legacy_graph.logdir.identity import run_identity
from legacy_graph.training import kernels, nan_guard, progress, projector, sonify
from legacy_graph.training.checkpoints import Checkpoints
from legacy_graph.training.program import Program, build_program

TESTED = 1000  # digits in a test summary
CHUNK = 500  # digits in one forward pass of an evaluation
SHOWN = 10  # digits in the IMAGES dashboard


class Writers(NamedTuple):
    train: tf.summary.FileWriter
    test: tf.summary.FileWriter


def run(config: Config, data: mnist.Dataset, signals: Sequence[int] = (), cluster: Optional[Cluster] = None) -> float:
    """Train to the last step, from step 0 or from the last checkpoint, and fill `config.logdir`.

    Args:
        config: of the run.
        data: for training and testing.
        signals: as from `signals.deferred_signals`: after a signal the run finishes its step, saves and stops.
        cluster: whose workers share each batch; None uses this machine alone.

    Returns:
        The accuracy in [0, 1] on all test digits.

    Raises:
        Interrupted: a signal arrived.
        TaskError: a task of the cluster does not answer.
        UserError: the log directory cannot be written, a batch is larger than the data, the loss is not finite.
    """
    program = build_program(config, cluster)
    saved = Checkpoints(config.logdir, program.saver)
    with open_session(program.graph, cluster, signals) as session:
        start = saved.resume_or_start(
            session, program.initialise, run_identity(config, data), config.steps, config.fresh
        )
        kept_kernels.remove_from(config.logdir, start)
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
        # Saved last: with this checkpoint the run counts as finished.
        _save(session, program, saved, config.steps)
    return accuracy


def steps(
    session: tf.Session, program: Program, config: Config, data: mnist.Dataset, writers: Writers, start: int = 0
) -> Iterator[Tuple[int, float, Optional[float]]]:
    """Train from step `start`; before the update of a step, write its summaries and its kernels if they are due.

    The last step, `config.steps`, evaluates without updating.

    Yields:
        step, loss of the batch, accuracy of the batch in [0, 1] or None if it was not computed.
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
            check_weights(session, program, step)
            kernels.keep(session, net, config.logdir, step)
            _record_images(session, program, data, writers, step, traced=last)
        if last or step % config.test_every == 0:
            _record_test(session, program, config, data.test, writers.test, step)
        if not last:
            fetches.update(train=program.train)
        images, labels = next(batches)
        feed = network.feed(net, images, labels, config.keep_prob)
        got = _run(session, fetches, feed, writers.train, step, f"step {step}" if step in traced else None)
        nan_guard.check_finite("loss", got["loss"], step)
        if "scalars" in got:
            nan_guard.check_summary(got["scalars"], step)
            writers.train.add_summary(got["scalars"], step)
            losses.append(got["loss"])
        if pictured:
            writers.train.add_summary(session.run(program.sound, {program.samples: sonify.loss_to_tone(losses)}), step)
        if "histograms" in got:
            # Computed once for both runs: the weights are the same, and the histogram of fc1 is slow.
            writers.train.add_summary(got["histograms"], step)
            writers.test.add_summary(got["histograms"], step)
        yield step, got["loss"], got.get("accuracy")


def evaluate(session: tf.Session, net: network.Network, digits: mnist.Digits) -> Tuple[float, float]:
    """Mean loss per digit and accuracy in [0, 1] on all of `digits`, without dropout."""
    loss = correct = 0.0
    for begin in range(0, len(digits.labels), CHUNK):
        images, labels = digits.images[begin : begin + CHUNK], digits.labels[begin : begin + CHUNK]
        feed = network.feed(net, mnist.scale_pixels(images), mnist.one_hot(labels))
        found_loss, found_accuracy = session.run([net.loss, net.accuracy], feed)
        loss += found_loss
        correct += found_accuracy * len(labels)
    return loss / len(digits.labels), correct / len(digits.labels)


def check_weights(session: tf.Session, program: Program, step: int) -> None:
    """Check that no weight is NaN or infinite, with the mean, stddev, max and min of the scalar summaries.

    Raises:
        UserError: a weight is not finite; names its tag.
    """
    net = program.network
    nan_guard.check_summary(session.run(program.scalars, {net.loss: 0.0, net.accuracy: 0.0}), step)


def one_of_each(digits: mnist.Digits) -> np.ndarray:
    """The first image of each class, uint8 [10, 784]; if a class is missing, another image takes its place."""
    first = [np.flatnonzero(digits.labels == label)[:1] for label in range(mnist.CLASSES)]
    chosen = [int(index) for found in first for index in found]
    rest = [index for index in range(min(SHOWN, len(digits.labels))) if index not in chosen]
    return digits.images[(chosen + rest)[:SHOWN]]


def _writer(config, part, start):
    """A writer whose first event makes TensorBoard discard the events of an interrupted run from step `start`."""
    writer = event_writer.FileWriter(os.path.join(config.logdir, part))
    writer.add_session_log(tf.SessionLog(status=tf.SessionLog.START), start)
    return writer


def _flush(writers):
    """Sync the events before a checkpoint: else a power cut could lose events of steps before it."""
    for writer in writers:
        writer.flush()


def _report_damage(config):
    """Print the damaged event files of the resumed run: its curves have gaps there."""
    for part in (layout.TRAIN, layout.TEST):
        folder = os.path.join(config.logdir, part)
        for file in event_reader.read_run(part, folder, event_reader.event_files(folder)).files:
            if file.bytes_read < file.size:
                path = os.path.join(folder, file.name)
                print(f"{path} is damaged: TensorBoard shows its first {file.records:,} records only")


def _recorded_losses(config, start):
    """The loss curve before step `start`, so that the sound of a resumed run equals that of an uninterrupted one."""
    if start == 0:
        return []
    logging.getLogger("tensorboard").setLevel(logging.ERROR)  # it would warn about repeated steps
    found = EventAccumulator(os.path.join(config.logdir, layout.TRAIN), {"scalars": 0}).Reload()
    losses = found.Scalars("loss") if "loss" in found.Tags()["scalars"] else []
    return [event.value for event in losses if event.step < start]


def _save(session, program, saved, step):
    check_weights(session, program, step)  # keep the previous checkpoint instead of one with a NaN
    saved.save(session, step)


def _record_images(session, program, data, writers, step, traced):
    """Ten training digits in the train run, ten test digits in the test run, as in the 2018 program."""
    for digits, writer in zip((data.train, data.test), writers):
        feed = {program.network.images: mnist.scale_pixels(one_of_each(digits))}
        tag = f"step {step}, pictures" if traced and writer is writers.train else None
        writer.add_summary(_run(session, program.images, feed, writer, step, tag), step)


def _record_test(session, program, config, digits, writer, step):
    """Write the scalar summaries of training with the loss and accuracy of the test digits.

    The training loss is a sum over a batch, so the test loss is scaled to a batch: both curves share one axis.
    """
    net, tested = program.network, mnist.Digits(digits.images[:TESTED], digits.labels[:TESTED])
    loss, accuracy = evaluate(session, net, tested)
    summary = session.run(program.scalars, {net.loss: loss * config.batch_size, net.accuracy: accuracy})
    writer.add_summary(summary, step)


def _run(session, fetches, feed, writer, step, tag):
    """session.run; with a tag also trace it, so that GRAPHS can show compute time and memory under this tag."""
    if tag is None:
        return session.run(fetches, feed)
    metadata = tf.RunMetadata()
    options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
    with tf_setup.filter_stderr():
        got = session.run(fetches, feed, options=options, run_metadata=metadata)
    writer.add_run_metadata(metadata, tag, step)
    return got

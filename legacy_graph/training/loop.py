"""损失函数和准确率的变化: the training loop, with its session and writers."""

import contextlib
import logging
import os
from typing import Iterator, Optional, Sequence, Tuple

import tensorflow.compat.v1 as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from legacy_graph.article import network
from legacy_graph.cluster.session import open_session
from legacy_graph.cluster.tf_config import Cluster
from legacy_graph.config import Config
from legacy_graph.data import mnist
from legacy_graph.data.ahead import run_together
from legacy_graph.data.class_names import class_names
from legacy_graph.errors import Interrupted, UserError
from legacy_graph.logdir import event_reader, event_writer, kept_kernels, layout
from legacy_graph.logdir.identity import run_data, run_identity
from legacy_graph.training import kernels, nan_guard, progress, projector, recorded_spots, recording, sonify
from legacy_graph.training.checkpoints import Checkpoints
from legacy_graph.training.learning import sheet_calls, summarize_scalars
from legacy_graph.training.program import Program, build_program
from legacy_graph.training.recording import Writers


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
        for kept in (kept_kernels, recorded_spots):
            kept.remove_from(config.logdir, start)
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
            accuracy = recording.evaluate(session, program.network, data.test).accuracy
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
    first = _first_kernels(program, config, start)
    for step in range(start, config.steps + 1):
        due, fetches, sheets = recording.due(step, config), {"loss": net.loss}, {}
        if due.histograms or due.images:
            recording.check_weights(session, program, step)
        if due.scalars:
            fetches.update(accuracy=net.accuracy, scalars=program.scalars)
        if due.histograms:
            fetches.update(histograms=program.histograms, activations=program.learning.activations)
        if due.images:
            fetches.update(sheets=program.learning.sheets)
        if due.images or due.test:
            first, sheets = _record_evaluation(session, program, config, data, writers, step, due, first)
        if step < config.steps:
            fetches.update(train=program.train)
        images, labels = next(batches)
        feed = {**network.feed(net, images, labels, config.keep_prob), **sheets}
        got = recording.run_traced(
            session, fetches, feed, writers.train, step, f"step {step}" if step in traced else None
        )
        nan_guard.check_finite("loss", got["loss"], step)
        if due.scalars:
            nan_guard.check_summary(got["scalars"], step)
            writers.train.add_summary(got["scalars"], step)
            losses.append(got["loss"])
        if due.images:
            writers.test.add_summary(got["sheets"], step)
            writers.train.add_summary(session.run(program.sound, {program.samples: sonify.loss_to_tone(losses)}), step)
        if due.histograms:
            writers.train.add_summary(got["activations"], step)
            # Computed once for both runs: the weights are the same, and the histogram of fc1 is slow.
            writers.train.add_summary(got["histograms"], step)
            writers.test.add_summary(got["histograms"], step)
        yield step, got["loss"], got.get("accuracy")


def _record_evaluation(session, program, config, data, writers, step, due, first):
    """Record the images, the test, what the maps have learned, and the kernels, each if due.

    One pass over the test digits serves all. `first` has the kernels of step 0; None if they are unknown.

    Returns:
        `first`, and the feed of `learning.sheets`, empty if no images are due.
    """
    net, learning, digits = program.network, program.learning, recording.tested_digits(data.test)
    evaluation = recording.evaluate(session, net, digits, learning.probes, due.test)
    strongest, present = evaluation.strongest, session.run(kernels.variables(net))
    first = present if step == 0 else first
    sheets, pictures, spots = {}, [], {}
    if due.images:
        names = class_names(run_data(config.logdir).known_name)

        def keep(probe, *found):
            spots[probe.layer.name] = recorded_spots.pack(step, digits, names, probe, *found)

        sheets = sheet_calls(session, net, learning, digits.images, strongest, present, keep)
        pictures = recording.image_calls(session, program, data, writers, step, traced=step == config.steps)

    def compare():
        return first and summarize_scalars(session, learning, strongest, present, first)

    *results, learned = run_together([*sheets.values(), *pictures, compare])
    if due.images:
        kept_kernels.write(config.logdir, step, present)
        for layer, content in spots.items():
            recorded_spots.write(config.logdir, step, layer, content)
    if due.test:
        recording.record_test(session, program, config, evaluation, writers.test, step)
    if learned:
        writers.test.add_summary(learned, step)
    return first, dict(zip(sheets, results))


def _first_kernels(program, config, start):
    """The kernels of step 0; None if they will come with that step, or if they are lost."""
    try:
        return kernels.read(program.graph, config.logdir, 0) if start else None
    except UserError as error:
        damage = str(error) if 0 in kept_kernels.kept_steps(config.logdir) else "The run has not kept them."
        print(f"The curves learned/ and dead are not continued, because they need the kernels of step 0. {damage}")
        return None


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
    events = EventAccumulator(os.path.join(config.logdir, layout.TRAIN), {"scalars": 0}).Reload()
    losses = events.Scalars("loss") if "loss" in events.Tags()["scalars"] else []
    return [event.value for event in losses if event.step < start]


def _save(session, program, saved, step):
    recording.check_weights(session, program, step)  # keep the previous checkpoint instead of one with a NaN
    saved.save(session, step)

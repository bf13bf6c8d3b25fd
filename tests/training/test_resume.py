"""A run that was stopped and resumed leaves the same files as a run that was never stopped, bit for bit."""

import os
import shutil

import pytest
from tensorboard.backend.event_processing import plugin_event_accumulator
from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer

from legacy_graph.config import Config
from legacy_graph.data import mnist
from legacy_graph.training import loop
from tests.support.faulty_runs import OPTIONS, assert_same, checkpoints, curves, damage, earlier


def test_stopped_and_taken_up_again(run, undisturbed):
    assert run(stop_at=6) == ""
    assert run.seen == list(range(7))
    assert checkpoints(run.logdir) == [0, 4, 7]
    assert run() == f"Resuming at step 7 of 12 the run in {run.logdir} (--fresh starts a new one)\n"
    assert run.seen == list(range(7, 13))
    assert checkpoints(run.logdir) == [7, 8, 12]
    assert_same(run.logdir, undisturbed)
    # The clip of step 12 has the losses before the stop too.
    assert [step for step, _ in curves(run.logdir)["train/loss_sound/audio"]] == [0, 6, 12]


def test_events_after_the_last_checkpoint_are_dropped(run, undisturbed, caplog):
    """As after a kill: the event files know of steps that no checkpoint knows of."""
    run(stop_at=10)
    for name in os.listdir(os.path.join(run.logdir, "checkpoints")):
        if name.startswith("model.ckpt-11"):
            os.remove(os.path.join(run.logdir, "checkpoints", name))
    assert curves(run.logdir)["train/loss"][-1][0] == 10
    caplog.clear()
    assert "Resuming at step 8 of 12" in run()
    assert caplog.messages == []  # TensorBoard's reader would tell of its own doing here
    assert_same(run.logdir, undisturbed)
    # The reader behind TensorBoard's pages takes the first START for a beginning, and only the next for a new one.
    for part in ("train", "test"):
        folder = os.path.join(run.logdir, part)
        found = plugin_event_accumulator.EventAccumulator(folder, tensor_size_guidance={"scalars": 0}).Reload()
        steps = [event.step for event in found.Tensors("loss")]
        assert steps == list(range(0, 13, 1 if part == "train" else 4))


def test_an_event_that_was_cut_off_is_made_up_for(run, undisturbed):
    run(stop_at=7)
    folder = os.path.join(run.logdir, "train")
    (name,) = os.listdir(folder)
    with open(os.path.join(folder, name), "r+b") as file:
        file.truncate(os.fstat(file.fileno()).st_size - 5)
    damage(run.logdir, 8)
    damaged, resumed, cut = run().splitlines()
    assert damaged.startswith(os.path.join(run.logdir, "checkpoints", "model.ckpt-8") + " is damaged (")
    assert damaged.endswith("): trying the previous checkpoint")
    assert resumed.startswith("Resuming at step 4 of 12")
    assert cut.startswith(os.path.join(folder, name) + " is damaged: TensorBoard shows its first ")
    assert_same(run.logdir, undisturbed)


def test_with_no_whole_checkpoint_the_run_is_put_aside(run, undisturbed):
    run(stop_at=1)
    damage(run.logdir, 0, "index")
    os.remove(os.path.join(run.logdir, "checkpoints", "model.ckpt-2.data-00000-of-00001"))
    told = run().splitlines()
    assert [line.split(" is damaged")[0][-1] for line in told[:2]] == ["2", "0"]
    assert told[2].startswith(f"Starting a new run; the run in {run.logdir} is now in {run.logdir}/earlier/")
    assert run.seen == list(range(13))
    assert_same(run.logdir, undisturbed)


def test_a_finished_run_is_kept_whole_and_still_shown(run, undisturbed):
    shutil.copytree(undisturbed, run.logdir)
    before = curves(run.logdir)
    assert "Starting a new run" in run(seed=4)
    (when,) = earlier(run.logdir)
    shelf = os.path.join(run.logdir, "earlier", when)
    assert curves(shelf) == before
    assert_same(shelf, undisturbed)  # its checkpoints can be read where they are now
    assert curves(run.logdir)["train/loss"] != before["train/loss"]
    shown = EventMultiplexer().AddRunsFromDirectory(run.logdir).Runs()
    assert set(shown) >= {"train", "test", f"earlier/{when}/train", f"earlier/{when}/test"}
    assert "Starting a new run" in run(seed=4, stop_at=0)
    assert len(earlier(run.logdir)) == 2


def test_more_steps_go_on_from_a_finished_run(run, undisturbed):
    run(steps=6)
    assert "Resuming at step 6 of 12" in run()
    ours, theirs = curves(run.logdir), curves(undisturbed)
    assert ours["train/loss"] == theirs["train/loss"]
    assert [step for step, _ in ours["test/loss"]] == [0, 4, 8, 12]  # not 6, which was only the end of the first


@pytest.mark.parametrize(
    "options, told",
    [
        ({"learning_rate": 1e-4}, " with --learning-rate 0.001"),
        ({"batch_size": 10, "seed": 4}, " with --seed 3, --batch-size 20"),
        ({"steps": 5}, ""),  # fewer than the run has already taken
        ({"fresh": True}, ""),
    ],
)
def test_another_run_than_the_one_that_is_there_starts_anew(stopped, options, told):
    logdir, shelf = stopped.logdir, os.path.join(stopped.logdir, "earlier", "")
    assert f"Starting a new run; the run{told} in {logdir} is now in {shelf}" in stopped(stop_at=1, **options)
    assert stopped.seen == [0, 1]
    # What was put aside is a run like any other: it can be taken up where it is now.
    (when,) = earlier(logdir)
    stopped.logdir = shelf + when
    assert "Resuming at step 6 of 12" in stopped(stop_at=6)


def test_other_intervals_are_the_same_run(stopped):
    told = stopped(stop_at=6, summary_every=5, checkpoint_every=7, image_every=100)
    assert "Resuming at step 6 of 12" in told


def test_the_weights_alone_are_enough_to_go_on(stopped):
    """As when the event files were removed by hand: the curves begin anew, the training does not."""
    shutil.rmtree(os.path.join(stopped.logdir, "train"))
    assert "Resuming at step 6 of 12" in stopped()
    assert [step for step, _ in curves(stopped.logdir)["train/loss"]] == list(range(6, 13))


def test_other_data_are_another_run(stopped, data):
    images = data.train.images.copy()
    images[0, 0] = 1
    config = Config(logdir=stopped.logdir, **dict(OPTIONS, steps=1))
    loop.run(config, data._replace(train=mnist.Digits(images, data.train.labels)))
    assert len(earlier(stopped.logdir)) == 1

"""FeaturesHook in a directory that has results: a training that goes on is recorded once, another one is refused."""

import pytest
import tensorflow.compat.v1 as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import legacy_graph
from legacy_graph.visualize.rank_correlation import rank_correlation
from tests.support.plain_loop import Plain, plain_session


def test_a_resumed_training_goes_on(tmp_path):
    """The rank correlation is that with the kernels of step 0, which the first training has kept."""
    with plain_session() as (plain, session):
        plain.hook(tmp_path).record(session, 0)
        first = session.run(plain.kernel)
    with plain_session() as (plain, session):
        plain.hook(tmp_path).record(session, 20)
        second = session.run(plain.kernel)
        with pytest.raises(legacy_graph.UserError, match="expected a directory without results of another training"):
            plain.hook(tmp_path).record(session, 0)
    events = EventAccumulator(str(tmp_path / "learning")).Reload()
    found = {event.step: event.value for event in events.Scalars("learned/first")}
    assert found == pytest.approx({0: 1.0, 20: rank_correlation(first.ravel(), second.ravel())}, abs=1e-6)


def test_another_training_is_refused_whatever_its_first_step(tmp_path):
    """A loop that counts its steps from 1 records step 1 first."""
    with plain_session() as (plain, session):
        hook = plain.hook(tmp_path)
        for step in (1, 20):
            hook.record(session, step)
        with pytest.raises(legacy_graph.UserError, match="expected a directory without results of another training"):
            plain.hook(tmp_path).record(session, 1)


def monitored(logdir, hook=None):
    """Train a new network for two steps with a MonitoredTrainingSession; returns the hook."""
    with tf.Graph().as_default():
        plain = Plain()
        train = [plain.add, tf.train.get_or_create_global_step().assign_add(1)]
        hook = hook or plain.hook(logdir)
        with tf.train.MonitoredTrainingSession(hooks=[tf.train.StopAtStepHook(2), hook]) as session:
            while not session.should_stop():
                session.run(train)
        return hook


def test_a_hook_does_not_mix_two_trainings(tmp_path):
    hook = monitored(tmp_path)
    assert hook.recorded == [0, 2]
    with pytest.raises(legacy_graph.UserError, match="expected a directory without results of another training"):
        monitored(tmp_path, hook)


def test_steps_that_are_trained_again_are_recorded_once(tmp_path):
    """The session is lost at step 30, and goes on from step 10; a later training goes on from step 15."""
    with tf.Graph().as_default() as graph, tf.Session() as session:
        plain, number = Plain(), tf.train.get_or_create_global_step()
        chosen = tf.placeholder(tf.int64, [])
        session.run([plain.initialize, number.initializer])
        choose, context = number.assign(chosen), tf.train.SessionRunContext(None, session)
        graph.finalize()
        for hook, begins in ((plain.hook(tmp_path), (0, 10)), (plain.hook(tmp_path), (15,))):
            hook.begin()
            for begin in begins:
                session.run(choose, {chosen: begin})
                hook.after_create_session(session, None)
                for step in (20, 25):
                    session.run(choose, {chosen: step})
                    hook.after_run(context, None)
            hook.end(session)
            assert hook.recorded == [20, 25] if begins == (15,) else [0, 20, 25]
    events = EventAccumulator(str(tmp_path / "learning"), {"scalars": 0, "images": 0}).Reload()
    for read, tag in ((events.Scalars, "learned/first"), (events.Images, "features/first")):
        assert [event.step for event in read(tag)] == [0, 20, 25]

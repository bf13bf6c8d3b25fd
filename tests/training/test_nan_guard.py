"""Weights or losses that are not finite stop a run before anything is saved."""

import os

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.errors import UserError
from legacy_graph.training import loop, nan_guard
from tests.support.faulty_runs import checkpoints, curves


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_loss_that_is_not_finite_is_refused(value):
    with pytest.raises(UserError, match=f"^loss: expected a finite number at step 3, found {value}; "):
        nan_guard.check_finite("loss", value, 3)


def test_a_weight_that_is_not_finite_stops_the_run_unsaved(run, monkeypatch):
    """Half way a weight becomes NaN where no loss shows it: behind a ReLU that is shut."""
    saved = []
    real = loop._save

    def save(session, program, checkpoints, step):
        if step == 8:
            bias = [v for v in program.graph.get_collection("variables") if v.op.name.startswith("conv2/bias")][0]
            broken = np.zeros(64, np.float32)
            broken[5] = np.inf
            session.run(bias.initializer, {bias.initializer.inputs[1]: broken})
        real(session, program, checkpoints, step)
        saved.append(step)

    monkeypatch.setattr(loop, "_save", save)
    with pytest.raises(
        UserError, match=r"^conv2/bias/summaries/\w+: expected a finite number at step 8, found (inf|nan)"
    ):
        run()
    assert saved == [4]
    assert checkpoints(run.logdir) == [0, 4]


def test_no_nan_reaches_a_histogram(run, data):
    with pytest.raises(
        UserError, match=r"expected a finite number at step \d+, found nan; use a smaller --learning-rate"
    ):
        run(learning_rate=1e6, histogram_every=1)
    histograms = {tag: events for tag, events in curves(run.logdir).items() if tag.endswith("histogram")}
    assert len(histograms) == 16
    for events in histograms.values():
        assert all(np.isfinite(histogram.sum_squares) for _, histogram in events)
    assert checkpoints(run.logdir) == [0]
    assert tf.train.load_checkpoint(os.path.join(run.logdir, "checkpoints")).get_tensor("input/step") == 0

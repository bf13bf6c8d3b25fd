"""The same source gives the same numbers on TensorFlow 1.15 and 2.21: bash run.sh agreement

The tests start both in child processes and compare their results. The environment of the other TensorFlow is the one
that run.sh creates, or the Python that LEGACY_GRAPH_TF1 or LEGACY_GRAPH_TF2 names.
"""

import functools
import os

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.support.agreement_table import COMPUTED, INITIAL, LIMIT, LIMITS, LOSSES, MASK, MOVED, SCALARS
from tests.support.both_tensorflows import MAJORS, OTHER, drive
from tests.support.program import SAMPLE

pytestmark = pytest.mark.agreement
BEGUN, FINISHED = 10, 20  # steps
# In gradients, TensorFlow 1.15 computes shapes at run time that 2.21 knows while building the graph.
SHAPING = {"BroadcastGradientArgs", "Const", "Fill", "Reshape", "Shape", "Sum"}


def train(major, logdir, steps):
    words = ["--batch-size", "20", "--keep-prob", "0.5", "--summary-every", "1", "--histogram-every", "10"]
    drive(major, "legacy_graph", "train", "--logdir", logdir, "--data-dir", SAMPLE, "--steps", str(steps), *words)


def read(logdir, run):
    return EventAccumulator(os.path.join(logdir, run), {"scalars": 0}).Reload()


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A run of ten steps on each: {major: (log directory, {"train" or "test": tags})}."""
    logs = {}
    for major in MAJORS:
        logdir = str(tmp_path_factory.mktemp("tensorflow" + major) / "log")
        train(major, logdir, BEGUN)
        logs[major] = logdir, {run: read(logdir, run).Tags() for run in ("train", "test")}
    return logs


@pytest.fixture(scope="module")
def measured(begun, tmp_path_factory):
    """A function of (TensorFlow that trained, TensorFlow that computes, oneDNN "0" or "1"): the output of worker.py."""

    @functools.lru_cache(maxsize=None)
    def measure(trained_on, major, onednn):
        checkpoint = os.path.join(begun[trained_on][0], "checkpoints", f"model.ckpt-{BEGUN}")
        out = str(tmp_path_factory.mktemp("found") / "found.npz")
        drive(major, "tests.agreement.worker", checkpoint, out, TF_ENABLE_ONEDNN_OPTS=onednn)
        return np.load(out)

    return measure


@pytest.fixture
def onednn(request):
    """Whether `found` has the results of 2.21 with oneDNN."""
    return request.node.callspec.params["found"][1] == "1"


@pytest.fixture(params=[("1", "0"), ("2", "0"), ("1", "1"), ("2", "1")], ids="weights of {0[0]}, oneDNN {0[1]}".format)
def found(request, measured):
    """The results of both for one checkpoint: {major: arrays}. The wheels of 1.15 have no oneDNN."""
    trained_on, onednn = request.param
    return {"1": measured(trained_on, "1", "0"), "2": measured(trained_on, "2", onednn)}


def difference(one, other):
    """The largest difference, relative to the largest magnitude."""
    one, other = np.asarray(one, "d"), np.asarray(other, "d")
    assert one.shape == other.shape
    assert np.abs(one).max() > 0
    return np.abs(one - other).max() / np.abs(one).max()


def test_one_is_tensorflow_1_and_the_other_2(found):
    for major, everything in found.items():
        assert str(everything["tensorflow"]).startswith(major + ".")


def test_the_same_seed_gives_identical_initial_values(found, onednn, record):
    names = [name for name in found["1"].files if name.startswith("first/")]
    assert len(names) == 8 + 3
    for name in names:
        np.testing.assert_array_equal(found["1"][name], found["2"][name], name)
        assert name.endswith("bias/Variable") or found["1"][name].std() > 0.05
        record(INITIAL, onednn, difference(found["1"][name], found["2"][name]))


def test_forward_backward_and_every_scalar_summary(found, onednn, record):
    """All images and probabilities of 50 test digits, with weights that either TensorFlow has written."""
    scalars = sorted(name for name in found["1"].files if name.startswith("scalar/"))
    assert len(scalars) == 2 + 8 * 4
    assert scalars == sorted(name for name in found["2"].files if name.startswith("scalar/"))
    differences = {name: difference(found["1"][name], found["2"][name]) for name in COMPUTED + scalars}
    worst = max(scalars, key=differences.get)
    assert {name: value for name, value in differences.items() if value > LIMIT} == {}
    for name in COMPUTED:
        record(name, onednn, differences[name])
    record(SCALARS, onednn, differences[worst])


def test_dropout_keeps_the_same_units(found, onednn, record):
    assert 0.45 < found["1"]["mask"].mean() < 0.55
    np.testing.assert_array_equal(found["1"]["mask"], found["2"]["mask"])
    record(MASK, onednn, difference(found["1"]["mask"], found["2"]["mask"]))


def test_twenty_steps_from_the_same_weights(found, onednn, record):
    losses = [found[major]["losses"] for major in MAJORS]
    assert losses[0].shape == (20,)
    assert losses[0][-1] < losses[0][0]
    worst = difference(losses[0] / losses[1], np.ones(20))
    assert worst < LIMITS[LOSSES]
    record(LOSSES, onednn, worst)


def test_node_names_are_the_same(found):
    """Except for shape operations in `train/gradients`, which TensorFlow creates and names."""
    one, two = [dict(zip(found[major]["names"].tolist(), found[major]["ops"].tolist())) for major in MAJORS]
    for scope in ("input", "input_image", "conv1", "conv2", "fc1", "fc2", "loss", "accuracy", "train", "deconv"):
        assert any(name.startswith(scope + "/") for name in one)
    for name in set(one) ^ set(two):
        assert name.startswith("train/gradients/"), name
        assert one.get(name, two.get(name)) in SHAPING, name
    changed = {(one[name], two[name]) for name in set(one) & set(two) if not name.startswith("train/gradients/")}
    assert {pair for pair in changed if pair[0] != pair[1]} == {("Add", "AddV2")}  # 2.21 uses the newer operation


def test_the_event_files_hold_the_same_tags(begun):
    (_, one), (_, two) = begun["1"], begun["2"]
    assert one == two
    assert "loss" in one["train"]["scalars"]
    assert "deconv2/image/9" in one["test"]["images"]


def test_a_run_moves_from_one_tensorflow_to_the_other(begun, record):
    losses = []
    for major in MAJORS:
        logdir = begun[major][0]
        train(OTHER[major], logdir, FINISHED)
        events = read(logdir, "train").Scalars("loss")
        assert [event.step for event in events] == list(range(FINISHED + 1))
        losses.append(np.array([event.value for event in events]))
    worst = difference(losses[0] / losses[1], np.ones(FINISHED + 1))
    assert worst < LIMITS[MOVED]
    record(MOVED, True, worst)

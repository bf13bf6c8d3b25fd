"""features --steps: the results of a step equal those of a run that was stopped there, and all steps stay."""

import os
import pathlib
import shutil

import numpy as np
import pytest

from legacy_graph.__main__ import main
from legacy_graph.visualize import evolution
from tests.support.program import SAMPLE, SHORT_RUN
from tests.support.published import assert_refused, events_of, read_npz, tree

MAPS, ENDING = ["--maps", "3,7", "--data-dir", SAMPLE], "-maps=3,7"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """(copy of a run at step 10 with results of it; the same run, resumed to step 30, with results of all steps)."""
    logdir = str(tmp_path_factory.mktemp("steps") / "log")
    train = ["train", "--logdir", logdir, "--data-dir", SAMPLE, *SHORT_RUN]
    features = ["features", "--logdir", logdir, "--layer", "conv1,conv2", *MAPS]
    assert main([*train, "--steps", "10"]) == main(features) == 0
    stopped = logdir + "-stopped"
    shutil.copytree(os.path.join(logdir, "features"), os.path.join(stopped, "features"))
    assert main(train) == main([*features, "--steps", "all"]) == 0
    yield stopped, logdir
    shutil.rmtree(os.path.dirname(logdir))


@pytest.mark.parametrize("layer", ["conv1", "conv2"])
def test_a_step_equals_a_run_that_was_stopped_there(runs, layer):
    stopped, logdir = [os.path.join(run, "features", layer + ENDING) for run in runs]
    ours, theirs = read_npz(os.path.join(logdir, "features-10.npz")), read_npz(os.path.join(stopped, "features.npz"))
    del theirs["occlusion"]  # only the last step of --steps has it
    assert sorted(ours) == sorted(theirs)  # the first run's last step has a checkpoint, so the classes are known too
    assert [name for name in ours if ours[name].tobytes() != theirs[name].tobytes()] == []
    for ending in ("png", "csv"):
        found = [pathlib.Path(stopped, "features." + ending), pathlib.Path(logdir, "features-10." + ending)]
        assert found[0].read_bytes() == found[1].read_bytes()


@pytest.mark.parametrize("layer", ["conv1", "conv2"])
@pytest.mark.parametrize("name", ["features-0.npz", "features-10.npz", "features-20.npz", "features.npz"])
def test_the_run_has_recorded_the_strongest_of_these_spots(runs, layer, name):
    """`train` itself writes the strongest spot of each map, over the same 1,000 digits."""
    folder = os.path.join(runs[1], "features", layer)
    features = read_npz(folder + ENDING, name)
    recorded = read_npz(folder + "-training", f"features-{features['step']}.npz")
    rows = features["maps"]
    for array in ("images", "places"):
        np.testing.assert_array_equal(recorded[array][rows], features[array][:, :1])
    for array in ("activations", "projections"):
        np.testing.assert_allclose(recorded[array][rows], features[array][:, :1], rtol=1e-5, atol=1e-6)
    for array in ("labels", "class_names", "receptive_field", "channels", "method"):
        np.testing.assert_array_equal(recorded[array], features[array])
    drawn = np.searchsorted(recorded["input_numbers"], features["images"][:, 0])
    known = np.searchsorted(features["input_numbers"], features["images"][:, 0])
    np.testing.assert_array_equal(recorded["inputs"][drawn], features["inputs"][known])


def test_classes_need_a_checkpoint(runs):
    """Of the steps 0, 10, 20 and 30, the checkpoints that are left are of 0, 10 and 30."""
    folder = os.path.join(runs[1], "features", "conv2" + ENDING)
    known = {step: "answers" in read_npz(os.path.join(folder, f"features-{step}.npz")) for step in (0, 10, 20)}
    assert known == {0: True, 10: True, 20: False}
    newest = read_npz(os.path.join(folder, "features.npz"))
    assert (newest["step"], "answers" in newest, "occlusion" in newest) == (30, True, True)


@pytest.mark.parametrize("layer", ["conv1", "conv2"])
def test_all_steps_are_in_images_in_their_order(runs, layer):
    shown = events_of(os.path.join(runs[1], "features", layer + ENDING))
    assert [step for step, _ in shown["features/sheet"]] == [0, 10, 20, 30]
    assert [step for step, _ in shown["features/map 07"]] == [0, 10, 20, 30]
    assert [step for step, _ in shown["evolution/sheet"]] == [30]
    ((_, before),) = events_of(os.path.join(runs[0], "features", layer + ENDING))["features/sheet"]
    assert np.array_equal(shown["features/sheet"][1][1], before)


def test_the_sheet_is_drawn_from_the_results(runs):
    """The column of step 10 comes from the results of the stopped run, byte for byte."""
    stopped, logdir = [os.path.join(run, "features", "conv2" + ENDING) for run in runs]
    columns = {step: evolution.read_column(read_npz(os.path.join(logdir, f"features-{step}.npz"))) for step in (0, 20)}
    columns[10] = evolution.read_column(read_npz(os.path.join(stopped, "features.npz")))
    columns[30] = evolution.read_column(read_npz(os.path.join(logdir, "features.npz")))
    expected = evolution.draw_steps(columns, "conv2, over 1,000 digits")
    assert np.array_equal(events_of(logdir)["evolution/sheet"][0][1], expected)


def test_chosen_steps_stand_beside_all_steps(runs, tmp_path, capsys):
    logdir = str(tmp_path / "log")
    shutil.copytree(runs[1], logdir)
    before = tree(os.path.join(logdir, "features"))
    assert main(["features", "--logdir", logdir, "--steps", "20,0", *MAPS]) == 0
    folder = os.path.join(logdir, "features", "conv2-maps=3,7-steps=20,0")
    printed = capsys.readouterr().out
    assert f"Evolution sheet: {os.path.join(folder, 'evolution.png')}" in printed
    assert printed.count("equal share of the signal") == 1  # a note of all steps is printed once
    after = tree(os.path.join(logdir, "features"))
    assert {path: after[path] for path in before} == before
    assert {os.path.dirname(path) for path in set(after) - set(before)} == {folder}
    assert [step for step, _ in events_of(folder)["features/map 07"]] == [0, 20]


def test_what_cannot_be_shown_is_refused(runs, capsys, tmp_path):
    words = ["features", "--logdir", runs[1], "--data-dir", SAMPLE]
    assert_refused(capsys, [*words, "--steps", "7"], "0, 10, 20, 30, or all, found 7")
    assert_refused(capsys, [*words, "--steps", "0", "--layer", "fc1"], "a convolution layer", "fc1")
    assert_refused(capsys, [*words, "--steps", "0", "--graph", "x.pb"], "--steps", "--graph")
    shutil.copytree(os.path.join(runs[1], "checkpoints"), str(tmp_path / "checkpoints"))
    words = ["features", "--logdir", str(tmp_path), "--data-dir", SAMPLE, "--steps", "all"]
    assert_refused(capsys, words, "has kept, found none")

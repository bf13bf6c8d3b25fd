"""The features command: what it publishes, what it prints, and what it refuses."""

import gzip
import os
import struct

import numpy as np
import pytest
from PIL import Image

from legacy_graph import __main__
from legacy_graph.visualize import top_activations
from tests.support.idx_files import small_set
from tests.support.program import SAMPLE, STEPS, legacy_graph
from tests.support.published import assert_refused, images_of, read_npz, tree


@pytest.fixture(scope="module")
def shown(logdir):
    """`features` run twice: what the second leaves must stand beside what the first left."""
    words = ["features", "--logdir", logdir, "--data-dir", SAMPLE, "--layer", "conv1"]
    assert __main__.main(words + ["--maps", "1"]) == 0
    run = legacy_graph(*words, "--maps", "5,0,31,5", "--top", "4", "--control", "random")
    assert run.returncode == 0, run.stderr
    run.place = os.path.join(logdir, "features", "conv1-control=random-maps=5,0,31,5-top=4")
    return run


def test_features_leave_a_sheet_numbers_and_events(shown):
    names = sorted(os.listdir(shown.place))
    assert names[:2] == ["control.npz", "control.png"]
    assert names[2].startswith("events.out.tfevents.")
    assert names[3:] == ["features.csv", "features.npz", "features.png"]
    others = ["conv1-maps=1", "conv1-training", "conv2-training"]
    assert sorted(os.listdir(os.path.dirname(shown.place))) == [os.path.basename(shown.place), *others]


def test_the_arrays_of_the_results(shown):
    found = read_npz(shown.place, "features.npz")
    assert found["maps"].tolist() == [5, 0, 31]
    assert found["receptive_field"].tolist() == [[6, 2, -2], [6, 2, -2]]
    shapes = [(3,), (3,), (3, 4), (3, 4, 2), (3, 4), (3, 4, 28, 28), ()]
    assert [found[name].shape for name in top_activations.TopActivations._fields] == shapes
    assert (np.diff(found["activations"], axis=1) <= 0).all()
    for digit, projection in zip(found["images"].ravel(), found["projections"].reshape(-1, 28, 28)):
        assert (digit >= 0) == projection.any()


def test_tensorboard_gets_the_sheet_and_each_map(shown):
    found = images_of(shown.place)
    tags = ["sheet", "map 05", "map 00", "map 31"]
    assert list(found) == [f"{kind}/{tag}" for kind in ("features", "control") for tag in tags]
    assert {step for step, _ in found.values()} == {STEPS}
    for kind in ("features", "control"):
        sheet = np.asarray(Image.open(os.path.join(shown.place, f"{kind}.png")))
        np.testing.assert_array_equal(found[f"{kind}/sheet"][1], sheet)
    assert not np.array_equal(found["features/map 05"][1], found["control/map 05"][1])


def test_features_prints_the_sheets_path_and_control_metrics(shown):
    assert os.path.join(shown.place, "features.png") in shown.stdout
    assert "rank correlation, learned against random: " in shown.stdout
    assert " -m legacy_graph tensorboard --logdir " in shown.stdout.splitlines()[-1]
    assert shown.stderr == ""


def idx(path, images):
    path.write_bytes(gzip.compress(struct.pack(">4I", 2051, len(images), 28, 28) + images.tobytes()))
    return str(path)


def test_other_digits_can_be_scanned(logdir, tmp_path):
    images = np.zeros([3, 28, 28], np.uint8)
    images[2, 10:18, 10:18] = 255
    words = ["--layer", "conv2", "--maps", "0,1,2,3", "--top", "3", "--images", idx(tmp_path / "mine.gz", images)]
    assert __main__.main(["features", "--logdir", logdir] + words) == 0
    folder = "conv2-other-mine-maps=0,1,2,3-top=3"
    numbers = read_npz(logdir, "features", folder, "features.npz")
    assert set(numbers["images"].ravel()) <= {-1, 0, 1, 2}
    (tmp_path / "more").mkdir()
    words[-1] = idx(tmp_path / "more" / "mine.gz", images[::-1])
    assert __main__.main(["features", "--logdir", logdir] + words) == 0
    names = [name for name in os.listdir(os.path.join(logdir, "features")) if name.startswith("conv2-other")]
    assert sorted(names) == [folder, folder + "_2"]  # two files of the same name


ORDERS = [
    (["--maps", "5,0,31"], "maps=5,0,31-top=1", lambda wins: [5, 0, 31]),
    (["--maps", "5,0,31", "--order", "number"], "maps=5,0,31-order=number-top=1", lambda wins: [0, 5, 31]),
    (["--order", "number"], "order=number-top=1", lambda wins: list(range(32))),
    ([], "top=1", lambda wins: sorted(range(32), key=lambda number: -wins[number])),
]


def test_the_order_of_the_maps(logdir):
    """All maps are in the order of their wins; maps that are listed stay as listed, unless an order is named.

    The results of each choice stand beside the others.
    """
    for words, _, _ in ORDERS:
        words = ["features", "--logdir", logdir, "--data-dir", SAMPLE, "--layer", "conv1", "--top", "1", *words]
        assert __main__.main(words) == 0
    numbers = [read_npz(logdir, "features", f"conv1-{name}", "features.npz") for _, name, _ in ORDERS]
    wins = numbers[2]["wins"]
    assert [found["maps"].tolist() for found in numbers] == [expected(wins) for _, _, expected in ORDERS]


BAD = [
    (["--layer", "conv7"], ["--layer: expected one of conv1, conv2, fc1, fc2, found 'conv7'"]),
    (["--layer", "conv1", "--maps", "3,32"], ["--maps: expected maps of conv1, 0 to 31, found 32"]),
    (["--top", "4", "--images", "IMAGES"], ["--top: expected at most 3, the number of images, found 4"]),
    (["--images", "none.gz"], ["none.gz", "no file"]),
    (["--images", "IMAGES", "--data-dir", "OTHER"], ["--data-dir: expected this option without --images"]),
    (["--images", "IMAGES", "--other-data"], ["--other-data: expected this option without --images"]),
    (["--data-dir", "OTHER"], ["--data-dir: expected the data of the run in", "add --other-data", "236c9301"]),
]


@pytest.mark.parametrize("words, expected", BAD, ids=[" ".join(words) for words, _ in BAD])
def test_what_features_refuses_leaves_all_as_it_was(shown, logdir, capsys, tmp_path, words, expected):
    images = idx(tmp_path / "images.gz", np.zeros([3, 28, 28], np.uint8))
    before = tree(logdir)
    (tmp_path / "other").mkdir()
    paths = {"IMAGES": images, "OTHER": small_set(tmp_path / "other")}
    words = [paths.get(word, word) for word in words]
    data = [] if "--images" in words else ["--data-dir", SAMPLE]
    assert_refused(capsys, ["features", "--logdir", logdir, *data] + words, *expected)
    assert tree(logdir) == before

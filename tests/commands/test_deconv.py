"""The deconv command: what it publishes, what it prints, and what it refuses."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image

from legacy_graph.__main__ import main
from legacy_graph.article import deconv
from legacy_graph.data import mnist
from legacy_graph.visualize import digit_report
from tests.support.program import SAMPLE, STEPS, legacy_graph
from tests.support.published import assert_refused, images_of, tree


@pytest.fixture(scope="module")
def logdir(trained, tmp_path_factory):
    """A copy of the trained run, to write into; a path with a space and Chinese characters."""
    copy = str(tmp_path_factory.mktemp("features") / "log \u5377\u79ef")
    shutil.copytree(trained.logdir, copy)
    return copy


@pytest.fixture(scope="module")
def digit_files(tmp_path_factory):
    """Three test digits: light on dark, dark on light and large, and in colour as a JPEG; two share a name."""
    folder = tmp_path_factory.mktemp("digits")
    images = mnist.load(SAMPLE).test.images.reshape(-1, 28, 28)
    (folder / "more").mkdir()
    paths = [str(folder / "one.png"), str(folder / "more" / "one.png"), str(folder / "\u4e8c.jpg")]
    Image.fromarray(images[0]).save(paths[0])
    Image.fromarray(255 - images[1].repeat(9, 0).repeat(9, 1)).save(paths[1])
    Image.fromarray(images[2].repeat(9, 0).repeat(9, 1)).convert("RGB").save(paths[2])
    return paths


@pytest.fixture(scope="module")
def read(logdir, digit_files):
    run = legacy_graph("deconv", *digit_files, "--logdir", logdir)
    assert run.returncode == 0, run.stderr
    return run


def test_deconv_tells_of_each_picture_what_was_read(read, logdir, digit_files):
    lines = read.stdout.splitlines()
    for path, line in zip(digit_files, lines):
        assert line.startswith(f"{path}: read as ")
        assert os.path.exists(line.split(" See ")[1])
    assert read.stderr == ""
    assert sorted(os.listdir(os.path.join(logdir, "deconv"))) == ["one", "one_2", "\u4e8c"]


def test_deconv_shows_the_digit_its_maps_and_what_comes_back(read, logdir):
    found = images_of(os.path.join(logdir, "deconv", "one"))
    parts = ["maps"] + list(deconv.METHODS)
    assert sorted(found) == sorted(["input", "picture"] + [f"conv{n}/{part}" for n in (1, 2) for part in parts])
    assert {step for step, _ in found.values()} == {STEPS}
    picture = np.asarray(Image.open(os.path.join(logdir, "deconv", "one", "picture.png")))
    np.testing.assert_array_equal(found["picture"][1], picture)
    digit = mnist.load(SAMPLE).test.images[0].reshape(28, 28)
    np.testing.assert_allclose(found["input"][1][6:-2:8, 6:-2:8], digit, atol=26)
    assert np.array_equal(found["conv1/gradient"][1], found["conv1/deconvnet"][1])
    assert not np.array_equal(found["conv2/gradient"][1], found["conv2/deconvnet"][1])
    assert not np.array_equal(found["conv2/guided backpropagation"][1], found["conv2/deconvnet"][1])


def test_tied_maxima_share_the_signal_unless_the_first_is_asked_for(read, logdir, digit_files, tmp_path):
    """Over the ground of a digit most windows tie: there the pictures differ, and only where one projects."""
    other = str(tmp_path / "log")
    shutil.copytree(logdir, other)
    assert main(["deconv", digit_files[0], "--logdir", other, "--ties", "first"]) == 0
    shared, first = [images_of(os.path.join(folder, "deconv", "one")) for folder in (logdir, other)]
    differing = {tag for tag in shared if not np.array_equal(shared[tag][1], first[tag][1])}
    assert differing == {"picture"} | {f"conv{n}/{method}" for n in (1, 2) for method in deconv.METHODS}


def test_the_answer_in_words():
    probabilities = np.array([0, 0.02, 0, 0.9, 0, 0.005, 0, 0, 0.075, 0])
    assert digit_report.format_answer(probabilities) == "read as 3 (90.0 %), else 8 (7.5 %) or 1 (2.0 %)"


def test_one_broken_picture_leaves_all_results_unchanged(read, logdir, digit_files, capsys, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    before = tree(logdir)
    assert_refused(
        capsys, ["deconv", digit_files[0], str(broken), "--logdir", logdir], "broken.png", "expected a picture"
    )
    assert tree(logdir) == before


@pytest.mark.parametrize("word", ["features", "deconv"])
def test_a_directory_that_cannot_be_written_is_told(word, trained, tmp_path, capsys, digit_files):
    """A file stands where the results should go."""
    logdir = str(tmp_path / "log")
    shutil.copytree(trained.logdir, logdir)
    (tmp_path / "log" / word).write_text("mine")
    before = tree(logdir)
    more = ["--data-dir", SAMPLE, "--maps", "0"] if word == "features" else [digit_files[0]]
    assert_refused(capsys, [word, "--logdir", logdir] + more, "--logdir: expected a writable directory")
    assert tree(logdir) == before

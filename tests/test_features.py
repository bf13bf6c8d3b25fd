"""The words `features` and `deconv`, as a user gives them: what they leave, what they say, and what they refuse."""

import gzip
import hashlib
import io
import os
import pathlib
import shutil
import struct

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image

from legacy_graph import __main__, deconv, mnist, pictures, probe, reading, sheets
from legacy_graph.receptive import Field
from tests.conftest import SAMPLE, STEPS, legacy_graph


@pytest.fixture(scope="module")
def logdir(trained, tmp_path_factory):
    """A copy of the trained run, to write into; a path with a space and Chinese characters."""
    copy = str(tmp_path_factory.mktemp("features") / "log \u5377\u79ef")
    shutil.copytree(trained.logdir, copy)
    return copy


def tree(folder):
    """Every file under a folder with a sum of its content."""
    return {
        os.path.join(where, name): hashlib.sha256(pathlib.Path(where, name).read_bytes()).hexdigest()
        for where, _, names in os.walk(folder)
        for name in names
    }


def images_of(folder):
    """tag -> (step, uint8 picture) of the event files in a run."""
    found = {}
    for name in sorted(os.listdir(folder)):
        if "tfevents" not in name:
            continue
        for event in tf.train.summary_iterator(os.path.join(folder, name)):
            for value in event.summary.value:
                assert value.tag not in found
                picture = Image.open(io.BytesIO(value.image.encoded_image_string))
                assert picture.size == (value.image.width, value.image.height)
                found[value.tag] = event.step, np.asarray(picture)
    return found


@pytest.fixture(scope="module")
def shown(logdir):
    """`features` run twice: what the second leaves must take the place of what the first left."""
    words = ["features", "--logdir", logdir, "--data-dir", SAMPLE, "--layer", "conv1"]
    assert __main__.main(words + ["--maps", "1"]) == 0
    run = legacy_graph(*words, "--maps", "5,0,31,5", "--top", "4", "--control", "random")
    assert run.returncode == 0, run.stderr
    run.place = os.path.join(logdir, "features", "conv1")
    return run


def test_features_leave_a_sheet_numbers_and_events(shown):
    names = sorted(os.listdir(shown.place))
    assert names[:2] == ["control.npz", "control.png"]
    assert names[2].startswith("events.out.tfevents.")
    assert names[3:] == ["features.npz", "features.png"]
    assert os.listdir(os.path.dirname(shown.place)) == ["conv1"]


def test_the_numbers_are_plain_arrays_and_the_projections_lead_back_to_the_digits(shown):
    digits = mnist.load(SAMPLE).test.images.reshape(-1, 28, 28)
    with np.load(os.path.join(shown.place, "features.npz"), allow_pickle=False) as numbers:
        found = {name: numbers[name] for name in numbers.files}
    assert found["maps"].tolist() == [5, 0, 31]
    assert found["receptive_field"].tolist() == [[6, 2, -2], [6, 2, -2]]
    assert [found[name].shape for name in probe.Features._fields] == [(3,), (3, 4), (3, 4, 2), (3, 4), (3, 4, 28, 28)]
    assert (np.diff(found["activations"], axis=1) <= 0).all()
    for digit, projection in zip(found["digits"].ravel(), found["projections"].reshape(-1, 28, 28)):
        assert digit == -1 or digits[digit].any()
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


def test_features_say_where_the_sheet_is_and_how_alike_the_control(shown):
    assert os.path.join(shown.place, "features.png") in shown.stdout
    assert "rank correlation, learned against random: " in shown.stdout
    assert "tensorboard --logdir " in shown.stdout.splitlines()[-1]
    assert shown.stderr == ""


def test_the_sheet_of_a_known_map():
    """Two spots of three: the scale is the map's largest value, the third cell is empty, a dead map is told."""
    projections = np.zeros([2, 3, 28, 28], np.float32)
    projections[0, 0, :2, :2] = [[2, 0], [-2, 1]]
    projections[0, 1, 26, 27] = 1
    found = probe.Features(
        np.array([3, 4]), np.array([[1, 0, -1], [-1, -1, -1]]), np.array([[[0, 0], [13, 13], [0, 0]], [[0, 0]] * 3]),
        np.array([[5, 4, 0], [0, 0, 0]], np.float32), projections,
    )  # fmt: skip
    images = np.zeros([2, 28, 28], np.uint8)
    images[1, 0] = 200
    fields = (Field(2, 2, 0),) * 2
    sheet, blocks = sheets.draw(found, images, fields, "a layer")
    assert list(blocks) == ["map 03", "map 04"]
    half = (blocks["map 03"].shape[1] - 8) // 2
    left, right = blocks["map 03"][:, :half], blocks["map 03"][:, -half:]
    pixels = [[(24 * y + 14, 24 * x + 14) for x in (0, 1)] for y in (0, 1)]  # 24 screen pixels to one of the patch
    assert [[left[place] for place in row] for row in pixels] == [[254, 127], [0, 190]]
    assert [[right[place] for place in row] for row in pixels] == [[200, 200], [0, 0]]
    second = [[(y, x + 50) for y, x in row] for row in pixels]
    assert [[left[place] for place in row] for row in second] == [[127, 190], [127, 127]]
    assert left[64, 14] == right[64, 14] == pictures.EMPTY
    assert set(np.unique(blocks["map 04"])) == {pictures.EMPTY, pictures.LINE, pictures.PAPER}
    assert sheets._caption(found, 0) == "map 3   scale \u00b12, only 2 spots"
    assert sheets._caption(found, 1) == "map 4: dead, no digit excites it"
    assert sheet.shape[1] > 2 * blocks["map 03"].shape[1]


def idx(path, images):
    path.write_bytes(gzip.compress(struct.pack(">4I", 2051, len(images), 28, 28) + images.tobytes()))
    return str(path)


def test_other_digits_can_be_scanned(logdir, tmp_path):
    images = np.zeros([3, 28, 28], np.uint8)
    images[2, 10:18, 10:18] = 255
    words = ["--layer", "conv2", "--maps", "0,1,2,3", "--top", "3", "--images", idx(tmp_path / "mine.gz", images)]
    assert __main__.main(["features", "--logdir", logdir] + words) == 0
    with np.load(os.path.join(logdir, "features", "conv2", "features.npz"), allow_pickle=False) as numbers:
        assert set(numbers["digits"].ravel()) <= {-1, 0, 1, 2}


def refused(capsys, words, *expected):
    """Exit status 2, and one line on standard error that says all of this."""
    assert __main__.main(words) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    for words in expected:
        assert words in said


BAD = [
    (["--layer", "conv7"], ["--layer: expected one of conv1, conv2, found 'conv7'"]),
    (["--layer", "conv1", "--maps", "3,32"], ["--maps: expected maps of conv1, 0 to 31, found 32"]),
    (["--top", "4", "--images", "IMAGES"], ["--top: expected at most the 3 digits there are, found 4"]),
    (["--images", "none.gz"], ["none.gz", "no file"]),
]


@pytest.mark.parametrize("words, expected", BAD, ids=[" ".join(words) for words, _ in BAD])
def test_what_features_refuses_leaves_all_as_it_was(shown, logdir, capsys, tmp_path, words, expected):
    images = idx(tmp_path / "images.gz", np.zeros([3, 28, 28], np.uint8))
    before = tree(logdir)
    words = [images if word == "IMAGES" else word for word in words]
    refused(capsys, ["features", "--logdir", logdir, "--data-dir", SAMPLE] + words, *expected)
    assert tree(logdir) == before


@pytest.mark.parametrize("words", [["--maps", "1,x"], ["--maps", "-1"], ["--top", "0"], ["--top", "101"],
                                   ["--control", "magic"]])  # fmt: skip
def test_what_cannot_be_parsed_is_refused_in_one_line(words, capsys):
    with pytest.raises(SystemExit) as left:
        __main__.main(["features"] + words)
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert words[0] in said
    assert said.count("\n") == 1


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


def test_the_answer_in_words():
    probabilities = np.array([0, 0.02, 0, 0.9, 0, 0.005, 0, 0, 0.075, 0])
    assert reading.answer(probabilities) == "read as 3 (90.0 %), else 8 (7.5 %) or 1 (2.0 %)"


def test_one_broken_picture_among_good_ones_leaves_all_as_it_was(read, logdir, digit_files, capsys, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    before = tree(logdir)
    refused(capsys, ["deconv", digit_files[0], str(broken), "--logdir", logdir], "broken.png", "expected a picture")
    assert tree(logdir) == before


@pytest.mark.parametrize("word", ["features", "deconv"])
def test_a_directory_that_cannot_be_written_is_told(word, trained, tmp_path, capsys, digit_files):
    """A file stands where the results should go."""
    logdir = str(tmp_path / "log")
    shutil.copytree(trained.logdir, logdir)
    (tmp_path / "log" / word).write_text("mine")
    before = tree(logdir)
    more = ["--data-dir", SAMPLE, "--maps", "0"] if word == "features" else [digit_files[0]]
    refused(capsys, [word, "--logdir", logdir] + more, "--logdir: expected a directory that can be written")
    assert tree(logdir) == before

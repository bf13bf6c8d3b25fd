"""EMBEDDINGS: what TensorBoard itself serves to the projector's page, against the network and the digits."""

import io
import json
import os
import resource
import shlex
import shutil
import subprocess
import time
import urllib.request

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image

from legacy_graph.article import network
from legacy_graph.data import mnist
from legacy_graph.errors import UserError
from legacy_graph.training import projector
from tests.support.program import ROOT, SAMPLE

PATIENCE = 120  # seconds


@pytest.fixture(scope="module")
def served(trained):
    """A function that fetches a route of the projector. The command that `train` printed starts TensorBoard."""
    words = shlex.split(trained.stdout.splitlines()[-1].split(": ", 1)[1]) + ["--host", "localhost", "--port", "0"]
    words += ["--load_fast", "false"] if tf.__version__.startswith("2") else []  # 1.15 has one way to load
    with subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE) as board:
        try:
            line = next(line.decode() for line in board.stderr if b" at http" in line)
            address = line.split(" at ")[1].split()[0].rstrip("/") + "/data/plugin/projector/"

            def fetch(route):
                with urllib.request.urlopen(address + route, timeout=PATIENCE) as answer:
                    return answer.read()

            deadline = time.time() + PATIENCE
            while b"projector" not in fetch("runs"):
                assert time.time() < deadline, "TensorBoard shows no run called projector"
                time.sleep(0.2)
            yield fetch
        finally:
            board.kill()


@pytest.fixture(scope="module")
def known(trained):
    """fc1 and the probabilities for the first thousand test digits, from the run's last checkpoint."""
    with tf.Graph().as_default(), tf.Session() as session:
        net = network.build()
        checkpoint = tf.train.latest_checkpoint(os.path.join(trained.logdir, "checkpoints"))
        tf.train.Saver(tf.global_variables()).restore(session, checkpoint)
        feed = {net.images: mnist.scale_pixels(digits().images), net.keep_prob: 1.0}
        return session.run([net.features, net.probabilities], feed)


def digits():
    return mnist.Digits(*(part[:1000] for part in mnist.load(SAMPLE).test))


def rows(served):
    header, *lines = served("metadata?run=projector&name=fc1").decode().splitlines()
    return [dict(zip(header.split("\t"), line.split("\t"))) for line in lines]


def test_it_opens_by_itself(served):
    """One run, one tensor, two dimensions, metadata, sprite: the page loads these without a click."""
    assert json.loads(served("runs")) == ["projector"]
    (embedding,) = json.loads(served("info?run=projector"))["embeddings"]
    assert embedding == {
        "tensorName": "fc1",
        "tensorShape": [1000, 1024],
        "metadataPath": "metadata.tsv",
        "sprite": {"imagePath": "sprite.png", "singleImageDim": [28, 28]},
    }


def test_the_points_are_what_fc1_says_of_the_digits(served, known):
    points = np.frombuffer(served("tensor?run=projector&name=fc1"), "<f4").reshape(1000, 1024)
    np.testing.assert_allclose(points, known[0], rtol=1e-4, atol=1e-5)


def test_each_point_says_what_it_is_and_what_it_was_taken_for(served, known):
    found = rows(served)
    assert list(found[0]) == ["label", "class", "read as", "verdict", "certainty"]
    assert [int(row["class"]) for row in found] == digits().labels.tolist()
    # Two classes may be so close that rounding decides.
    clear = np.diff(np.sort(known[1], 1)[:, -2:], axis=1)[:, 0] > 1e-4
    assert clear.sum() > 900
    assert np.array([int(row["read as"]) for row in found])[clear].tolist() == known[1].argmax(1)[clear].tolist()
    np.testing.assert_allclose([float(row["certainty"]) for row in found], known[1].max(1), atol=6e-4)


def test_metadata_labels_exactly_the_misread_digits_wrong(served):
    """The page searches the column `label` unless told otherwise, without regard to case, for a part of it."""
    found = rows(served)
    misread = [row for row in found if row["class"] != row["read as"]]
    assert 10 < len(misread) < 900
    for column in ("label", "verdict"):
        assert [row for row in found if "wrong" in row[column].lower()] == misread
    assert all(row["label"] == "{class} read as {read as}: wrong".format(**row) for row in misread)
    # The first column that holds no numbers is the one that the page takes for labels and searches.
    assert next(column for column in found[0] if not found[0][column].replace(".", "").isdigit()) == "label"


def test_sprite_tiles_show_digits_on_their_class_colour(served):
    sheet = np.asarray(Image.open(io.BytesIO(served("sprite_image?run=projector&name=fc1"))))
    assert sheet.shape == (32 * 28, 32 * 28, 3)  # square: a sheet that is not mislabels the points
    images, labels = digits()
    grounds = set()
    for number in range(1000):
        y, x = number // 32 * 28, number % 32 * 28
        tile, digit = sheet[y : y + 28, x : x + 28].astype(float), images[number].reshape(28, 28, 1)
        ground = tile[0, 0]  # MNIST's corners are empty
        grounds.add((labels[number], tuple(ground)))
        assert np.abs(tile - (ground + (255 - ground) * (digit / 255.0))).max() <= 0.5 + 1e-9
    assert len(grounds) == len({colour for _, colour in grounds}) == 10
    assert not sheet[31 * 28 :, 8 * 28 :].any()  # after the thousandth


def test_the_run_can_be_moved_as_a_whole(trained, tmp_path):
    moved = str(tmp_path / "elsewhere")
    shutil.copytree(os.path.join(trained.logdir, "projector"), moved)
    checkpoint = tf.train.latest_checkpoint(moved)
    assert os.path.dirname(checkpoint) == moved
    assert tf.train.NewCheckpointReader(checkpoint).get_variable_to_shape_map() == {"fc1": [1000, 1024]}
    assert any("tfevents" in name for name in os.listdir(moved))  # or it is no run


def test_a_directory_that_cannot_be_written(tmp_path):
    (tmp_path / "log").write_text("a file")
    with tf.Graph().as_default(), tf.Session() as session:
        net = network.build()
        session.run(tf.global_variables_initializer())
        with pytest.raises(UserError, match="expected to write the embeddings, found Not a directory"):
            projector.write_projector(session, net, digits(), str(tmp_path / "log" / "projector"))


def test_a_full_disk_leaves_the_earlier_files_as_they_are(trained, tmp_path):
    folder = shutil.copytree(os.path.join(trained.logdir, "projector"), str(tmp_path / "projector"))
    before = {name: (tmp_path / "projector" / name).read_bytes() for name in os.listdir(folder)}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with tf.Graph().as_default(), tf.Session() as session:
        net = network.build()
        session.run(tf.global_variables_initializer())
        resource.setrlimit(resource.RLIMIT_FSIZE, (10000, limits[1]))
        try:
            with pytest.raises(UserError, match="expected to write the embeddings, found File too large"):
                projector.write_projector(session, net, digits(), folder)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert {name: (tmp_path / "projector" / name).read_bytes() for name in before} == before

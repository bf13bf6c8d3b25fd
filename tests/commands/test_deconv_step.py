"""deconv --step: a picture through the kernels that a run had at a step."""

import os
import shutil

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image

from legacy_graph.__main__ import main
from legacy_graph.data import mnist
from legacy_graph.data.images import Preprocessing, from_array
from legacy_graph.training import kernels
from legacy_graph.visualize import reading
from tests.support.program import SAMPLE
from tests.support.published import assert_refused, images_of, read_npz


@pytest.fixture
def log(trained, tmp_path):
    """A copy of the run that all tests share, with checkpoints of the steps 0 and 30."""
    copy = str(tmp_path / "log")
    shutil.copytree(trained.logdir, copy)
    yield copy
    shutil.rmtree(copy)


@pytest.fixture
def picture(tmp_path):
    path = str(tmp_path / "seven.png")
    Image.fromarray(mnist.load(SAMPLE).test.images[0].reshape(28, 28)).save(path)
    return path


def test_the_picture_is_that_of_the_kept_kernels(log, picture, capsys):
    """Without a checkpoint of the step the class is not known."""
    assert main(["deconv", picture, "--logdir", log, "--step", "20"]) == 0
    assert "class unknown" in capsys.readouterr().out
    folder = os.path.join(log, "deconv", "seven-step=20")
    reader = reading.article_reader(["conv1", "conv2"], "shared")
    images = from_array(np.asarray(Image.open(picture))[None, ..., None], Preprocessing(0, 1), "")
    with tf.Session(graph=reader.graph) as session:
        kernels.restore(session, log, 20)
        (values,) = reading.read_images(session, reader._replace(answers=None), images)
    assert values.answers is None
    arrays = read_npz(folder, "deconv.npz")
    np.testing.assert_array_equal(arrays["conv2/guided"], values.projections["conv2"]["guided"])
    assert arrays["conv2/guided"].any() and "answers" not in arrays
    assert {step for step, _ in images_of(folder).values()} == {20}
    assert os.path.exists(os.path.join(folder, "picture.png"))


def test_a_step_that_was_not_kept_is_refused(log, picture, capsys):
    assert_refused(capsys, ["deconv", picture, "--logdir", log, "--step", "21"], "has kept: 0, 10, 20, 30, found 21")


def test_a_dense_layer_needs_a_checkpoint_of_the_step(log, picture, capsys):
    words = ["deconv", picture, "--logdir", log, "--layer", "fc2", "--step"]
    assert_refused(capsys, [*words, "20"], "--step: expected a step with a checkpoint")
    assert main([*words, "0"]) == 0

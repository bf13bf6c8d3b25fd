"""deconv --step: a picture through the kernels that a run had at a step."""

import os
import shutil

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image

from legacy_graph.__main__ import main
from legacy_graph.data import mnist
from legacy_graph.training import kernels
from legacy_graph.visualize import digit_report
from tests.support.program import SAMPLE
from tests.support.published import assert_refused, images_of


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
    folder = os.path.join(log, "deconv", "seven-step-20")
    graph, net, fetches = digit_report.build("shared")
    with tf.Session(graph=graph) as session:
        kernels.restore(session, log, 20)
        pixels = np.asarray(Image.open(picture))
        found = digit_report.read(session, net, fetches, pixels, complete=False)
    assert found.probabilities is None
    assert {step for step, _ in images_of(folder).values()} == {20}
    assert os.path.exists(os.path.join(folder, "picture.png"))


def test_a_step_that_was_not_kept_is_refused(log, picture, capsys):
    assert_refused(capsys, ["deconv", picture, "--logdir", log, "--step", "21"], "has kept: 0, 10, 20, 30, found 21")

"""The features of the fully connected layers: the strongest images of a class are those with its largest logits."""

import shutil

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph import __main__
from legacy_graph.article import network
from legacy_graph.data import mnist
from legacy_graph.training.checkpoints import restored_session
from tests.support.program import SAMPLE
from tests.support.published import read_npz


def test_a_class_shows_the_digits_with_its_largest_logits(trained, tmp_path):
    copy = str(tmp_path / "log")
    shutil.copytree(trained.logdir, copy)
    assert __main__.main(["features", "--logdir", copy, "--data-dir", SAMPLE, "--layer", "fc2", "--top", "2"]) == 0
    arrays = read_npz(copy, "features", "fc2-top=2", "features.npz")
    maps, images, activations = arrays["maps"], arrays["images"], arrays["activations"]
    with tf.Graph().as_default() as graph:
        net = network.build()
        logits = net.probabilities.op.inputs[0]
    digits = mnist.load(SAMPLE).test.images
    with restored_session(graph, copy) as (session, _):
        expected = session.run(logits, {net.images: mnist.scale_pixels(digits), net.keep_prob: 1.0})
    for number, numbers, values in zip(maps, images, activations):
        assert numbers.tolist() == np.argsort(-expected[:, number], kind="stable")[:2].tolist()
        np.testing.assert_allclose(values, expected[numbers, number], rtol=1e-5)

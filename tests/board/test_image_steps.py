"""The steps of a picture that IMAGES shows: this program's command shows all of a long run."""

import json
import time
import urllib.error
import urllib.request

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from tests.board.site import serving

STEPS = [0, 20, 200, 500, 1000, 2000, 4000, 6000, 8000, 10000, 12000, 14000, 16000]


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    """An event file with one picture at 13 steps, as of a run of 16,000 steps."""
    folder = str(tmp_path_factory.mktemp("images") / "log")
    with tf.Graph().as_default() as graph:
        picture = tf.summary.image("features", tf.constant(np.zeros([1, 4, 4, 1], np.uint8)), 1)
        writer = tf.summary.FileWriter(folder)
    with tf.Session(graph=graph) as session:
        for step in STEPS:
            writer.add_summary(session.run(picture), step)
    writer.close()
    return folder


def steps_shown(port):
    """The steps in the answer of TensorBoard's own route, once it serves the last one."""
    address = f"http://localhost:{port}/data/plugin/images/images?run=.&tag=features/image&sample=0"
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                steps = [entry["step"] for entry in json.load(answer)]
        except urllib.error.HTTPError:  # TensorBoard has not read the run yet
            steps = []
        if steps[-1:] == STEPS[-1:]:
            return steps
        time.sleep(0.2)
    raise AssertionError(f"steps {steps}")


def test_this_programs_command_shows_all_steps(logdir):
    with serving(["legacy_graph", "tensorboard"], logdir) as port:
        assert steps_shown(port) == STEPS

"""The user's own pictures: the same numbers as from a separate graph, the newest checkpoint, a bounded queue."""

import io
import itertools
import os
import shutil
import subprocess
import sys
import threading

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.article import network
from legacy_graph.article.deconv import deconvolve
from legacy_graph.article.dense import all_layers
from legacy_graph.board import live
from legacy_graph.board.answers import HttpError
from legacy_graph.board.network import LiveNetwork
from legacy_graph.config import SHARED
from legacy_graph.data import user_image
from legacy_graph.data.mnist import scale_pixels
from legacy_graph.errors import UserError
from legacy_graph.training.checkpoints import restored_session
from legacy_graph.visualize.sanity_check import random_kernel
from tests.board.site import pixels
from tests.support.own_pictures import ONE, drawn
from tests.support.program import ROOT

ZERO = drawn((140, 40), (200, 90), (200, 190), (140, 240), (80, 190), (80, 90), (140, 40))


# TensorBoard's projector imports TensorFlow in a thread of its own.
TWO_IMPORTS = """
import sys, threading, time
from tensorboard import compat
from legacy_graph import tf_setup

threading.Thread(target=lambda: dir(compat.tf)).start()
while "tensorflow" not in sys.modules:
    time.sleep(0.001)
tf_setup.import_tensorflow()
print(sys.modules["tensorflow"].compat.v1.__name__)
"""


@pytest.fixture(scope="module")
def reading():
    return LiveNetwork()


@pytest.fixture(scope="module")
def expected(trained):
    """{(layer, method, map): projection}, maxima of the maps, probabilities, each computed in a graph of its own."""
    digit = user_image.read_image("one", file=io.BytesIO(ONE)).pixels
    with tf.Graph().as_default() as graph:
        net = network.build()
        walked = all_layers(net)
        layers = {layer.name: layer for layer in walked}
        tensors = {
            (name, method, 3): deconvolve(walked, name, tf.constant([3]), method=method, ties=SHARED)[0, :, :, 0]
            for name in layers
            for method in ("deconvnet", "gradient", "guided")
        }
    feed = {net.images: scale_pixels(digit.reshape(1, -1)), net.keep_prob: 1.0}
    with restored_session(graph, trained.logdir) as (session, _):
        probabilities, found, relus, outputs = session.run(
            [net.probabilities[0], tensors, [one.relu for one in walked], [one.output for one in walked]], feed
        )
        for layer, output in zip(walked, outputs):
            random = {layer.output: output, layer.kernel: random_kernel(layer.kernel.shape.as_list())}
            found[layer.name, "control", 3] = session.run(tensors[layer.name, "deconvnet", 3], {**feed, **random})
    return found, [relu.max(axis=(0, 1, 2)) for relu in relus], probabilities


def grey(values):
    if not values.any():
        return np.full(values.shape, 127), 0
    scale = np.percentile(np.abs(values[values != 0]), 99)
    return np.rint(127 + 127 * np.clip(values / scale, -1, 1)), scale


@pytest.mark.parametrize("method", ["deconvnet", "gradient", "guided", "control"])
@pytest.mark.parametrize("layer", ["conv1", "conv2", "fc1", "fc2"])
def test_answers_equal_those_of_a_separate_graph(reading, expected, trained, layer, method):
    projections, maxima, probabilities = expected
    found = reading.read(trained.logdir, ONE, layer, 3, method)
    tile, scale = grey(projections[layer, method, 3])
    shown = pixels(found["projection"])[..., 0]
    assert np.abs(shown - tile).max() <= 1  # one step of grey, where rounding differs
    assert found["scale"] == pytest.approx(scale, rel=1e-5)
    np.testing.assert_allclose([share for _, share in found["answers"]], probabilities, atol=1e-6)
    for part, largest in zip(found["layers"].values(), maxima):
        np.testing.assert_allclose(part["activations"], largest, rtol=1e-5, atol=1e-6)
    assert [name for name, _ in found["answers"]] == list("0123456789")
    if method == "deconvnet":  # beside it is the projection that "control" shows
        tile, scale = grey(projections[layer, "control", 3])
        control = pixels(found["control"])[..., 0]
        assert np.abs(control - tile).max() <= 1 and found["control_scale"] == pytest.approx(scale, rel=1e-5)


def test_the_input_is_prepared_as_in_deconv(reading, trained):
    found = reading.read(trained.logdir, ZERO, "conv1", 0, "deconvnet")
    digit = user_image.read_image("zero", file=io.BytesIO(ZERO))
    assert pixels(found["input"]).tobytes() == digit.pixels.tobytes()
    assert found["preparation"] == digit.preparation == "scaled and centred as the digits of MNIST"


def test_of_a_large_layer_the_strongest_units_are_listed(reading, trained):
    part = reading.read(trained.logdir, ONE, "conv1", 0, "deconvnet")["layers"]["fc1"]
    order = np.argsort(-np.array(part["activations"]), kind="stable")
    assert len(order) == 1024 and part["numbers"] == order[: len(part["numbers"])].tolist()
    assert part["tiles"]["height"] == len(part["numbers"]) == 32


def test_the_heat_map_equals_a_loop_over_patches(reading, trained):
    """Each black patch of 4 x 4 pixels, every 4 pixels, covered alone."""
    digit = scale_pixels(user_image.read_image("one", file=io.BytesIO(ONE)).pixels.reshape(1, -1)).reshape(28, 28)
    with tf.Graph().as_default() as graph:
        net = network.build()
    total, count = np.zeros([28, 28, 10]), np.zeros([28, 28, 1])
    with restored_session(graph, trained.logdir) as (session, _):

        def run(image):
            return session.run(net.probabilities[0], {net.images: image.reshape(1, -1), net.keep_prob: 1.0})

        complete = run(digit)
        for y, x in itertools.product(range(0, 25, 4), repeat=2):
            covered = digit.copy()
            covered[y : y + 4, x : x + 4] = 0
            total[y : y + 4, x : x + 4] += run(covered)
            count[y : y + 4, x : x + 4] += 1
    read, means = complete.argmax(), total / count
    falls, others = complete[read] - means[..., read], means.argmax(2) != read
    found = reading.cover(trained.logdir, ONE, "coarse")
    assert (found["read"], found["patch"]) == (str(read), 4)
    assert found["largest"] == pytest.approx(falls.max(), abs=1e-5)
    assert sum(share for _, share in found["others"]) == pytest.approx(others.mean(), abs=2e-3)
    shown = pixels(found["heat"])[..., 0]
    assert np.abs(shown - (127 + 127 * falls / np.abs(falls).max())).max() <= 1
    assert reading.cover(trained.logdir, ONE, "fine")["read"] == str(read)
    with pytest.raises(HttpError, match="detail: expected one of coarse, fine"):
        reading.cover(trained.logdir, ONE, "finest")


def test_the_newest_intact_checkpoint_is_used(reading, trained, tmp_path):
    shutil.copytree(os.path.join(trained.logdir, "checkpoints"), str(tmp_path / "checkpoints"))

    def step():
        return reading.read(str(tmp_path), ONE, "conv1", 0, "deconvnet")["step"]

    def copy(number, size=None):
        for ending in (".data-00000-of-00001", ".index"):
            content = (tmp_path / "checkpoints" / f"model.ckpt-30{ending}").read_bytes()
            (tmp_path / "checkpoints" / f"model.ckpt-{number}{ending}").write_bytes(content[:size])

    assert step() == 30
    copy(40)
    assert step() == 40
    copy(50, size=100)
    assert step() == 40
    for name in os.listdir(str(tmp_path / "checkpoints")):
        os.remove(str(tmp_path / "checkpoints" / name))
    with pytest.raises(UserError, match="a checkpoint of a training run"):
        step()


def test_a_new_run_with_the_same_steps_is_read_again(reading, trained, tmp_path):
    """As after `train --fresh` while the dashboard stays open."""
    shutil.copytree(os.path.join(trained.logdir, "checkpoints"), str(tmp_path / "checkpoints"))

    def answers():
        return reading.read(str(tmp_path), ONE, "conv1", 0, "deconvnet")["answers"]

    before = answers()
    assert answers() == before
    for ending in (".data-00000-of-00001", ".index"):
        content = (tmp_path / "checkpoints" / f"model.ckpt-0{ending}").read_bytes()
        (tmp_path / "checkpoints" / f"model.ckpt-30{ending}").write_bytes(content)
    assert answers() != before


def test_the_number_of_runs_in_memory_is_bounded(reading, trained, tmp_path):
    for number in range(6):
        (tmp_path / str(number)).mkdir()
        os.symlink(os.path.join(trained.logdir, "checkpoints"), str(tmp_path / str(number) / "checkpoints"))
        assert reading.read(str(tmp_path / str(number)), ONE, "conv1", 0, "gradient")["step"] == 30
    assert len(reading._runs) == 4


def test_the_oldest_waiting_request_is_dropped():
    worker, release, started, dropped = live.Worker(), threading.Event(), threading.Event(), []

    def blocking():
        started.set()
        release.wait(60)
        return "first"

    def ask(number):
        try:
            results[number] = worker.run(lambda: number)
        except HttpError as error:
            dropped.append((number, error.code))

    results = {}
    first = threading.Thread(target=lambda: results.update(first=worker.run(blocking)))
    first.start()
    assert started.wait(60)
    others = []
    for number in range(live.WAITING + 2):  # one after the other, so that their order is known
        others.append(threading.Thread(target=ask, args=[number]))
        others[-1].start()
        while min(len(worker._waiting), live.WAITING) + len(dropped) < number + 1:
            pass
    release.set()
    for thread in [first, *others]:
        thread.join(60)
    assert dropped == [(0, 503), (1, 503)]
    assert results == {"first": "first", **{number: number for number in range(2, live.WAITING + 2)}}


def test_tensorflow_is_imported_while_tensorboard_imports_it():
    imported = subprocess.run([sys.executable, "-c", TWO_IMPORTS], cwd=ROOT, capture_output=True, text=True)
    assert imported.stdout.endswith("compat.v1\n"), imported.stderr

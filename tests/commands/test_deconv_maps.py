"""deconv --maps and --layer, its numbers, and arrays in place of pictures; with the article's network and --graph."""

import csv
import os
import shutil

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image

from legacy_graph.__main__ import main
from legacy_graph.config import GRADIENT, METHODS
from legacy_graph.data import mnist
from tests.support.graph_commands import RANGE, SIDES, words, write_graph_and_photos
from tests.support.graph_files import constant, write_frozen
from tests.support.program import SAMPLE
from tests.support.published import assert_refused, images_of, read_npz


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_graph_and_photos(tmp_path_factory.mktemp("maps"))


def numbers(folder):
    return read_npz(str(folder), "deconv.npz")


def table(folder):
    with open(os.path.join(str(folder), "deconv.csv"), encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_single_maps_of_a_graph(folder):
    assert main([*words(folder, "deconv"), *RANGE, "--maps", "3,0"]) == 0
    (place,) = [path for path in (folder / "log" / "graphs").iterdir() if "maps" in path.name]
    rows = ["Conv2D_1"] + [f"Conv2D_1/map {number}{spot}" for number in (3, 0) for spot in ("", ", spot")]
    tags = [f"{row}/{method}" for row in rows for method in METHODS.values()]
    assert list(images_of(str(place))) == ["input", "Conv2D_1/maps", *tags, "picture"]
    found = numbers(place)
    assert set(found) == {"input", "Conv2D_1/maps", *(f"{row}/{method}" for row in rows for method in METHODS)}
    assert found["Conv2D_1/map 3/guided"].shape == (*SIDES, 3) and found["Conv2D_1/map 3/guided"].any()
    maps, listed = found["Conv2D_1/maps"], table(place)
    assert [int(row["map"]) for row in listed] == np.argsort(-maps.max((1, 2)), kind="stable").tolist()
    for row in listed:
        value = maps[int(row["map"]), int(row["y"]), int(row["x"])]
        assert float(row["activation"]) == pytest.approx(value, rel=1e-5) and value == maps[int(row["map"])].max()


def test_several_layers_of_a_graph(folder):
    """Each has the directory and the numbers that it has alone."""
    for layers in ("Conv2D,Conv2D_1", "Conv2D_1", "all"):
        log = str(folder / f"log-{layers}")
        assert main([*words(folder, "deconv", layer=layers), *RANGE, "--logdir", log]) == 0
    alone = numbers(folder / "log-Conv2D_1" / "graphs" / os.listdir(str(folder / "log-Conv2D_1" / "graphs"))[0])
    for layers in ("Conv2D,Conv2D_1", "all"):
        places = sorted((folder / f"log-{layers}" / "graphs").iterdir())
        assert [set(numbers(place)) & {"Conv2D/maps", "Conv2D_1/maps"} for place in places] == [
            {"Conv2D/maps"}, {"Conv2D_1/maps"},
        ]  # fmt: skip
        np.testing.assert_array_equal(numbers(places[1])["Conv2D_1/guided"], alone["Conv2D_1/guided"])


@pytest.fixture
def picture(tmp_path):
    path = str(tmp_path / "seven.png")
    Image.fromarray(mnist.load(SAMPLE).test.images[0].reshape(28, 28)).save(path)
    return path


def test_the_classes_of_the_articles_network(trained, picture, tmp_path):
    logdir = str(tmp_path / "log")
    shutil.copytree(trained.logdir, logdir)
    classes = ",".join(map(str, range(10)))
    assert main(["deconv", picture, "--logdir", logdir, "--layer", "fc2", "--maps", classes]) == 0
    folder = tmp_path / "log" / "deconv" / f"seven-layer=fc2-maps={classes}"
    found = numbers(folder)
    logits = found["fc2/maps"][:, 0, 0]
    np.testing.assert_allclose(found["answers"], np.exp(logits) / np.exp(logits).sum(), rtol=1e-4)
    single = sum(found[f"fc2/map {number}/{GRADIENT}"] for number in range(10))
    together = found[f"fc2/{GRADIENT}"]
    np.testing.assert_allclose(single, together, atol=1e-4 * np.abs(together).max())
    assert [int(row["map"]) for row in table(folder)] == np.argsort(-logits).tolist()


def test_a_layer_or_map_that_does_not_exist(trained, folder, picture, capsys):
    asked = ["deconv", picture, "--logdir", trained.logdir]
    assert_refused(capsys, [*asked, "--layer", "conv3"], "--layer: expected one of conv1, conv2, fc1, fc2")
    assert_refused(capsys, [*asked, "--layer", "fc2", "--maps", "10"], "--maps: expected maps of fc2, 0 to 9, found 10")
    assert_refused(capsys, [*words(folder, "deconv"), *RANGE, "--maps", "7"], "maps of Conv2D_1, 0 to 6, found 7")


def spectrogram(x):
    x = tf.nn.relu(tf.nn.conv2d(x, constant([3, 3, 2, 4], 1), 1, "SAME", name="conv"))
    return tf.matmul(tf.reduce_mean(x, [1, 2]), constant([4, 3], 2), name="classes")


def test_an_array_is_read_image_by_image(tmp_path, capsys):
    """Of two channels, which no picture file has."""
    values = np.random.RandomState(0).normal(size=(3, 8, 6, 2)).astype(np.float32)
    np.save(str(tmp_path / "sounds.npy"), values)
    graph = write_frozen(tmp_path / "model.pb", spectrogram, shape=[None, 8, 6, 2])
    asked = ["deconv", str(tmp_path / "sounds.npy"), "--graph", graph, "--logdir", str(tmp_path / "log")]
    for layer in ("conv", "classes"):
        assert main([*asked, "--layer", layer]) == 0
    places = sorted(os.listdir(str(tmp_path / "log" / "graphs")))
    assert places == [f"model-{layer}-sounds-{number}" for layer in ("classes", "conv") for number in range(3)]
    assert "sounds-2.npy: strongest " in capsys.readouterr().out
    kernel, weights = constant([3, 3, 2, 4], 1), constant([4, 3], 2)
    with tf.Graph().as_default(), tf.Session() as session:
        pixels = tf.constant(values)
        logits = tf.matmul(tf.reduce_mean(tf.nn.relu(tf.nn.conv2d(pixels, kernel, 1, "SAME")), [1, 2]), weights)
        expected = session.run([logits, tf.gradients(logits, pixels, logits)[0]])
    for number in range(3):
        found = numbers(tmp_path / "log" / "graphs" / f"model-classes-sounds-{number}")
        np.testing.assert_allclose(found["classes/maps"][:, 0, 0], expected[0][number], rtol=1e-4)
        np.testing.assert_allclose(found["classes/gradient"], expected[1][number].sum(axis=2), rtol=1e-3, atol=1e-6)


def signal_layers(x):
    for number in range(2):
        x = tf.nn.relu(tf.nn.conv1d(x, constant([5, int(x.shape[2]), 4], number), 2, "SAME", name=f"conv{number}"))
    return x


def test_a_signal_against_tf_gradients(tmp_path):
    signal = np.random.RandomState(0).normal(size=(1, 40, 1)).astype(np.float32)
    np.save(str(tmp_path / "signal.npy"), signal)
    graph, log = write_frozen(tmp_path / "model.pb", signal_layers, shape=[None, 40, 1]), str(tmp_path / "log")
    asked = ["--graph", graph, "--layer", "conv1", "--maps", "2", "--method", "gradient", "--logdir", log]
    assert main(["deconv", str(tmp_path / "signal.npy"), *asked]) == 0
    with tf.Graph().as_default(), tf.Session() as session:
        pixels = tf.constant(signal)
        end = signal_layers(pixels)
        one = end * tf.one_hot(2, 4)
        expected = session.run([end, tf.gradients(end, pixels, end)[0], tf.gradients(end, pixels, one)[0]])
    (folder,) = os.listdir(os.path.join(log, "graphs"))
    arrays = read_npz(log, "graphs", folder, "deconv.npz")
    found = [arrays[f"conv1/{name}"] for name in ("maps", "gradient", "map 2/gradient")]
    np.testing.assert_allclose(found[0], expected[0].transpose(2, 0, 1), rtol=1e-5, atol=1e-6)
    for projection, truth in zip(found[1:], expected[1:]):
        np.testing.assert_allclose(projection, truth[..., 0], rtol=1e-4, atol=1e-5)
        assert truth.any()

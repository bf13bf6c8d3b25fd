"""The numbers on the dashboard for recorded results, compared with the .npz file and with the network."""

import os

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.article import network
from legacy_graph.article.deconv import deconvolve
from legacy_graph.board import sheet
from legacy_graph.config import SHARED
from legacy_graph.data import mnist
from legacy_graph.training.checkpoints import restored_session
from legacy_graph.visualize import occlusion_check, sanity_check
from tests.board.site import pixels
from tests.support.program import SAMPLE
from tests.support.published import read_npz

# What all versions of this program wrote.
NEEDED = ("receptive_field", "maps", "wins", "images", "places", "activations", "projections")


@pytest.fixture(scope="module")
def path(features_run):
    return os.path.join(features_run, "features", "conv2", "features.npz")


@pytest.fixture(scope="module")
def arrays(path):
    return read_npz(path)


def cut(image, place, outside):
    """The receptive field of position `place` of conv2: by definition 16 x 16 pixels, from pixel 4 * place - 6 on."""
    padded = np.pad(image, 16, "constant", constant_values=outside)
    y, x = 4 * place - 6 + 16
    return padded[y : y + 16, x : x + 16]


def as_grey(patches):
    strengths = np.abs(patches[patches != 0])
    return np.rint(127 + 127 * np.clip(patches / np.percentile(strengths, 98), -1, 1))


def test_the_receptive_field_of_conv2(arrays):
    assert arrays["receptive_field"].tolist() == [[16, 4, -6]] * 2


@pytest.mark.parametrize("method, name", [("deconvnet", "projections"), ("gradient", "gradient"),
                                          ("guided", "guided"), ("control", "control")])  # fmt: skip
def test_projections_are_those_of_the_file(path, arrays, method, name):
    shown = sheet.load(path)
    for row, number in enumerate(arrays["maps"][:3].tolist()):
        there = arrays["images"][row] >= 0
        pairs = list(zip(arrays[name][row][there], arrays["places"][row][there]))
        expected = as_grey(np.array([cut(projection, place, 0) for projection, place in pairs]))
        found = shown.map(number, method)
        assert len(found["spots"]) == there.sum() > 0
        for spot, tile in zip(found["spots"], expected):
            np.testing.assert_array_equal(pixels(spot["projection"])[..., 0], tile)
        np.testing.assert_array_equal(pixels(found["tile"])[..., 0], expected[0])


def test_spots_match_the_digits(path, arrays):
    digits = mnist.load(SAMPLE).test
    number = int(arrays["maps"][0])
    found = sheet.load(path).map(number, "deconvnet")
    for at, spot in enumerate(found["spots"]):
        image, place = digits.images[spot["image"]].reshape(28, 28), arrays["places"][0, at]
        assert spot["image"] == arrays["images"][0, at] and spot["place"] == place.tolist()
        assert spot["activation"] == arrays["activations"][0, at]
        assert spot["label"] == str(digits.labels[spot["image"]])
        assert spot["frame"] == [[4 * place[0] - 6, 16], [4 * place[1] - 6, 16]]
        np.testing.assert_array_equal(pixels(spot["input"])[..., 0], image)
        np.testing.assert_array_equal(pixels(spot["patch"])[..., 0], cut(image, place, 64))


def test_the_comparison_with_occlusion_matches_its_report(path, arrays):
    """The means of the maps, weighted by their spots, are the means of the layer."""
    shown = sheet.load(path)
    rows = [row for number in arrays["maps"].tolist() for row in shown.map(number, "guided")["needs"]]
    found = sanity_check.TopActivations(*[arrays[name] for name in sanity_check.TopActivations._fields])
    fields = tuple(sheet.Field(*field) for field in arrays["receptive_field"].tolist())
    projections = occlusion_check.by_method("deconvnet", found, arrays)
    report = occlusion_check.table_rows(
        occlusion_check.correlate_falls(arrays["occlusion"], projections, found, fields)
    )
    assert len(report) == 6
    for compared, spots, magnitude, positive in report:
        same = [row for row in rows if (row["method"], row["random"]) == compared]
        weights = [row["spots"] for row in same]
        assert sum(weights) == spots > 0
        assert np.average([row["magnitude"] for row in same], weights=weights) == pytest.approx(magnitude)
        assert np.average([row["positive"] for row in same], weights=weights) == pytest.approx(positive)


def test_answers_and_projections_are_those_of_the_network(features_run, arrays):
    """Compares the strongest activation of the first map with a graph that has no probe."""
    row, image, place, number = 0, arrays["images"][0, 0], arrays["places"][0, 0], arrays["maps"][0]
    with tf.Graph().as_default() as graph:
        net = network.build()
        chosen = tf.constant([number], tf.int64), tf.constant(place[None], tf.int64)
        methods = ("deconvnet", "gradient", "guided")
        tensors = [deconvolve(net.layers, "conv2", *chosen, method=name, ties=SHARED)[0, :, :, 0] for name in methods]
    digit = mnist.scale_pixels(mnist.load(SAMPLE).test.images[image : image + 1])
    with restored_session(graph, features_run) as (session, step):
        feed = {net.images: digit, net.keep_prob: 1.0}
        probabilities, projections = session.run([net.probabilities[0], tensors], feed)
    for name, expected in zip(("projections", "gradient", "guided"), projections):
        assert np.abs(expected).max() > 0
        np.testing.assert_allclose(arrays[name][row, 0], expected, atol=1e-5 * np.abs(expected).max())
    at = arrays["input_numbers"].tolist().index(image)
    np.testing.assert_allclose(arrays["answers"][at], probabilities, atol=1e-5)
    assert (int(arrays["step"]), int(arrays["channels"]), str(arrays["method"])) == (step, 64, "deconvnet")


def test_results_of_earlier_versions_are_shown(arrays, tmp_path):
    path = str(tmp_path / "features.npz")
    np.savez_compressed(path, **{name: arrays[name] for name in NEEDED})
    shown = sheet.load(path)
    found, number = shown.maps(), int(arrays["maps"][0])
    assert (found["step"], found["channels"], found["method"], len(found["maps"])) == (None, None, "deconvnet", 16)
    assert shown.maps("control")["maps"] == []
    spot = shown.map(number, "deconvnet")["spots"][0]
    assert [spot[name] for name in ("input", "patch", "control", "rank_correlation", "label", "answer")] == [None] * 6
    assert shown.map(number, "deconvnet")["needs"] == []
    assert spot["projection"] is not None


def test_a_dead_map_has_no_picture(arrays, tmp_path):
    path = str(tmp_path / "features.npz")
    np.savez_compressed(path, **dict(arrays, images=np.where(np.arange(16)[:, None] == 1, -1, arrays["images"])))
    shown, number = sheet.load(path), int(arrays["maps"][1])
    dead = shown.maps("deconvnet")["maps"][1]
    assert (dead["map"], dead["activation"], dead["tile"]) == (number, None, None)
    assert shown.map(number, "deconvnet")["spots"] == []


def test_changed_results_are_read_again(arrays, tmp_path):
    path = str(tmp_path / "features.npz")
    for step in (1, 22):
        np.savez_compressed(path, **dict(arrays, step=step, about="x" * step))
        assert sheet.load(path).maps()["step"] == step

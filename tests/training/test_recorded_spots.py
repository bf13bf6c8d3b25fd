"""The spots that a run records for the DECONVNET dashboard, against numpy's maxima of the kept kernels' activations."""

import os

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.article import network
from legacy_graph.board import runs
from legacy_graph.data import mnist
from legacy_graph.errors import UserError
from legacy_graph.logdir import layout
from legacy_graph.training import kernels, recorded_spots
from legacy_graph.visualize import layer_probes, spot_schema


@pytest.fixture(scope="module")
def probed(undisturbed):
    """(session, network, probes) with the kept kernels of step 6."""
    with tf.Graph().as_default(), tf.Session() as session:
        net = network.build()
        probes = [layer_probes.article_probe(net, layer.name, "shared") for layer in net.layers]
        kernels.restore(session, undisturbed, 6)
        yield session, net, probes


@pytest.mark.parametrize("number", [0, 1])
def test_each_map_has_its_strongest_spot(undisturbed, probed, data, number):
    session, net, probes = probed
    (run,) = runs.find_runs(undisturbed).values()
    recorded = spot_schema.read(run.sheets[f"conv{number + 1}-training"]["6"])
    output = session.run(net.layers[number].output, {net.images: mnist.scale_pixels(data.test.images)})
    alive = output.max((0, 1, 2)) > 0
    images = np.where(alive, output.max((1, 2)).argmax(0), -1)
    assert (recorded["step"], recorded["images"][:, 0].tolist()) == (6, images.tolist())
    np.testing.assert_allclose(recorded["activations"][:, 0], output.max((0, 1, 2)), rtol=1e-5)
    for channel in np.flatnonzero(alive):
        y, x = recorded["places"][channel, 0]
        assert output[images[channel], y, x, channel] == output[images[channel], :, :, channel].max()
    fed = {net.images: mnist.scale_pixels(data.test.images[images]), probes[number].maps: np.arange(len(images))}
    projections = session.run(probes[number].projections["deconvnet"], fed)[..., 0]
    np.testing.assert_allclose(recorded["projections"][alive, 0], projections[alive], atol=1e-6)
    shown = recorded["inputs"][np.searchsorted(recorded["input_numbers"], images[alive])]
    np.testing.assert_array_equal(shown.reshape(-1, 784), data.test.images[images[alive]])
    assert recorded["labels"].tolist() == data.test.labels.tolist()
    assert recorded["class_names"].tolist() == [str(digit) for digit in range(10)]


def test_a_dead_map_has_no_spot(undisturbed, probed, data, tmp_path):
    probe, strongest = probed[2][0], np.zeros([2, 32], "f")
    strongest[1, 3] = 2
    places, projections = np.full([32, 2], 5), np.zeros([32, 28, 28], "f")
    digits = mnist.Digits(data.test.images[:2], data.test.labels[:2])
    content = recorded_spots.pack(7, digits, ["a"] * 10, probe, strongest, places, projections)
    recorded_spots.write(str(tmp_path), 7, "conv1", content)
    recorded = spot_schema.read(os.path.join(recorded_spots.folder(str(tmp_path), "conv1"), "features-7.npz"))
    assert np.flatnonzero(recorded["images"][:, 0] >= 0).tolist() == [3]
    assert recorded["images"][3, 0] == 1 and recorded["places"][3, 0].tolist() == [5, 5]
    assert recorded["places"][4, 0].tolist() == [0, 0] and recorded["input_numbers"].tolist() == [1]


@pytest.mark.parametrize("kind", ["activations", "projections"])
def test_an_overflow_stops_the_run_before_it_is_recorded(probed, kind):
    """The weights can be finite then: a projection multiplies by both kernels twice."""
    arrays = {"activations": np.ones([2, 32], "f"), "projections": np.zeros([32, 28, 28], "f")}
    arrays[kind][1, 3] = -np.inf
    places, digits = np.zeros([32, 2], int), mnist.Digits(np.zeros([2, 784], np.uint8), np.zeros(2, np.uint8))
    line = f"^conv1/{kind}: expected a finite number at step 7, found inf; use a smaller --learning-rate"
    with pytest.raises(UserError, match=line):
        recorded_spots.pack(7, digits, ["a"] * 10, probed[2][0], arrays["activations"], places, arrays["projections"])


def test_spots_of_lost_steps_are_removed(tmp_path):
    folder = recorded_spots.folder(str(tmp_path), "conv2")
    os.makedirs(folder)
    for step in (0, 20, 100):
        with open(os.path.join(folder, layout.name_with_step(layout.NUMBERS, step)), "w"):
            pass
    recorded_spots.remove_from(str(tmp_path), 20)
    assert os.listdir(folder) == ["features-0.npz"]

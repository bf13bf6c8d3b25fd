"""What a run records about its features, against numpy and against what `features` computes of the same step."""

import io
import os

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from legacy_graph.article import network, summaries
from legacy_graph.article.receptive_field import crop_patches
from legacy_graph.data import mnist
from legacy_graph.logdir import kept_kernels
from legacy_graph.training import kernels
from legacy_graph.visualize import evolution, layer_probes
from tests.support.faulty_runs import OPTIONS


@pytest.fixture(scope="module")
def recorded(undisturbed):
    """The events of the runs train and test."""
    sizes = dict.fromkeys(["scalars", "images", "histograms"], 0)
    return {run: EventAccumulator(os.path.join(undisturbed, run), sizes).Reload() for run in ("train", "test")}


@pytest.fixture(scope="module")
def restored(undisturbed):
    """A session of a network without weights of its own, and a function that restores a step into it."""
    with tf.Graph().as_default(), tf.Session() as session:
        net = network.build()
        probes = [layer_probes.article_probe(net, layer.name, "shared") for layer in net.layers]
        yield session, net, probes, lambda step: kernels.restore(session, undisturbed, step)


def values(events):
    return {event.step: event.value for event in events}


def spearman(one, other):
    """Of values without ties."""
    ranks = [np.argsort(np.argsort(values.ravel())) for values in (one, other)]
    return np.corrcoef(*ranks)[0, 1]


@pytest.mark.parametrize("layer", ["conv1", "conv2"])
def test_learned_is_the_rank_correlation_with_step_0(recorded, undisturbed, layer):
    curve = values(recorded["test"].Scalars(f"learned/{layer}"))
    assert sorted(curve) == [0, 4, 6, 8, 12]
    first, sixth, last = [kept_kernels.read(undisturbed, step)[f"{layer}/weights"] for step in (0, 6, 12)]
    assert curve[0] == pytest.approx(1)
    assert curve[6] == pytest.approx(spearman(first, sixth), abs=1e-4)
    assert curve[12] == pytest.approx(spearman(first, last), abs=1e-4)
    assert curve[12] < curve[6] < 1


@pytest.mark.parametrize("number", [0, 1])
def test_dead_is_the_fraction_of_maps_that_no_digit_activates(recorded, restored, data, number):
    session, net, _, restore = restored
    restore(12)
    output = session.run(net.layers[number].output, {net.images: mnist.scale_pixels(data.test.images)})
    curve = values(recorded["test"].Scalars(f"{net.layers[number].name}/dead"))
    assert curve[12] == pytest.approx((output.max((0, 1, 2)) <= 0).mean())


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("step", [0, 12])
def test_a_sheet_shows_what_features_finds(recorded, restored, data, number, step):
    """The strongest spot of each map over the same digits, drawn with the same function."""
    session, net, probes, restore = restored
    restore(step)
    probe, count = probes[number], 32 * (number + 1)
    outputs = session.run(net.layers[number].output, {net.images: mnist.scale_pixels(data.test.images)})
    chosen = outputs.max((1, 2)).argmax(0)
    fed = {net.images: mnist.scale_pixels(data.test.images[chosen]), probe.maps: np.arange(count)}
    places, projections = session.run([probe.places, probe.projections["deconvnet"]], fed)
    patches = crop_patches(projections[..., 0], places, probe.fields, 0)
    expected = evolution.draw_maps(patches, outputs.max((0, 1, 2)) > 0)
    shown = {event.step: event for event in recorded["test"].Images(f"features/conv{number + 1}/image")}
    assert sorted(shown) == [0, 6, 12]
    found = np.asarray(Image.open(io.BytesIO(shown[step].encoded_image_string)))
    assert found.shape == expected.shape
    assert np.mean(found == expected) > 0.99  # rounding may differ by one


def test_kernels_are_drawn_one_scale_a_map(recorded, undisturbed):
    kernel = kept_kernels.read(undisturbed, 12)["conv1/weights"][:, :, 0, 9]  # second row, second tile
    event = recorded["test"].Images("kernels/conv1/image")[-1]
    sheet = np.asarray(Image.open(io.BytesIO(event.encoded_image_string))).astype(int)
    centres = [sheet[4 + 84 + 4 + 8 + 16 * row, 4 + 32 + 88 + 8 :][: 16 * 5 : 16] for row in range(5)]
    assert np.abs(np.array(centres) - (127 + 127 * kernel / np.abs(kernel).max())).max() <= 0.5


def test_activations_are_those_of_the_training_batch(recorded, data, undisturbed, restored):
    session, net, _, restore = restored
    restore(0)
    images, _ = next(mnist.batches(data.train, OPTIONS["batch_size"], OPTIONS["seed"], 0))
    for layer in net.layers:
        relu = session.run(layer.relu, {net.images: images})
        sparsity = values(recorded["train"].Scalars(f"{layer.name}/sparsity"))
        histogram = recorded["train"].Histograms(f"{layer.name}/activations")[0].histogram_value
        assert sorted(sparsity) == [0, 4, 8, 12]
        assert sparsity[0] == pytest.approx((relu == 0).mean(), abs=1e-4)
        assert (histogram.num, histogram.max) == (relu.size, pytest.approx(relu.max(), rel=1e-5))
        assert histogram.sum == pytest.approx(relu.sum(), rel=1e-4)


def test_values_that_are_not_finite_count_as_zero():
    with tf.Graph().as_default(), tf.Session() as session:
        summaries.activation_summaries("fc1", tf.constant([0.0, np.nan, 2.0, np.inf]))
        merged = session.run(tf.summary.merge_all(summaries.ACTIVATIONS))
    sparsity = {value.tag: value.simple_value for value in tf.Summary.FromString(merged).value}["fc1/sparsity"]
    assert sparsity == 0.75


def test_a_dead_map_gets_a_cross():
    patches = np.ones([2, 6, 6], "f")
    alive, dead = evolution.draw_tiles(patches, np.array([True, False]))
    assert (alive == 254).all()
    assert dead[0, 0] == dead[-1, 0] == dead[0, -1] == 190 and dead[0, 30] == 232

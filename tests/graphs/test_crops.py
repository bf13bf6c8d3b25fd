"""Projections of single positions on crops of the images, against those on the complete images."""

import itertools

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.config import GRADIENT
from legacy_graph.graphs import backward
from legacy_graph.graphs.crops import find_crop
from tests.support import constructs
from tests.support.graph_models import CHANNELS, Maker, ends, measured_model_of, pool


def thirds(make, value):
    """Strides of 3 and 2, VALID and SAME, and a window that skips pixels."""
    value = tf.nn.relu(make.convolve(value, 4, 2, stride=3, padding="VALID"))
    return ends(tf.nn.relu(make.convolve(pool(value, 1, 2), 5)))


def padded(make, value):
    """Zeros around the image, as PyTorch pads, and an average over the neighbours in the image."""
    value = tf.nn.relu(make.convolve(tf.pad(value, [[0, 0], [3, 2], [1, 3], [0, 0]]), 4, 5, 2, "VALID"))
    return ends(tf.nn.relu(make.convolve(pool(value, 3, 1, kind=tf.nn.avg_pool), 5)))


def mirrored(make, value):
    """Reflections around the image."""
    value = tf.pad(value, [[0, 0], [1, 1], [1, 1], [0, 0]], "REFLECT")
    return ends(tf.nn.relu(make.convolve(tf.nn.relu(make.convolve(value, 4, padding="VALID", stride=2)), 5)))


def wide(make, value):
    """Different strides and windows along height and width."""
    value = tf.nn.conv2d(value, make.constant(5, 1, CHANNELS, 4), [1, 2, 1, 1], "SAME")
    value = tf.nn.conv2d(tf.nn.relu(value), make.constant(1, 5, 4, 5), [1, 1, 3, 1], "VALID")
    return ends(tf.nn.max_pool(tf.nn.relu(value), [1, 2, 1, 1], [1, 2, 1, 1], "SAME"))


def stops(make, value):
    """A straight-through estimator, and constants with one value, and with one for each channel."""
    value = make.convolve(2 * value - make.constant(CHANNELS), 4)
    rounded = value + tf.stop_gradient(tf.round(value) - value)
    return ends(tf.nn.relu(make.convolve(rounded, 5) * make.constant(1, 1, 5)))


LOCAL = [
    *itertools.product([thirds, padded, constructs.strided], [(48, 48), (53, 46), (40, 61)]),
    *itertools.product(
        [
            mirrored, wide, stops, constructs.dilated, constructs.depthwise, constructs.overlapping_pools,
            constructs.average_pool, constructs.branches, constructs.residual, constructs.batch_norm_unfolded,
            constructs.leaky, constructs.response_norm,
        ],
        [(45, 50)],
    ),
]  # fmt: skip


def spots_of(layer):
    """The corners, borders and inner positions of a layer, int64 [N, 2]; and a map for each."""
    lines = [np.unique([0, 1, side // 3, side // 2, side - 2, side - 1]) for side in layer.shape[:2]]
    places = np.stack(np.meshgrid(*lines, indexing="ij"), 2).reshape(-1, 2)
    return places, np.arange(len(places)) % layer.shape[2]


def project_all(model, images, maps, places, alone=True):
    """(gradients by TensorFlow alone, {method: (projections on the complete images, on crops)})."""
    layer = model.layers[0]
    index = np.concatenate([np.arange(len(maps))[:, None], places, maps[:, None]], 1)
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
        back, fetches = backward.import_backward(model, layer), {}
        for method in back.methods:
            chosen = back._replace(methods=(method,)), tf.constant(maps), tf.constant(places)
            fetches[method] = backward.project(*chosen), backward.project_spots(*chosen)[0]
        (start,) = tf.import_graph_def(model.graph_def, {model.input: back.images}, [layer.start + ":0"], name="plain")
        # The layers have no activation, so the signals are 1.
        truth = tf.gradients(tf.gather_nd(start, index), back.images)[0] if alone else fetches[GRADIENT][0]
        return session.run([truth, fetches], {back.images: images})


def assert_equal(found, expected):
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("build, sides", LOCAL, ids=[f"{build.__name__}-{sides}" for build, sides in LOCAL])
def test_projections_on_crops_are_those_of_the_complete_images(build, sides):
    """Images of real values, and of few values, so that windows of max pools have ties."""
    model = measured_model_of(lambda value: build(Maker(), value), sides)
    places, maps = spots_of(model.layers[0])
    random = np.random.RandomState(1)
    real = random.normal(size=(len(maps), *sides, CHANNELS))
    images = np.concatenate([real, random.randint(-1, 2, real.shape) / 2])
    # TensorFlow 1.15 alone has no gradient of a dilated convolution.
    alone = build is not constructs.dilated
    truth, found = project_all(model, images, np.tile(maps, 2), np.tile(places, (2, 1)), alone)
    assert find_crop(model, model.layers[0])
    for whole, cropped in found.values():
        assert whole.any(axis=(1, 2, 3)).mean() > 0.2
        assert_equal(cropped, whole)
    assert_equal(found[GRADIENT][1], truth)


def resized(make, value):
    return tf.raw_ops.ResizeNearestNeighbor(images=value, size=[2 * side for side in value.shape.as_list()[1:3]])


def coordinates(make, value):
    return tf.concat([value, tf.zeros_like(value) + make.constant(1, 48, 1, 1)], 3)


def instance_norm(make, value):
    return value - tf.reduce_mean(value, [1, 2], keepdims=True)


def numbered(make, value):
    """A gate that depends on where in the complete image the maximum is."""
    pooled, numbers = tf.nn.max_pool_with_argmax(value, [1, 2, 2, 1], [1, 1, 1, 1], "SAME")
    return pooled * tf.cast(tf.equal(tf.math.floormod(numbers, 48 * 4 * 2), 0), tf.float32) + pooled


NOT_LOCAL = {
    "resize": resized,
    "a constant with a height": lambda make, value: value * make.constant(48, 1, 1),
    "the second part of a constant": lambda make, value: value * tf.split(make.constant(49, 1, 1), [1, 48], 0)[1],
    "coordinates": coordinates,
    "numbers of positions": numbered,
    "a required size": lambda make, value: tf.ensure_shape(value, [None, 48, 48, 4]),
    "instance norm": instance_norm,
    "a gate of the complete image": lambda make, value: (
        value * tf.sigmoid(pool(value, 48, 48, "VALID", tf.nn.avg_pool))
    ),
    "the height as a factor": lambda make, value: value * tf.cast(tf.shape(value)[1], tf.float32),
    "an unknown field": lambda make, value: tf.gather(value, list(range(48))[::-1], axis=1),
    "a field of half the image": lambda make, value: make.convolve(value, 4, 33),
}


@pytest.mark.parametrize("change", NOT_LOCAL.values(), ids=NOT_LOCAL)
def test_other_layers_take_the_complete_image(change):
    def build(value):
        make = Maker()
        return ends(tf.nn.relu(make.convolve(change(make, tf.nn.relu(make.convolve(value, 4))), 5)))

    model = measured_model_of(build, (48, 48))
    assert find_crop(model, model.layers[0]) is None
    places, maps = spots_of(model.layers[0])
    images = np.random.RandomState(2).normal(size=(len(maps), 48, 48, CHANNELS))
    truth, found = project_all(model, images, maps, places)
    assert_equal(found[GRADIENT][1], truth)

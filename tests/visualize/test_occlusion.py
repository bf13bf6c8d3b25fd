"""Occlusion against plain loops that cover and run one image at a time, and on a linear network by hand."""

import functools
import itertools

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.article import network
from legacy_graph.article.dense import all_layers, class_probabilities
from legacy_graph.article.receptive_field import Field
from legacy_graph.data.images import Preprocessing, from_array
from legacy_graph.errors import UserError
from legacy_graph.visualize import occluded_reading, occlusion
from legacy_graph.visualize.cover import DEFAULT_COVER, Cover, CoverOptions, choose_cover
from legacy_graph.visualize.probe import OpenProbe, ProbedLayer, build_probe
from legacy_graph.visualize.reading import Reader

SIZE = (11, 9)
COVERS = [Cover(3, 1), Cover(4, 2, (0.5, 0.1)), Cover(2, 2, (-1.0,)), Cover(5, 3), Cover(9, 9), Cover(10, 1)]
SPOTS = np.array([0, 2, 2, 1]), np.array([1, 0, 3, 3]), np.array([[0, 0], [1, 3], [2, 1], [0, 1]])


class Small:
    """A network of random weights on three images of two channels, with a probe of its only layer."""

    def __init__(self, linear, chunk=7):
        random = np.random.RandomState(0)
        self.pixels = random.randint(0, 256, (3, *SIZE, 2)).astype(np.uint8)
        self.images = from_array(self.pixels, Preprocessing(-1, 1), "noise")
        self.kernel = random.randn(4, 3, 2, 4).astype(np.float32)
        with tf.Graph().as_default() as graph:
            self.fed = tf.placeholder(tf.float32, [None, *SIZE, 2])
            self.output = tf.nn.conv2d(self.fed, self.kernel, [1, 2, 2, 1], "VALID")  # [B, 4, 4, 4]
            fields = Field(4, 2, 0), Field(3, 2, 0)
            if not linear:
                relu = tf.nn.relu(self.output + 0.3)
                self.output = tf.nn.max_pool(relu, [1, 2, 1, 1], [1, 1, 1, 1], "VALID")  # [B, 3, 4, 4]
                fields = Field(6, 2, 0), Field(3, 2, 0)
            layer = ProbedLayer("any", self.fed, None, self.output, fields, True, "deconvnet")
            self.probe = build_probe(layer, lambda maps, places: ({}, self.output))._replace(chunk=chunk)
        self.session = tf.Session(graph=graph)

    def falls(self, cover, spots=SPOTS):
        return occlusion.spot_occlusion(OpenProbe(self.session, self.probe, self.images), *spots, cover)

    def activation(self, number, place, image):
        return self.session.run(self.output, {self.fed: image[None]})[(0, *place, number)]


def starts(side, cover):
    """0, stride, 2 * stride, ..., up to the first patch that reaches the end of the axis."""
    return next(
        list(range(0, last + 1, cover.stride)) for last in range(0, side, cover.stride) if last + cover.patch >= side
    )


def mean_by_loop(image, cover, run):
    """The mean of `run(covered image)` over all patches that cover a pixel, [H, W, values]; none is left out."""
    total, count = 0, 0
    for y, x in itertools.product(*[starts(side, cover) for side in image.shape[:2]]):
        mask = np.zeros((*image.shape[:2], 1))
        mask[y : y + cover.patch, x : x + cover.patch] = 1
        total = total + mask * run(np.where(mask, np.float32(cover.value), image))
        count = count + mask
    return total / count


@pytest.mark.parametrize("cover", COVERS)
def test_a_linear_network_by_hand(cover):
    """The fall is the sum of weight times (pixel minus cover) under the patch."""
    small = Small(linear=True)
    for number, channel, (y, x), found in zip(*SPOTS, small.falls(cover)):
        image, weights = small.images.take([number])[0].astype(float), np.zeros((*SIZE, 2))
        weights[2 * y : 2 * y + 4, 2 * x : 2 * x + 3] = small.kernel[..., channel]
        weighted = functools.partial(np.tensordot, weights, axes=3)
        falls = weighted(image) - mean_by_loop(image, cover, weighted)
        np.testing.assert_allclose(found, falls[..., 0], atol=1e-5)


@pytest.mark.parametrize("cover", COVERS)
def test_each_position_run_one_at_a_time(cover):
    small = Small(linear=False)
    for number, channel, place, found in zip(*SPOTS, small.falls(cover)):
        image, run = small.images.take([number])[0], functools.partial(small.activation, channel, place)
        np.testing.assert_allclose(found, run(image) - mean_by_loop(image, cover, run)[..., 0], atol=1e-6)


@pytest.mark.parametrize("chunk", [1, 2, 50, 10**6])
def test_batches_do_not_change_a_value(chunk):
    expected = Small(linear=False, chunk=7).falls(COVERS[1])
    np.testing.assert_allclose(Small(linear=False, chunk=chunk).falls(COVERS[1]), expected, atol=1e-6)


def test_batches_are_equal_and_as_few_as_possible():
    class Session:
        sizes = []

        def run(self, fetch, feed):
            self.sizes.append(len(feed["pixels"]))
            return feed["pixels"].sum(axis=(1, 2, 3))

    cover = Cover(1, 1)
    corners = [tuple(map(np.array, axes)) for axes in (([0], [0]), ([], []), ([0, 1], [1]))]
    jobs = [occlusion.Job(lambda: np.ones([2, 2, 1], "f"), each) for each in corners]
    found = list(occlusion.run_covered(Session(), "sum", "pixels", jobs, cover, 2))
    assert [values.tolist() for values in found] == [[4, 3], [4], [4, 3, 3]]
    assert Session.sizes == [2, 2, 2]
    list(occlusion.run_covered(Session(), "sum", "pixels", jobs[:1], cover, 4))
    assert Session.sizes[3:] == [2]


def test_the_fall_outside_the_field_is_exactly_zero():
    small, cover = Small(linear=False), Cover(2, 2)
    (found,) = small.falls(cover, [part[:1] for part in SPOTS])  # the field is the upper left 6 x 3 pixels
    assert found[:6, :4].any()
    assert not found[6:].any() and not found[:, 4:].any()


def test_a_patch_of_a_signal_is_as_long_as_asked():
    """Its height is that of the signal, one row. The default is a fifth of the receptive field."""
    signals = from_array(np.zeros((2, 1, 64, 1), np.float32), None, "signals")
    assert choose_cover(DEFAULT_COVER, signals, [1, 40])[:2] == (8, 4)
    assert choose_cover(CoverOptions(patch=16), signals, [1, 40])[:2] == (16, 8)
    with pytest.raises(UserError, match="at most 64"):
        choose_cover(CoverOptions(patch=65), signals, [1, 40])


def test_an_activation_that_is_not_finite_is_refused():
    with pytest.raises(UserError, match="any: expected finite activations"):
        Small(linear=True).falls(Cover(2, 2, (np.inf,)))


def test_no_spots_give_no_pictures():
    assert Small(linear=True).falls(COVERS[0], [part[:0] for part in SPOTS]).shape == (0, *SIZE)


def test_class_probabilities_run_one_at_a_time():
    cover, random = Cover(9, 7), np.random.RandomState(1)
    images = random.rand(2, 28, 28, 1).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        net = network.build()
        reader = Reader(session.graph, net.layers[0].input, {}, 50, class_probabilities(all_layers(net)))
        session.run(tf.global_variables_initializer())

        def probabilities(image):
            return session.run(net.probabilities, {net.images: image.reshape(1, -1), net.keep_prob: 1.0})[0]

        found = occluded_reading.class_occlusion(session, reader, images, cover)
        for row, image in enumerate(images):
            whole, covered = probabilities(image), mean_by_loop(image, cover, probabilities)
            np.testing.assert_allclose(found.probabilities[row], whole, atol=1e-6)
            np.testing.assert_allclose(found.falls[row], (whole - covered)[..., whole.argmax()], atol=1e-6)
            np.testing.assert_array_equal(found.classes[row], np.argmax(covered, 2))

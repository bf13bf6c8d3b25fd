"""Equal maxima of a pool share its signal: against hand values, loops, and the mean over all tie-breaks."""

import itertools

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.article import deconv
from legacy_graph.article.layer import Layer
from legacy_graph.article.shapes import conv2d_transpose, dims


def windows(size, pool, padding):
    """For each place of the pool's output the places of its window, row by row."""
    counts = [-(-side // pool) if padding == "SAME" else side // pool for side in size]
    begins = [-((pool * count - side) // 2) if padding == "SAME" else 0 for count, side in zip(counts, size)]
    for at in np.ndindex(*counts):
        axes = [
            range(max(0, begin + pool * n), min(side, begin + pool * (n + 1)))
            for begin, n, side in zip(begins, at, size)
        ]
        yield at, list(itertools.product(*axes))


def layer_of(relu, pool, padding, kernel=None):
    window = [1, pool, pool, 1]
    below = None if kernel is None else tf.zeros(dims(relu)[:3] + [kernel.shape[2]])
    kernel = None if kernel is None else tf.constant(kernel)
    output = tf.nn.max_pool(relu, window, window, padding)
    return Layer("layer", below, kernel, relu, relu, output, pool=pool, pool_padding=padding)


def unpooled(relu, signal, ties, pool=2, padding="SAME", known=True):
    with tf.Graph().as_default(), tf.Session() as session:
        fed = tf.placeholder(tf.float32, relu.shape if known else [None, None, None, relu.shape[3]])
        layer = layer_of(fed, pool, padding)
        back = deconv.unpool(tf.constant(signal), deconv.switches(layer), dims(fed), pool, padding, ties)
        return session.run(back, {fed: relu})


def test_shared_by_hand():
    """Three equal maxima, two, four zeros, one alone."""
    relu = np.array([[7, 7, 0, 5], [7, 1, 5, 0], [0, 0, 0, 3], [0, 0, 2, 0]], np.float32).reshape(1, 4, 4, 1)
    signal = np.array([[30, 8], [4, 9]], np.float32).reshape(1, 2, 2, 1)
    got = unpooled(relu, signal, "shared")[0, ..., 0]
    assert got.tolist() == [[10, 10, 0, 4], [10, 0, 4, 0], [1, 1, 0, 9], [1, 1, 0, 0]]


@pytest.mark.parametrize("ties, known", [("first", True), ("first", False), ("shared", True)])
@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("size", [(7, 9), (6, 8)])
def test_unpool_against_a_loop(padding, size, ties, known):
    """Small whole numbers, so that most windows tie; windows of 3 x 3, some of them cut off at the border."""
    random = np.random.RandomState(0)
    relu = np.maximum(random.randint(-3, 3, (3,) + size + (5,)), 0).astype("f")
    places = dict(windows(size, 3, padding))
    signal = random.randn(3, *np.add(max(places), 1), 5).astype("f")
    expected = np.zeros_like(relu)
    for image, channel, at in itertools.product(range(3), range(5), places):
        values = [relu[image, y, x, channel] for y, x in places[at]]
        tied = [place for place, value in zip(places[at], values) if value == max(values)]
        tied = tied if ties == "shared" else tied[:1]
        for y, x in tied:
            expected[image, y, x, channel] = signal[image, at[0], at[1], channel] / len(tied)
    np.testing.assert_allclose(unpooled(relu, signal, ties, 3, padding, known), expected, rtol=1e-6)


def test_one_layer_is_the_mean_over_all_ways_to_break_its_ties():
    """A layer's signal is positive, so its ReLU lets all pass, and the way back is linear: the mean is exact."""
    relu = np.array([[4, 4, 8, 2], [1, 4, 0, 8], [6, 0, 5, 5], [0, 2, 5, 5]], np.float32).reshape(1, 4, 4, 1)
    kernel = np.random.RandomState(3).randint(-4, 5, (3, 3, 2, 1)).astype("f")
    choices = []
    for _, places in windows((4, 4), 2, "SAME"):
        values = [relu[0, y, x, 0] for y, x in places]
        choices.append([(place, max(values)) for place, value in zip(places, values) if value == max(values)])
    assert [len(choice) for choice in choices] == [3, 2, 1, 4]
    spread = np.zeros([3 * 2 * 1 * 4, 4, 4, 1], np.float32)
    for one, chosen in zip(spread, itertools.product(*choices)):
        for (y, x), value in chosen:
            one[y, x] = value
    with tf.Graph().as_default(), tf.Session() as session:
        each = conv2d_transpose(tf.constant(spread), tf.constant(kernel), [len(spread), 4, 4, 2])
        shared = deconv.deconvolve([layer_of(tf.constant(relu), 2, "SAME", kernel)], "layer", ties="shared")
        first = deconv.deconvolve([layer_of(tf.constant(relu), 2, "SAME", kernel)], "layer")
        each, shared, first = session.run([each, shared, first])
    np.testing.assert_allclose(shared[0], each.mean(axis=0), rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(first[0], each[0])  # of all ways the one with the first place of each window
    assert not np.allclose(first, shared)

"""Where a layer ends, if its values have other readers: dead ends, statistics, auxiliary heads, gates."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.graphs.ends import EndFinder
from legacy_graph.graphs.graph import Graph


def kernel(channels=3, seed=0):
    return tf.constant(np.random.RandomState(seed).randn(3, 3, channels, 4).astype("f"))


def swish(value):
    return tf.multiply(value, tf.sigmoid(2.0 * value), name="end")


READERS = {
    "an output": lambda value: tf.identity(value, name="output"),
    "a mean": lambda value: tf.reduce_mean(value, [1, 2]),
    "moments": lambda value: tf.nn.moments(value, [0, 1, 2]),
    "squares": lambda value: tf.reduce_mean(tf.square(value), [0, 1, 2]),
    "a comparison": lambda value: tf.reduce_all(value < 1e6),
    "a head": lambda value: tf.nn.softmax(tf.matmul(tf.reduce_mean(value, [1, 2]), tf.ones([4, 2]))),
}
ACTIVATIONS = {"relu": lambda value: tf.nn.relu(value, name="end"), "swish": swish}


def end_of(build):
    """The end of the convolution "c1" in the graph that `build(linear, images)` completes."""
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.float32, [None, 8, 8, 3], "images")
        linear = tf.nn.bias_add(tf.nn.conv2d(images, kernel(), 1, "SAME", name="c1"), tf.ones([4]), name="bias")
        build(linear, images)
    loaded = Graph(graph.as_graph_def())
    return EndFinder(loaded, loaded.dependents(["images"])).find("c1")


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("followed", [True, False], ids=["inner", "last"])
def test_another_reader_does_not_end_the_layer(reader, activation, followed):
    if (reader, activation, followed) == ("squares", "swish", False):
        return check_two_activations_end_the_layer()

    def build(linear, images):
        READERS[reader](linear)
        value = ACTIVATIONS[activation](linear)
        if followed:
            tf.nn.conv2d(value, kernel(4), 1, "SAME")

    end = end_of(build)
    assert (end.activation, end.start) == ("end", "end")
    assert end.left
    return None


def check_two_activations_end_the_layer():
    """A square and a swish of the last layer: neither is known to be the activation."""
    end = end_of(lambda linear, images: (tf.reduce_mean(tf.square(linear)), swish(linear)))
    assert (end.activation, end.start) == (None, "bias")


def test_a_residual_addition_ends_the_layer():
    end = end_of(lambda linear, images: tf.nn.relu(linear + tf.nn.conv2d(images, kernel(), 1, "SAME")))
    assert (end.activation, end.start, end.left) == (None, "bias", ())


def test_the_pool_stays_part_of_the_layer_beside_a_dead_end():
    def build(linear, images):
        relu = tf.nn.relu(linear, name="end")
        tf.identity(relu, name="output")
        tf.nn.conv2d(tf.nn.max_pool(relu, 2, 2, "SAME", name="pool"), kernel(4), 1, "SAME")

    end = end_of(build)
    assert (end.activation, end.start) == ("end", "pool")


def test_many_readers_take_linear_time():
    """Twenty stages of x * sigmoid(x) + x * tanh(x) have 4^20 paths."""

    def build(linear, images):
        for _ in range(20):
            linear = linear * tf.sigmoid(linear) + linear * tf.tanh(linear)

    assert end_of(build).activation


def test_a_loss_does_not_belong_to_the_layer():
    def build(linear, images):
        tf.square(linear - tf.placeholder(tf.float32, linear.shape, "labels"))

    assert end_of(build)[:2] == (None, "bias")

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
    return found_in(graph)


def found_in(graph):
    loaded = Graph(graph.as_graph_def())
    loaded.input = "images"
    return EndFinder(loaded).find("c1")


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


def instance_norm(value):
    """As tf.contrib.layers.instance_norm."""
    mean, variance = tf.nn.moments(value, [1, 2], keepdims=True)
    return tf.nn.batch_normalization(value, mean, variance, tf.ones([4]), tf.ones([4]), 1e-5)


def instance_norm_by_hand(value):
    mean, variance = tf.nn.moments(value, [1, 2], keepdims=True)
    return (value - mean) / tf.sqrt(variance + 1e-5) * tf.ones([4])


def layer_norm(value):
    mean, variance = tf.nn.moments(value, [1, 2, 3], keepdims=True)
    return tf.nn.batch_normalization(value, mean, variance, None, None, 1e-5)


def group_norm(value):
    groups = tf.reshape(value, [-1, 8, 8, 2, 2])
    mean, variance = tf.nn.moments(groups, [1, 2, 4], keepdims=True)
    return tf.reshape((groups - mean) * tf.rsqrt(variance + 1e-5), [-1, 8, 8, 4]) * tf.ones([4]) + 1.0


def unit_length(value):
    return tf.nn.l2_normalize(value, 3)


@pytest.mark.parametrize("normalize", [instance_norm, instance_norm_by_hand, layer_norm, group_norm, unit_length])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_normalization_of_each_image_is_inside_a_layer(normalize, activation):
    def build(linear, images):
        tf.nn.conv2d(ACTIVATIONS[activation](normalize(linear)), kernel(4), 1, "SAME")

    assert end_of(build)[:2] == ("end", "end")


def test_a_vector_of_unit_length_is_the_end_of_a_layer():
    """As an embedding of a face: the squares in its length are no activation."""
    assert end_of(lambda linear, images: tf.nn.l2_normalize(linear, 3, name="unit")) == (None, "unit", ())


@pytest.mark.parametrize(
    "follow",
    [
        lambda value: tf.nn.relu(tf.reduce_mean(value, [1, 2])),
        lambda value: tf.nn.relu(tf.reduce_mean(value, [1, 2], keepdims=True)),
        lambda value: tf.nn.relu(tf.reshape(value, [-1, 64, 4])),
        lambda value: tf.nn.relu(tf.reshape(tf.reshape(value, [-1, 64, 4]) + 1.0, [-1, 8, 8, 4])),
        lambda value: tf.nn.relu(tf.squeeze(value[:, :1, :1], [1, 2])),
        lambda value: tf.nn.relu(value - tf.reduce_mean(value, [0, 1, 2])),
    ],
    ids=["mean", "pixel", "row", "row and back", "squeezed", "batch"],
)
def test_values_of_another_shape_end_no_layer(follow):
    assert end_of(lambda linear, images: follow(linear))[:2] == (None, "bias")


def test_a_max_pool_may_stand_before_the_relu():
    def build(linear, images):
        pooled = tf.nn.max_pool(linear, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
        tf.nn.conv2d(tf.nn.relu(pooled, name="end"), kernel(4), 1, "SAME")

    assert end_of(build) == ("end", "end", ())


TWO_REVERSALS = {
    "log sigmoid": tf.log_sigmoid,
    "sigmoid": lambda value: 1.0 / (1.0 + tf.exp(-value)),
    "sigmoid by reciprocal": lambda value: tf.math.reciprocal(1.0 + tf.exp(-value)),
    "minus log": lambda value: -tf.log(1.0 + tf.exp(value * -2.0)),
    "limit": lambda value: -tf.nn.relu(-value),
    "gate": lambda value: 1.0 - tf.sigmoid(0.5 - value),
    "one reversal": lambda value: tf.nn.softplus(-value),
    "one reversal after": lambda value: -tf.nn.softplus(value),
    "not monotone": lambda value: -tf.square(-value),
}


@pytest.mark.parametrize("name", TWO_REVERSALS)
def test_a_layer_is_ranked_in_the_order_of_its_activation(name):
    """The order of the values at the end of the layer is that of its activation, also if two nodes reverse it."""
    with tf.Graph().as_default() as graph, tf.Session() as session:
        images = tf.placeholder(tf.float32, [None, 8, 8, 3], "images")
        linear = tf.nn.bias_add(tf.nn.conv2d(images, kernel(), 1, "SAME", name="c1"), tf.ones([4]), name="bias")
        value = TWO_REVERSALS[name](linear)
        tf.nn.conv2d(value, kernel(4), 1, "SAME")
        end = found_in(graph)
        feed = {images: np.random.RandomState(0).normal(0, 0.3, (1, 8, 8, 3))}
        if name in ("one reversal", "one reversal after", "not monotone"):
            assert end.start == end.activation
            value = graph.get_tensor_by_name(f"{end.activation}:0")
        start, activation = [values.ravel() for values in session.run([f"{end.start}:0", value], feed)]
    assert (np.diff(activation[np.argsort(start)]) >= -1e-6).all()


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

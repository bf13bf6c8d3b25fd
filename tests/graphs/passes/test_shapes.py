"""A number of images that a graph fixes becomes free: the values of each image stay as they were."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.graphs.backward import import_backward
from legacy_graph.graphs.load import load_model
from tests.support.graph_files import constant, graph_of, images, run, write_frozen

BATCH = images(3, 12, 12, 3)


def fixed_sizes(x):
    """Reshapes and a transposed convolution that hold the batch, the last reshape as CIFAR-10 programs write it."""
    batch = int(x.shape[0])
    y = tf.nn.conv2d_transpose(x, constant([2, 2, 4, 3]), [batch, 24, 24, 4], [1, 2, 2, 1], "SAME", name="up")
    y = tf.reshape(y, [batch, 12, 48, 4])
    y = tf.nn.relu(tf.nn.conv2d(y, constant([3, 3, 4, 2]), [1, 1, 1, 1], "SAME", name="conv"), name="relu")
    return tf.matmul(tf.reshape(y, [batch, -1]), constant([12 * 48 * 2, 5]), name="dense")


@pytest.mark.parametrize("batch", [1, 3])
def test_constants_with_the_batch_become_free(batch, tmp_path):
    shape = (batch, 12, 12, 3)
    model = load_model(write_frozen(tmp_path / "model.pb", fixed_sizes, shape=shape))
    assert [layer.name for layer in model.layers] == ["up", "conv", "dense"]
    original, images = graph_of(fixed_sizes, shape=shape), np.concatenate([BATCH, BATCH[::-1]])
    for end in ("relu", "dense"):
        parts = [run(original, end, {"images": images[at : at + batch]}) for at in range(0, 6, batch)]
        values = run(model.graph_def, end, {"images": images})
        np.testing.assert_allclose(values, np.concatenate(parts), rtol=1e-5, atol=1e-5)


def test_the_batch_of_a_queue_becomes_free(tmp_path):
    """As `tf.train.batch` reads it."""

    def build(x):
        queue = tf.FIFOQueue(9, [tf.float32, tf.int64], [(12, 12, 3), ()])
        return fixed_sizes(queue.dequeue_many(3, name="batch")[0])

    model = load_model(write_frozen(tmp_path / "model.pb", build))
    assert [layer.name for layer in model.layers] == ["up", "conv", "dense"]
    values = run(model.graph_def, "dense", {"batch": np.concatenate([BATCH, BATCH[::-1]])})
    expected = run(graph_of(fixed_sizes, shape=(3, 12, 12, 3)), "dense", {"images": BATCH})
    np.testing.assert_allclose(values, np.concatenate([expected, expected[::-1]]), rtol=1e-5, atol=1e-5)


def open_sizes(x):
    """A transposed convolution whose output size has a batch of 1, and a height and width that the graph computes."""
    height, width = tf.unstack(tf.shape(x)[1:3])
    y = tf.nn.conv2d_transpose(x, constant([2, 2, 4, 3]), [1, 2 * height, 2 * width, 4], [1, 2, 2, 1], name="up")
    return tf.nn.relu(y, name="relu")


def test_computed_sizes_with_a_batch_of_1_become_free(tmp_path):
    path = write_frozen(tmp_path / "model.pb", open_sizes, shape=(1, None, None, 3))
    original = graph_of(open_sizes, shape=(1, None, None, 3))
    one_by_one = [run(original, "relu", {"images": image[None]}) for image in BATCH]
    values = run(load_model(path).graph_def, "relu", {"images": BATCH})
    np.testing.assert_allclose(values, np.concatenate(one_by_one), rtol=1e-5, atol=1e-6)


def test_the_shape_of_a_layer_is_known_where_it_is_projected(tmp_path):
    """TensorFlow does not infer it: the size of the transposed convolution is a product with the number of images."""

    def build(x):
        height, width = tf.unstack(tf.shape(tf.identity(x))[1:3])
        sizes = tf.stack([tf.shape(x)[0], 2 * height, 2 * width, 4])
        return tf.nn.relu(tf.nn.conv2d_transpose(x, constant([2, 2, 4, 3]), sizes, [1, 2, 2, 1]), name="relu")

    model = load_model(write_frozen(tmp_path / "model.pb", build, shape=(1, 12, 12, 3)))
    with tf.Graph().as_default():
        assert import_backward(model, model.layers[0]).start.shape.as_list() == [None, 24, 24, 4]

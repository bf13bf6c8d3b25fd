"""Batch norms of a training graph use the moving averages of the checkpoint."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.graphs.load import load_model
from tests.support.graph_files import constant, images, plain_session, run, variable

BATCH = images(2, 12, 12, 3)


def moments(x):
    mean, variance = tf.nn.moments(x, [0, 1, 2])
    return tf.nn.batch_normalization(x, mean, variance, None, None, 1e-3), mean, variance


def fused(x):
    return tf.nn.fused_batch_norm(x, [1.0] * 4, [0.0] * 4, epsilon=1e-3, is_training=True)


UPDATES = {
    "difference": lambda average, statistic: average.assign_sub((average - statistic) * 0.1),
    "weighted mean": lambda average, statistic: tf.assign(average, average * 0.9 + statistic * 0.1),
}


@pytest.mark.parametrize("norm", [fused, moments])
@pytest.mark.parametrize("resource", [False, True])
@pytest.mark.parametrize("update", UPDATES)
def test_the_averages_replace_the_statistics(norm, resource, update, tmp_path):
    """The values of a convolution after the norm, computed by hand with the averages of the checkpoint."""
    with tf.Graph().as_default() as graph, plain_session(graph) as session:
        x = tf.placeholder(tf.float32, [None, 12, 12, 3], "images")
        linear = tf.nn.conv2d(x, constant([3, 3, 3, 4]), [1] * 4, "SAME", name="first")
        normed, *statistics = norm(linear)
        averages = [variable(name, [4], use_resource=resource) for name in ("mean", "variance")]
        for average, statistic in zip(averages, statistics):
            UPDATES[update](average, statistic)
        tf.nn.conv2d(tf.nn.relu(normed), constant([1, 1, 4, 2]), [1] * 4, "SAME", name="second")
        session.run(tf.global_variables_initializer())
        session.run([average.assign(value) for average, value in zip(averages, ([0.5, 0, 1, -1], [2.0, 1, 3, 0.5]))])
        path = tf.train.Saver().save(session, str(tmp_path / "model")) + ".meta"
        before = session.run(linear, {x: BATCH})
    model = load_model(path)
    assert model.notes == ["Batch norms that use the moving averages of the checkpoint, as at inference: 1."]
    first, second = [run(model.graph_def, layer.start, {model.input: BATCH}) for layer in model.layers]
    by_hand = np.maximum((before - [0.5, 0, 1, -1]) / np.sqrt(np.array([2, 1, 3, 0.5]) + 1e-3), 0)
    np.testing.assert_allclose(first, by_hand, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(second, by_hand @ constant([1, 1, 4, 2])[0, 0], rtol=1e-5, atol=1e-5)


def test_norms_that_the_layer_does_not_need_are_not_counted(tmp_path):
    with tf.Graph().as_default() as graph, plain_session(graph) as session:
        x = tf.placeholder(tf.float32, [None, 12, 12, 3], "images")
        for name, norm in (("first", fused), ("second", moments), ("third", fused)):
            linear = tf.nn.conv2d(x, constant([3, 3, int(x.shape[-1]), 4]), [1] * 4, "SAME", name=name)
            normed, *statistics = norm(linear)
            for kind, statistic in zip(("mean", "variance"), statistics):
                average = variable(f"{name}/{kind}", [4])
                average.assign_sub((average - statistic) * 0.1)
            x = tf.nn.relu(normed)
        tf.nn.conv2d(graph.get_tensor_by_name("images:0"), constant([3, 3, 3, 4]), [1] * 4, "SAME", name="plain")
        session.run(tf.global_variables_initializer())
        path = tf.train.Saver().save(session, str(tmp_path / "model")) + ".meta"
    notes = {layer: load_model(path, layer=layer).notes for layer in ("plain", "first", "second", "third")}
    note = "Batch norms that use the moving averages of the checkpoint, as at inference: {}."
    assert notes == {"plain": [], **{one: [note.format(count)] for count, one in enumerate(list(notes)[1:], 1)}}


def test_averages_of_weights_do_not_replace_the_weights(tmp_path):
    with tf.Graph().as_default() as graph, plain_session(graph) as session:
        x = tf.placeholder(tf.float32, [None, 12, 12, 3], "images")
        kernel = variable("kernel", [3, 3, 3, 4])
        linear = tf.nn.conv2d(x, kernel, [1] * 4, "SAME", name="conv")
        tf.train.ExponentialMovingAverage(0.9).apply([kernel])
        session.run(tf.global_variables_initializer())
        session.run(kernel.assign(kernel * 2))
        path = tf.train.Saver().save(session, str(tmp_path / "model")) + ".meta"
        expected = session.run(linear, {x: BATCH})
    model = load_model(path)
    np.testing.assert_array_equal(run(model.graph_def, "conv", {model.input: BATCH}), expected)
    assert model.notes == []

"""What a training graph computes beside the model does not change the layers."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.graphs.load import load_model
from tests.support.graph_files import constant, images, plain_session, run, variable, write_frozen

BATCH = images(2, 12, 12, 3)


def named_gradients(x):
    """A model whose scope has the name that optimizers use."""
    with tf.name_scope("gradients"):
        x = tf.nn.relu(tf.nn.conv2d(x, constant([3, 3, 3, 4]), [1] * 4, "SAME", name="first"))
    return tf.nn.relu(tf.nn.conv2d(x, constant([3, 3, 4, 4]), [1] * 4, "SAME", name="second"), name="end")


def test_a_scope_named_gradients_is_kept(tmp_path):
    model = load_model(write_frozen(tmp_path / "model.pb", named_gradients))
    assert [layer.label for layer in model.layers] == ["gradients/first", "second"]


def decoder(x):
    """Convolutions whose last one has no activation, and a transposed convolution with the kernel of the first one."""
    kernel = variable("kernel", [3, 3, 3, 4])
    x = tf.nn.relu(tf.nn.conv2d(x, kernel, [1] * 4, "SAME", name="first"), name="relu")
    shape = tf.stack([tf.shape(x)[0], 12, 12, 3])
    x = tf.nn.conv2d_transpose(x, kernel, shape, [1] * 4, name="second")
    return tf.nn.conv2d(x, variable("last", [1, 1, 3, 2]), [1] * 4, "SAME", name="third")


@pytest.mark.parametrize("scope", ["train", "gradients"])
def test_gradients_are_recognised_in_any_scope(scope, tmp_path):
    with tf.Graph().as_default() as graph, plain_session(graph) as session:
        x = tf.placeholder(tf.float32, [None, 12, 12, 3], "images")
        end = decoder(x)
        loss = tf.reduce_mean(end)
        tf.summary.scalar("loss", loss)
        with tf.name_scope(scope):
            tf.gradients(loss, x)  # no node reads these
        tf.train.AdamOptimizer().minimize(loss, name=scope)
        session.run(tf.global_variables_initializer())
        path = tf.train.Saver().save(session, str(tmp_path / "model")) + ".meta"
        expected = session.run(end, {x: BATCH})
    model = load_model(path)
    assert [(layer.label, layer.start) for layer in model.layers] == [
        ("first", "relu"), ("second", "second"), ("third", "third"),
    ]  # fmt: skip
    np.testing.assert_array_equal(run(model.graph_def, "third", {model.input: BATCH}), expected)


def test_a_model_that_only_a_summary_reads_is_kept(tmp_path):
    def build(x):
        y = tf.nn.relu(tf.nn.conv2d(x, constant([3, 3, 3, 4]), [1] * 4, "SAME", name="conv"), name="relu")
        tf.summary.scalar("loss", tf.reduce_mean(y))
        return tf.constant(0)

    assert load_model(write_frozen(tmp_path / "model.pb", build)).layers[0].start == "relu"

"""What a training graph computes beside the model does not change the layers."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import legacy_graph
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


def perceptron(x):
    """A convolution, and dense layers with an activation of several operations, as everybody wrote them."""
    x = tf.nn.relu(tf.nn.conv2d(x, variable("kernel", [3, 3, 3, 4]), [1] * 4, "SAME", name="conv"))
    x = tf.cond(tf.constant(True), lambda: x + 0.5, lambda: 2 * x)
    x = tf.reshape(x, [-1, 12 * 12 * 4])
    x = tf.matmul(x, variable("w1", [576, 6]), name="dense") + variable("b1", [6])
    x = tf.maximum(x, 0.2 * x, name="leaky")
    return tf.add(tf.matmul(x, variable("w2", [6, 3]), name="product"), variable("b2", [3]), name="logits")


def squares(logits, labels):
    """Its gradient reads the loss itself."""
    return tf.sqrt(tf.reduce_mean(tf.square(logits - labels)))


def entropy(logits, labels):
    weights = tf.add_n([tf.nn.l2_loss(weight) for weight in tf.trainable_variables()])
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits)) + 1e-3 * weights


def clipped(loss):
    """Clipped gradients with summaries, and moving averages of weights and loss."""
    optimizer = tf.train.MomentumOptimizer(0.1, 0.9)
    gradients, weights = zip(*optimizer.compute_gradients(loss))
    limited, norm = tf.clip_by_global_norm(gradients, 1.0)
    for gradient in gradients:
        tf.summary.scalar("norm", tf.norm(gradient))
    tf.summary.scalar("global_norm", norm)
    averages = tf.train.ExponentialMovingAverage(0.9)
    with tf.control_dependencies([optimizer.apply_gradients(zip(limited, weights)), averages.apply([loss])]):
        averages.apply(tf.trainable_variables())


def last_layer(loss):
    """Transfer learning: no convolution has a gradient."""
    tf.train.GradientDescentOptimizer(0.1).minimize(loss, var_list=tf.trainable_variables("w2"))


def penalty(loss):
    """A loss with the gradient of another one, as in WGAN-GP."""
    (gradient,) = tf.gradients(loss, tf.trainable_variables("kernel"))
    tf.train.AdamOptimizer().minimize(loss + tf.reduce_sum(tf.square(gradient)))


def towers(loss):
    """The mean of the gradients of two towers."""
    optimizer = tf.train.AdamOptimizer()
    pairs = zip(*[optimizer.compute_gradients(part) for part in (loss, 2 * loss)])
    optimizer.apply_gradients([(tf.reduce_mean(tf.stack([one[0], two[0]]), 0), one[1]) for one, two in pairs])


def session_layers(train=None, loss=None):
    with tf.Graph().as_default() as graph, plain_session(graph) as session:
        x = tf.placeholder(tf.float32, [None, 12, 12, 3], "images")
        logits = perceptron(x)
        if train:
            train(loss(logits, tf.placeholder(tf.float32, [None, 3], "labels")))
        session.run([weight.initializer for weight in tf.trainable_variables()])
        model = legacy_graph.from_session(session, x).loader.load()
    return model.layers, model.notes


@pytest.mark.parametrize("loss", [squares, entropy])
@pytest.mark.parametrize("train", [clipped, last_layer, penalty, towers])
def test_the_layers_of_a_training_are_those_of_the_model(train, loss):
    layers, notes = session_layers()
    assert [layer.start for layer in layers] == ["Relu", "leaky/as_image", "logits/as_image"]
    assert session_layers(train, loss) == (layers, notes)


def test_a_model_with_the_names_of_gradients_is_kept():
    """The gradients of an image, beside those of an optimizer."""
    with tf.Graph().as_default() as graph, plain_session(graph) as session:
        x = tf.placeholder(tf.float32, [None, 12, 12, 3], "image")
        with tf.name_scope("gradients"), tf.name_scope("image_grad"):
            x = tf.nn.relu(tf.nn.conv2d(x, variable("kernel", [3, 3, 3, 4]), [1] * 4, "SAME", name="first"))
        end = tf.nn.conv2d(x, variable("other", [3, 3, 4, 4]), [1] * 4, "SAME", name="second")
        tf.train.AdamOptimizer().minimize(tf.reduce_mean(end))
        session.run([weight.initializer for weight in tf.trainable_variables()])
        labels = [layer.label for layer in legacy_graph.from_session(session, "image").layers]
    assert labels == ["gradients/image_grad/first", "second"]

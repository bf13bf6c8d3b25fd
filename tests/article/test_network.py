"""实例: the numbers of the article's network, against numpy and the article's own formulas."""

import contextlib

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.article import network
from legacy_graph.data import mnist
from tests.support.program import SAMPLE


@pytest.fixture(scope="module")
def built():
    """The network, its training operation and a session with the initial values."""
    with tf.Graph().as_default() as graph:
        net = network.build(seed=0)
        train = network.training(net, 1e-4)
        with tf.Session(graph=graph) as session:
            session.run(tf.global_variables_initializer())
            yield net, train, session


@pytest.fixture(scope="module")
def batch():
    digits = mnist.load(SAMPLE).train
    return mnist.scale_pixels(digits.images[:50]), mnist.one_hot(digits.labels[:50])


def feed(net, batch, keep_prob=1.0):
    return {net.images: batch[0], net.labels: batch[1], net.keep_prob: keep_prob}


def test_shapes_and_parameters(built):
    net, _, session = built
    shapes = [variable.shape.as_list() for variable in session.graph.get_collection("trainable_variables")]
    assert shapes == [[5, 5, 1, 32], [32], [5, 5, 32, 64], [64], [3136, 1024], [1024], [1024, 10], [10]]
    assert sum(int(np.prod(shape)) for shape in shapes) == 3274634
    assert [layer.output.shape.as_list() for layer in net.layers] == [[None, 14, 14, 32], [None, 7, 7, 64]]
    assert net.features.shape.as_list() == [None, 1024]
    assert net.probabilities.shape.as_list() == [None, 10]


def test_initial_values(built):
    _, _, session = built
    variables = session.graph.get_collection("trainable_variables")
    values = dict(zip([variable.op.name for variable in variables], session.run(variables)))
    for name, value in values.items():
        if "bias" in name:
            assert (value == np.float32(0.1)).all()
        else:
            # A normal distribution cut at two standard deviations keeps 0.8796 of its standard deviation.
            assert np.abs(value).max() <= 0.2
            assert value.std() == pytest.approx(0.08796, rel=0.05)
            assert value.mean() == pytest.approx(0, abs=0.01)


def forward(images, values):
    """The network in numpy: a sum over the kernel's 25 places, a maximum over four, two matrix products."""
    signal = images.reshape(-1, 28, 28, 1)
    for name in ("conv1", "conv2"):
        kernel, (height, width) = values[name + "/weights/Variable"], signal.shape[1:3]
        padded = np.pad(signal, [(0, 0), (2, 2), (2, 2), (0, 0)], "constant")
        signal = sum(np.dot(padded[:, y : y + height, x : x + width], kernel[y, x]) for y in range(5) for x in range(5))
        signal = np.maximum(signal + values[name + "/bias/Variable"], 0)
        signal = np.maximum(signal[:, ::2], signal[:, 1::2])
        signal = np.maximum(signal[:, :, ::2], signal[:, :, 1::2])
    features = signal.reshape(len(images), -1).dot(values["fc1/weights/Variable"]) + values["fc1/bias/Variable"]
    features = np.maximum(features, 0)
    logits = features.dot(values["fc2/weights/Variable"]) + values["fc2/bias/Variable"]
    softmax = np.exp(logits - logits.max(1, keepdims=True))
    return features, softmax / softmax.sum(1, keepdims=True)


def test_network_and_loss_against_numpy(built, batch):
    net, _, session = built
    variables = session.graph.get_collection("trainable_variables")
    values = {variable.op.name: value.astype("d") for variable, value in zip(variables, session.run(variables))}
    features, probabilities = forward(batch[0].astype("d"), values)
    got = session.run([net.features, net.probabilities, net.loss, net.accuracy], feed(net, batch))
    np.testing.assert_allclose(got[0], features, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(got[1], probabilities, rtol=1e-3, atol=1e-6)
    assert got[2] == pytest.approx(-(batch[1] * np.log(probabilities)).sum(), rel=1e-4)  # the article's, summed
    assert got[3] == pytest.approx((probabilities.argmax(1) == batch[1].argmax(1)).mean())


def test_the_loss_stays_finite_where_the_naive_formula_does_not(built, batch):
    """Pixels a million times too bright: softmax becomes 0, and -sum(y * log(0)) is infinite or NaN."""
    net, _, session = built
    bright = (batch[0] * 1e6, batch[1])
    probabilities, loss = session.run([net.probabilities, net.loss], feed(net, bright))
    with np.errstate(divide="ignore", invalid="ignore"):
        assert not np.isfinite(-(batch[1] * np.log(probabilities)).sum())
    assert np.isfinite(loss)
    assert loss > 0


def test_a_training_step_is_adams(batch):
    """Adam's first step moves each weight by the learning rate against the sign of its gradient (Kingma, Ba 2015)."""
    with tf.Graph().as_default(), tf.Session() as session:
        net = network.build()
        train = network.training(net, 1e-4)
        variable = tf.trainable_variables()[-1]
        gradient = tf.gradients(net.loss, variable)[0]
        session.run(tf.global_variables_initializer())
        before, slope = session.run([variable, gradient], feed(net, batch))
        session.run(train, feed(net, batch))
        after, step = session.run([variable, net.step])
    np.testing.assert_allclose(after - before, -1e-4 * np.sign(slope), rtol=1e-2)
    assert step == 1


def test_the_gradients_are_those_that_tensorflow_takes_itself(batch, monkeypatch):
    """Of the same network without `gradient_override_map`, under which its matrix products have a quicker gradient."""

    def gradients():
        with tf.Graph().as_default() as graph, tf.Session() as session:
            net = network.build()
            slopes = tf.gradients(net.loss, tf.trainable_variables())
            session.run(tf.global_variables_initializer())
            own = [
                op for op in graph.get_operations() if op.type == "MatMul" and "_gradient_op_type" in op.node_def.attr
            ]
            return len(own), session.run(slopes, feed(net, batch))

    quicker, ours = gradients()
    monkeypatch.setattr(tf.Graph, "gradient_override_map", lambda *_: contextlib.nullcontext())
    plain, theirs = gradients()
    assert (quicker, plain) == (2, 0)
    for our, their in zip(ours, theirs):
        assert np.abs(our - their).max() <= 1e-6 * np.abs(their).max()


def test_dropout_keeps_its_share_and_the_expected_sum(built, batch):
    net, _, session = built
    dropped = session.graph.get_tensor_by_name("fc2/MatMul:0").op.inputs[0]
    features, kept, again, all_kept = [
        session.run(tensor, feed(net, batch, keep))
        for tensor, keep in ((net.features, 0.5), (dropped, 0.5), (dropped, 0.5), (dropped, 1.0))
    ]
    alive = features > 0
    assert (kept[alive] > 0).mean() == pytest.approx(0.5, abs=0.02)
    np.testing.assert_allclose(kept[kept > 0], 2 * features[kept > 0], rtol=1e-6)
    np.testing.assert_array_equal(kept, again)  # drawn from (seed, step): a run taken up again drops the same units
    np.testing.assert_array_equal(all_kept, features)


def test_dropout_changes_from_step_to_step(batch):
    with tf.Graph().as_default() as graph, tf.Session() as session:
        net = network.build()
        train = network.training(net, 1e-12)
        session.run(tf.global_variables_initializer())
        dropped = graph.get_tensor_by_name("fc2/MatMul:0").op.inputs[0]
        first = session.run(dropped, feed(net, batch, 0.5))
        session.run(train, feed(net, batch, 0.5))
        second = session.run(dropped, feed(net, batch, 0.5))
    assert ((first > 0) != (second > 0)).mean() > 0.1


def test_initial_values_depend_on_the_seed_alone():
    values = []
    for seed, litter in ((0, 0), (0, 5), (1, 0)):
        with tf.Graph().as_default(), tf.Session() as session:
            for _ in range(litter):
                tf.zeros([])  # TensorFlow's own seeds count the operations before them
            network.build(seed)
            session.run(tf.global_variables_initializer())
            values.append(session.run(tf.trainable_variables()[0]))
    np.testing.assert_array_equal(values[0], values[1])
    assert (values[0] != values[2]).mean() > 0.99

"""Fully connected layers of graphs that someone else trained: against plain TensorFlow, numpy, and the article's."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.article import deconv, network
from legacy_graph.article.dense import all_layers
from legacy_graph.article.receptive_field import Field, receptive_fields
from legacy_graph.config import DECONVNET, GRADIENT, METHODS
from legacy_graph.graphs import backward
from legacy_graph.graphs.graph_table import layer_rows
from legacy_graph.graphs.load import find_layer, load_model, with_size
from tests.support.construct_differences import run_projection
from tests.support.graph_files import constant, graph_of, images, run, write_frozen

HIDDEN, CLASSES = 7, 5
WEIGHTS = constant([6 * 6 * 4, HIDDEN], 1), constant([CLASSES, HIDDEN], 2)  # the second is used transposed


def classifier(x):
    """A convolution, a pool, two dense layers with dropout between them, softmax."""
    x = tf.nn.relu(tf.nn.conv2d(x, constant([3, 3, 3, 4], 3), 1, "SAME", name="conv"))
    x = tf.reshape(tf.nn.max_pool(x, 2, 2, "SAME", name="pool"), [-1, 6 * 6 * 4])
    x = tf.nn.relu(tf.nn.bias_add(tf.matmul(x, WEIGHTS[0], name="fc1/MatMul"), constant([HIDDEN], 4)), name="fc1/Relu")
    x = tf.nn.dropout(x, rate=1 - tf.placeholder(tf.float32, [], "keep_prob"))
    x = tf.add(tf.matmul(x, WEIGHTS[1], transpose_b=True, name="fc2/MatMul"), constant([CLASSES], 5), name="fc2/logits")
    return tf.nn.softmax(x, name="classes")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return load_model(write_frozen(tmp_path_factory.mktemp("dense") / "model.pb", classifier))


def expected(tensor, pixels):
    """The values of a tensor of `classifier` at inference, and its gradient for the signal of its values."""
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
        elements = ["images:0", f"{tensor}:0"]
        fed, end = tf.import_graph_def(graph_of(classifier), None, elements, name="")
        return session.run([end, tf.gradients(end, fed, end)[0]], {fed: pixels, "keep_prob:0": 1.0})


def test_dense_layers_are_listed(model):
    rows = [row for row in layer_rows(model)[0] if row[0] in ("fc1", "fc2")]
    assert [row[1:3] for row in rows] == [("MatMul 144 x 7; Relu", "1 x 1 x 7"), ("MatMul 7 x 5", "1 x 1 x 5")]
    assert [row[3] for row in rows] == ["complete image"] * 2
    assert [row[5] for row in rows] == [144 * HIDDEN + HIDDEN, HIDDEN * CLASSES + CLASSES]


@pytest.mark.parametrize("label, tensor", [("fc1", "fc1/Relu"), ("fc2", "fc2/logits")])
def test_values_and_gradient_are_those_of_tensorflow(model, label, tensor):
    pixels = images(3, 12, 12, 3)
    values, gradient = expected(tensor, pixels)
    output, projections = run_projection(model, find_layer(model, label), GRADIENT, pixels)
    np.testing.assert_allclose(output[:, 0, 0], values, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(projections, gradient, atol=1e-5 * np.abs(gradient).max())
    assert gradient.any()


def test_the_deconvnet_of_a_logit_is_that_of_numpy(model):
    """The signal goes through the weights transposed and a ReLU, twice; below as the signal of the convolution does."""
    pixels, maps = images(2, 12, 12, 3), np.array([1, 4])
    places = np.zeros([2, 2], np.int64)
    _, projections = run_projection(model, find_layer(model, "fc2"), DECONVNET, pixels, maps, places)
    hidden = np.maximum(WEIGHTS[1][maps], 0)  # of a signal of 1, because logits have no ReLU
    signal = (hidden @ WEIGHTS[0].T).reshape(2, 6, 6, 4)
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
        back = backward.import_backward(model, find_layer(model, "conv"), DECONVNET)
        below = session.run(backward.project_signal(back, tf.constant(signal), DECONVNET), {back.images: pixels})
    np.testing.assert_allclose(projections, below, atol=1e-5 * np.abs(below).max())
    assert below.any()


@pytest.mark.parametrize("name", ["fc2", "fc2/MatMul", "fc2/logits", "fc2/logits:0", "fc1/Relu", "Reshape"])
def test_any_tensor_of_units_can_be_named(tmp_path, name):
    path, pixels = write_frozen(tmp_path / "model.pb", classifier), images(2, 12, 12, 3)
    model = load_model(path, layer=name)
    layer = find_layer(model, name)
    values, _ = expected("fc2/logits" if name in ("fc2", "fc2/MatMul") else name.replace(":0", ""), pixels)
    found = run(model.graph_def, layer.start, {"images": pixels})
    np.testing.assert_allclose(found.reshape(values.shape), values, rtol=1e-5, atol=1e-6)
    assert layer.shape == (1, 1, values.shape[1])


def not_dense(x):
    """A product inside the network, one of two values of the image, and one for each position."""
    x = tf.nn.relu(tf.nn.conv2d(x, constant([3, 3, 3, 4], 3), 1, "SAME", name="conv"))
    scale = tf.sigmoid(tf.matmul(tf.reduce_mean(x, [1, 2]), constant([4, 4], 1), name="excite"))
    x = tf.nn.relu(tf.nn.conv2d(x * scale[:, None, None], constant([1, 1, 4, 4], 2), 1, "SAME", name="next"))
    x = tf.matmul(tf.reshape(x, [-1, 4]), constant([4, 4], 5), name="everywhere")
    x = tf.reduce_mean(tf.reshape(x, [-1, 144, 4]), 1)
    return tf.matmul(x[:, None], x[:, :, None], name="square")


def test_what_is_no_dense_layer(tmp_path):
    model = load_model(write_frozen(tmp_path / "model.pb", not_dense))
    assert [layer.label for layer in model.layers] == ["conv", "next"]
    assert "everywhere is left out" in " ".join(model.notes)


def test_the_articles_network(tmp_path):
    """Its dropout masks first and scales then. The projections of its dense layers equal those of `deconvolve`."""
    pixels, unit = np.random.RandomState(0).rand(2, 784).astype("f"), {"fc1": 5, "fc2": 3}
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
        net = network.build(seed=1)
        layers = all_layers(net)
        fetches = {
            (name, method): deconv.deconvolve(layers, name, tf.constant([number] * 2), method=method)
            for name, number in unit.items()
            for method in METHODS
        }
        logits, fields = layers[-1].output, [receptive_fields(net.layers, layer.name) for layer in net.layers]
        session.run(tf.global_variables_initializer())
        truth, logits = session.run([fetches, logits], {net.images: pixels, net.keep_prob: 1.0})
        output = net.probabilities.op.name
        frozen = tf.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), [output])
    (tmp_path / "model.pb").write_bytes(frozen.SerializeToString())
    model = load_model(str(tmp_path / "model.pb"))
    assert [layer.label for layer in model.layers] == ["conv1", "conv2", "fc1", "fc2"]
    assert [layer.fields for layer in model.layers] == [*fields, *[(Field(28, 0, 0),) * 2] * 2]
    assert [layer.start for layer in model.layers[:2]] == [layer.output.op.name for layer in net.layers]
    assert [layer.parameters for layer in model.layers] == [832, 51264, 3212288, 10250]
    for (name, method), projections in truth.items():
        maps, places = np.full(2, unit[name]), np.zeros([2, 2], np.int64)
        values, found = run_projection(
            model, find_layer(model, name), method, pixels.reshape(2, 28, 28, 1), maps, places
        )
        if name == "fc2":  # a signal of 1 in place of the logit, which may be negative
            np.testing.assert_allclose(values, logits, rtol=1e-4, atol=1e-5)
            found = found * values[:, 0, 0, unit[name], None, None, None]
            if method != GRADIENT and (values[:, 0, 0, unit[name]] < 0).any():
                continue
        np.testing.assert_allclose(found, projections, atol=1e-5 * np.abs(projections).max())


def flattened(x):
    """The dense layer needs images of 12 x 12, although the graph leaves their size open."""
    x = tf.nn.relu(tf.nn.conv2d(x, constant([3, 3, 3, 4], 3), 2, "SAME", name="conv"))
    return tf.matmul(tf.reshape(x, [-1, 6 * 6 * 4]), constant([144, 3], 2), name="classes/MatMul")


def averaged(x):
    x = tf.nn.relu(tf.nn.conv2d(x, constant([3, 3, 3, 4], 3), 2, "SAME", name="conv"))
    return tf.matmul(tf.reduce_mean(x, [1, 2]), constant([4, 3], 2), name="classes/MatMul")


def test_a_graph_that_leaves_the_size_of_its_images_open(tmp_path):
    shape = [None, None, None, 3]
    model = load_model(write_frozen(tmp_path / "averaged.pb", averaged, shape=shape))
    assert find_layer(model, "classes").fields is None
    assert find_layer(with_size(model, 12, 10), "classes").fields == (Field(12, 0, 0), Field(10, 0, 0))
    model = load_model(write_frozen(tmp_path / "flattened.pb", flattened, shape=shape))
    assert [layer.label for layer in model.layers] == ["conv"]
    assert "classes is left out" in " ".join(model.notes)
    sized = load_model(str(tmp_path / "flattened.pb"), size=(12, 12))
    assert find_layer(sized, "classes").fields == (Field(12, 0, 0), Field(12, 0, 0)) and not sized.notes


def test_a_graph_with_a_fixed_batch_of_one(tmp_path):
    pixels, shape = images(3, 12, 12, 3), [1, 12, 12, 3]
    model = load_model(write_frozen(tmp_path / "model.pb", flattened, shape=shape))
    found = run(model.graph_def, find_layer(model, "classes").start, {"images": pixels})
    truth = [run(graph_of(flattened, shape=shape), "classes/MatMul", {"images": one[None]})[0] for one in pixels]
    np.testing.assert_allclose(found[:, 0, 0], truth, rtol=1e-5, atol=1e-6)


def recurrent(x):
    """An unrolled cell over the columns of a convolution: one matrix for all steps, and a dense layer after it."""
    x = tf.reduce_mean(tf.nn.relu(tf.nn.conv2d(x, constant([3, 3, 3, 4], 3), 1, "SAME", name="conv")), 1)
    state, weights = tf.zeros([tf.shape(x)[0], 5]), tf.identity(constant([9, 5], 1), name="cell/kernel/read")
    for number, column in enumerate(tf.unstack(x, axis=1)[:3]):
        state = tf.tanh(tf.matmul(tf.concat([column, state], 1), weights, name=f"cell/MatMul_{number}"))
    return tf.matmul(state, constant([5, 2], 2), name="logits/MatMul")


def test_steps_of_a_recurrent_cell_are_no_layers(tmp_path):
    path, pixels = write_frozen(tmp_path / "model.pb", recurrent), images(2, 12, 12, 3)
    assert [layer.label for layer in load_model(path).layers] == ["conv", "logits"]
    name = "cell/MatMul_1"  # still accepted by its name
    model = load_model(path, layer=name)
    found = run(model.graph_def, find_layer(model, name).start, {"images": pixels})
    np.testing.assert_array_equal(found.reshape(2, 5), run(graph_of(recurrent), name, {"images": pixels}))

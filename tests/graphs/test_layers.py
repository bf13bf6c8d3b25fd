"""Layers that are no convolution with a ReLU: outputs of residual blocks, named tensors, layers without a ReLU."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.article.receptive_field import Field
from legacy_graph.config import DECONVNET
from legacy_graph.data.images import from_array
from legacy_graph.errors import UserError
from legacy_graph.graphs.graph_table import layer_rows
from legacy_graph.graphs.load import find_layer, load_model
from legacy_graph.visualize import layer_probes, top_activations
from legacy_graph.visualize.probe import OpenProbe
from tests.support.graph_files import constant, graph_of, images, run, write_frozen, write_meta


def convolve(x, name, size=3):
    return tf.nn.conv2d(x, constant([size, size, int(x.shape[-1]), 4], len(name)), 1, "SAME", name=name)


def residual_blocks(x):
    """A stem, a block with an identity shortcut, a block with a projection, a linear convolution."""
    x = tf.nn.relu(convolve(x, "net/stem"), name="net/stem_relu")
    inner = tf.nn.relu(convolve(x, "net/one/a"))
    x = tf.nn.relu(tf.add(convolve(inner, "net/one/b"), x, name="net/one/add"), name="net/one/out")
    x = tf.nn.relu(
        tf.add(convolve(x, "net/two/a"), convolve(x, "net/two/b", 1), name="net/two/add"), name="net/two/out"
    )
    return convolve(x, "net/last")


@pytest.fixture(scope="module")
def blocks(tmp_path_factory):
    return write_frozen(tmp_path_factory.mktemp("blocks") / "model.pb", residual_blocks)


def test_the_output_of_a_residual_block_is_a_layer(blocks):
    model = load_model(blocks)
    labels = ["stem", "one/a", "one/b", "one/out", "two/a", "two/b", "two/out", "last"]
    assert sorted(layer.label for layer in model.layers) == sorted(labels)
    out = find_layer(model, "one/out")
    assert (out.start, out.shape, out.parameters) == ("net/one/out", (12, 12, 4), 0)
    assert out.fields == (Field(7, 1, -3),) * 2  # three convolutions of 3 x 3
    (row,) = [row for row in layer_rows(model)[0] if row[0] == "one/out"]
    assert row[1].endswith("; Relu") and row[1].startswith("Add")


@pytest.mark.parametrize("name", ["one/out", "net/one/out", "net/one/add", "net/one/out:0", "net/stem_relu"])
def test_a_tensor_equals_that_of_a_session(blocks, name):
    """Whatever is named, the values of the layer are those of the tensor of this name in the graph of the file."""
    model = load_model(blocks, layer=name)
    layer, pixels = find_layer(model, name), images(2, 12, 12, 3)
    node = "net/" + name if name == "one/out" else name.replace(":0", "")
    expected = run(graph_of(residual_blocks), node, {"images": pixels})
    np.testing.assert_array_equal(run(model.graph_def, layer.start, {"images": pixels}), expected)


def dense_block(x):
    """Concatenations, pools and maxima between convolutions, with activations that belong to none of these."""
    x = convolve(x, "net/stem")
    x = tf.nn.relu(tf.concat([x, -x], 3), name="net/crelu")
    x = tf.concat([x, convolve(x, "net/grow")], 3)
    x = tf.nn.relu(x * constant([12], 5), name="net/dense")
    pooled = tf.nn.avg_pool(convolve(x, "net/pooled"), 2, 2, "SAME")
    x = convolve(tf.nn.relu(pooled, name="net/after_pool"), "net/groups")
    x = tf.reduce_max(tf.reshape(x, [-1, 6, 6, 2, 2]), 4, name="net/maxout")
    x = tf.nn.relu(tf.nn.max_pool(convolve(x, "net/first"), 3, 2, "SAME"), name="net/relu_of_pool")
    return convolve(x, "net/last")


FREE = {"crelu": ("ConcatV2; Relu", 3, 0), "dense": ("ConcatV2; Relu", 5, 12), "maxout": ("Max", 12, 0)}
FREE["after_pool"] = ("AvgPool; Relu", 8, 0)


@pytest.mark.parametrize("label", FREE)
def test_an_activation_of_no_convolution_is_a_layer(label, tmp_path):
    model, pixels = load_model(write_frozen(tmp_path / "model.pb", dense_block)), images(2, 12, 12, 3)
    layer, (operations, size, parameters) = find_layer(model, label), FREE[label]
    expected = run(graph_of(dense_block), "net/" + label, {"images": pixels})
    np.testing.assert_array_equal(run(model.graph_def, layer.start, {"images": pixels}), expected)
    assert (layer.shape, layer.fields[0].size, layer.parameters) == (expected.shape[1:], size, parameters)
    (row,) = [row for row in layer_rows(model)[0] if row[0] == label]
    assert row[1] == operations


def test_the_list_shows_a_pool_before_the_relu(tmp_path):
    rows = layer_rows(load_model(write_frozen(tmp_path / "model.pb", dense_block)))[0]
    (operations,) = [row[1] for row in rows if row[0] == "first"]
    assert operations.endswith("; MaxPool 3 x 3; Relu")


def towers(x):
    """Two convolutions with the same names in two towers, each on half of the batch."""
    ends = []
    for number, part in enumerate(tf.split(x, 2, 0, name="split")):
        with tf.name_scope(f"tower_{number}"):
            ends.append(tf.nn.relu(convolve(tf.nn.relu(convolve(part, "c1/Conv2D")), "c2/Conv2D")))
    return tf.concat(ends, 0)


@pytest.mark.parametrize("name", ["c1", "tower_0/c1", "tower_0/c1/Conv2D"])
def test_a_label_is_accepted_with_the_scopes_that_it_leaves_out(name, tmp_path):
    path = write_frozen(tmp_path / "towers.pb", towers)
    layer = find_layer(load_model(path, input="split", layer=name), name)
    assert (layer.label, layer.name, layer.start) == ("c1", "tower_0/c1/Conv2D", "tower_0/Relu")
    assert find_layer(load_model(path, input="split"), name) == layer
    for other in ("0/c1", "tower_1/c1", "tower_0/c", "tower_0"):
        with pytest.raises(UserError, match="one of c1, c2"):
            load_model(path, input="split", layer=other)


def test_a_tensor_without_places_is_refused(tmp_path):
    def build(x):
        x = tf.nn.relu(convolve(x, "conv"))
        return tf.nn.relu(convolve(tf.reduce_mean(x, [1], name="mean")[:, None], "last"))

    with pytest.raises(UserError, match=r"--layer mean: expected a float32 tensor .*, found float32 of rank 3"):
        load_model(write_frozen(tmp_path / "model.pb", build), layer="mean")


def scan(path, name, pixels):
    """The layer, and its two strongest activations of each map."""
    model = load_model(path, layer=name)
    layer = find_layer(model, name)
    with tf.Graph().as_default(), tf.Session() as session:
        probe = layer_probes.graph_probe(model, layer, DECONVNET)
        shown = from_array(pixels, None, "random")
        found = top_activations.collect(OpenProbe(session, probe, shown), np.arange(layer.shape[2]), 2)
    return layer, found


def test_a_block_is_ranked_and_projected(blocks):
    pixels = images(3, 12, 12, 3)
    layer, found = scan(blocks, "one/out", pixels)
    values = run(graph_of(residual_blocks), layer.start, {"images": pixels})
    expected = -np.sort(-values.max((1, 2)).T)[:, :2]
    np.testing.assert_allclose(found.activations, np.maximum(expected, 0), rtol=1e-6)
    assert np.abs(found.projections[found.images >= 0]).max() > 0


def logits(x):
    """As the head of a detector: a bias makes all values negative."""
    x = tf.nn.relu(convolve(x, "conv"))
    return tf.sigmoid(tf.nn.bias_add(0.1 * convolve(x, "head", 1), [-40.0] * 4, name="logits"))


def test_a_layer_without_a_relu_is_ranked_by_value(tmp_path):
    """The projection of a value is its gradient, whatever its sign: a signal of 1."""
    pixels = images(3, 12, 12, 3)
    path = write_frozen(tmp_path / "model.pb", logits)
    layer, found = scan(path, "head", pixels)
    graph_def = graph_of(logits)
    values = run(graph_def, "logits", {"images": pixels})
    assert values.max() < 0
    np.testing.assert_allclose(found.activations, -np.sort(-values.max((1, 2)).T)[:, :2], rtol=1e-6)
    assert found.wins.sum() == pytest.approx(1)  # one map is the strongest at each position
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
        fed, end = tf.import_graph_def(graph_def, None, ["images:0", "logits:0"], name="")
        y, x = found.places[1, 0]
        number = found.images[1, 0]
        (gradient,) = session.run(tf.gradients(end[0, y, x, 1], fed), {fed: pixels[number : number + 1]})
    with tf.Graph().as_default(), tf.Session() as session:
        model = load_model(path, layer="head")
        probe = layer_probes.graph_probe(model, layer, "gradient")
        shown = from_array(pixels, None, "random")
        projected = top_activations.project(
            OpenProbe(session, probe, shown), [number], np.array([1]), np.array([[y, x]])
        )
    np.testing.assert_allclose(projected[0], gradient[0], rtol=1e-5, atol=1e-7)


def test_a_softmax_by_hand_is_no_block(tmp_path):
    """It moves the logits by their maximum: the two tensors have different shapes."""

    def build(x):
        logits = convolve(x, "logits")
        return tf.exp(logits - tf.reduce_max(logits, 3, keepdims=True))

    assert [layer.label for layer in load_model(write_frozen(tmp_path / "model.pb", build)).layers] == ["logits"]


def scoped_anew(x):
    """As Keras 3 exports a model: the scopes of its layers are opened again, and get other numbers than the weights."""
    for layer in ("body/conv2d", "body/conv2d_1", "body/shared", "body/shared"):
        with tf.variable_scope(layer, reuse=tf.AUTO_REUSE, auxiliary_name_scope=False):
            kernel = tf.get_variable("kernel", [3, 3, 3, 3], initializer=tf.constant_initializer(0.1))
        with tf.name_scope(f"{layer}_1"):
            x = tf.nn.conv2d(x, kernel, 1, "SAME", name="convolution")
    return x


def test_labels_are_numbered_as_the_weights(tmp_path):
    path = write_meta(tmp_path, scoped_anew)[0]
    labels = [layer.label for layer in load_model(path).layers]
    assert labels[:2] == ["conv2d", "conv2d_1"] and len(set(labels)) == 4

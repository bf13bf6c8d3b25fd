"""1-D convolutions: what belongs to their layers, and the values, which stay the same."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.article.receptive_field import Field
from legacy_graph.data.images import from_array
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.graph_table import layer_rows
from legacy_graph.graphs.load import load_model
from legacy_graph.graphs.passes.one_dimension import move_squeezes
from legacy_graph.visualize.layer_probes import graph_probe
from legacy_graph.visualize.probe import OpenProbe
from legacy_graph.visualize.top_activations import collect
from tests.support.graph_files import constant, graph_of, images, run, write_frozen


def pooled_rows(x):
    """1-D convolutions, each with a max pool: over [B, W, 1, C] as Keras writes it, then over [B, 1, W, C]."""
    for name, axis, sides in (("one", 2, [1, 3, 1, 1]), ("two", 1, [1, 1, 2, 1])):
        x = tf.nn.relu(tf.nn.conv1d(x, constant([3, int(x.shape[-1]), 4]), 1, "SAME", name=name))
        pooled = tf.nn.max_pool(tf.expand_dims(x, axis), sides, sides, "SAME", name=f"pool_{name}")
        x = tf.squeeze(pooled, [axis], name=f"row_{name}")
    return x


def test_the_pool_belongs_to_a_1d_convolution(tmp_path):
    path, row = tmp_path / "model.pb", images(2, 20, 3)
    model = load_model(write_frozen(path, pooled_rows, shape=(None, 20, 3)))
    assert [(layer.start, layer.shape) for layer in model.layers] == [("pool_one", (1, 7, 4)), ("pool_two", (1, 4, 4))]
    # First field: 3 pixels of the convolution and 2 more of the pool. Second field: 2 more positions of the convolution
    # and 1 more of the pool, each with step 3. The pools, over 20 and 7 positions, pad only after the last position.
    assert [layer.fields[1] for layer in model.layers] == [Field(5, 3, -1), Field(14, 6, -4)]
    assert layer_rows(model)[0][1][1] == "Conv2D 1 x 3, stride 1, SAME; Relu; MaxPool 1 x 3"
    found = run(model.graph_def, ["pool_one", "pool_two"], {model.input: row[:, None]})
    expected = run(graph_of(pooled_rows, shape=(None, 20, 3)), ["row_one", "row_two"], {"images": row})
    for one, other in zip(found, expected):
        np.testing.assert_array_equal(one[:, 0], other)


def test_a_pool_with_explicit_padding_stays():
    """Its padding is of the axes of [B, W, 1, C]. TensorFlow 1.15 has no such pool, so the graph is not run."""
    graph_def = graph_of(pooled_rows, shape=(None, 20, 3))
    pool = next(node for node in graph_def.node if node.name == "pool_one")
    pool.attr["padding"].s = b"EXPLICIT"
    pool.attr["explicit_paddings"].list.i.extend([0, 0, 1, 1, 0, 0, 0, 0])
    before = tf.NodeDef.FromString(pool.SerializeToString())
    move_squeezes(Graph(graph_def))
    assert pool == before


def two_rows(x):
    """1-D convolutions of stride 2 and 1, with a bias; the second ReLU has two readers."""
    one = tf.nn.conv1d(x, constant([5, 3, 4]), 2, "SAME", name="one")
    one = tf.nn.relu(tf.nn.bias_add(one, constant([4])), name="relu_one")
    two = tf.nn.relu(tf.nn.conv1d(one, constant([3, 4, 6]), 1, "VALID", name="two") + constant([6]), name="relu_two")
    return two + tf.reduce_mean(two, 1, keepdims=True)


def test_the_relu_belongs_to_a_1d_convolution(tmp_path):
    path, row = tmp_path / "model.pb", images(2, 20, 3)
    model = load_model(write_frozen(path, two_rows, shape=(None, 20, 3)))
    assert [layer.start for layer in model.layers] == ["relu_one", "relu_two"]
    assert [layer.parameters for layer in model.layers] == [5 * 3 * 4 + 4, 3 * 4 * 6 + 6]
    assert [tuple(field.size for field in layer.fields) for layer in model.layers] == [(1, 5), (1, 9)]
    assert layer_rows(model)[0][1][1] == "Conv2D 1 x 5, stride 1 x 2, SAME; Relu"
    found = run(model.graph_def, ["relu_one", "relu_two"], {model.input: row[:, None]})
    expected = run(graph_of(two_rows, shape=(None, 20, 3)), ["relu_one", "relu_two"], {"images": row})
    for one, other in zip(found, expected):
        np.testing.assert_array_equal(one[:, 0], other)


def rows_in_blocks(x):
    """Causal 1-D convolutions of dilation 2 and 4, with bias and ReLU, of [B, W, C] or [B, 1, W, C]."""
    x = tf.squeeze(x, [1]) if x.shape.ndims == 4 else x
    for rate, name in ((2, "one"), (4, "two")):
        width = x.shape.as_list()[1] or tf.shape(x)[1]
        blocks = tf.space_to_batch_nd(x, [rate], [[rate, -width % rate]])
        x = tf.nn.conv1d(blocks, constant([2, int(x.shape[-1]), 4]), 1, "VALID", name=name) + constant([4])
        x = tf.nn.relu(tf.batch_to_space_nd(x, [rate], [[0, -width % rate]]), name=f"relu_{name}")
    return x


@pytest.mark.parametrize("shape", [(None, 20, 3), (None, None, 3), (None, 1, 21, 3), (None, 1, None, 3)])
def test_blocks_around_a_1d_convolution_are_a_dilation(shape, tmp_path):
    model = load_model(write_frozen(tmp_path / "model.pb", rows_in_blocks, shape=shape))
    assert [layer.start for layer in model.layers] == ["relu_one", "relu_two"]
    if shape[-2]:  # the paddings are constant: 2 positions 2 pixels apart, then 2 positions 4 pixels apart
        assert [layer.fields[1] for layer in model.layers] == [Field(3, 1, -2), Field(7, 1, -6)]
    row = images(2, 1, shape[-2] or 22, 3)
    found = run(model.graph_def, ["relu_one", "relu_two"], {model.input: row})
    given = {"images": row if len(shape) == 4 else row[:, 0]}
    expected = run(graph_of(rows_in_blocks, shape=shape), ["relu_one", "relu_two"], given)
    for with_rows, without in zip(found, expected):
        np.testing.assert_array_equal(with_rows[:, 0], without)


def test_a_batch_norm_of_operations_belongs_to_a_1d_convolution(tmp_path):
    def build(x):
        x = tf.nn.conv1d(x, constant([3, 3, 4]), 1, "SAME", name="conv")
        return tf.nn.relu(tf.nn.batch_normalization(x, *(constant([4], n) ** 2 for n in range(4)), 1e-3), name="relu")

    path, row = tmp_path / "model.pb", images(2, 20, 3)
    model = load_model(write_frozen(path, build, shape=(None, 20, 3)))
    assert [layer.start for layer in model.layers] == ["relu"]
    expected = run(graph_of(build, shape=(None, 20, 3)), "relu", {"images": row})
    np.testing.assert_array_equal(run(model.graph_def, "relu", {model.input: row[:, None]})[:, 0], expected)


def gated_rows(x):
    """A block of a WaveNet: a causal convolution, gates, and the addition of its input."""
    for name in ("one", "two"):
        padded = tf.pad(x, [[0, 0], [1, 0], [0, 0]])
        parts = [tf.nn.conv1d(padded, constant([2, 3, 4], seed), 1, "VALID", name=f"{name}_{seed}") for seed in (1, 2)]
        gated = tf.tanh(parts[0]) * tf.sigmoid(parts[1])
        x = tf.add(x, tf.nn.conv1d(gated, constant([1, 4, 3]), 1, "VALID"), name=name)
    return x


def test_the_values_after_a_gated_1d_convolution(tmp_path):
    path, row = tmp_path / "model.pb", images(2, 20, 3)
    model = load_model(write_frozen(path, gated_rows, shape=(None, 20, 3)), input="images", layer="two_2")
    expected = run(graph_of(gated_rows, shape=(None, 20, 3)), model.layers[-1].start, {"images": row})
    found = run(model.graph_def, model.layers[-1].start, {model.input: row[:, None]})
    np.testing.assert_array_equal(found.reshape(expected.shape), expected)


def residual_rows(x):
    """A 1-D ResNet: a block with the signal itself, a stem with a pool as Keras writes it, two more blocks.

    The second block adds its input, and the third a projection of it.
    """

    def convolve(x, name, stride=1, window=3, depth=4):
        return tf.nn.conv1d(x, constant([window, int(x.shape[-1]), depth], len(name)), stride, "SAME", name=name)

    def normalise(x):
        return tf.nn.batch_normalization(x, *(constant([4], n) ** 2 for n in range(4)), 1e-3)

    x = tf.nn.relu(tf.add(convolve(x, "raw", depth=3), x), name="raw/out")
    x = tf.nn.relu(convolve(x, "stem"))
    x = tf.squeeze(tf.nn.max_pool(tf.expand_dims(x, 2), [1, 2, 1, 1], [1, 2, 1, 1], "SAME"), [2])
    inner = tf.nn.relu(normalise(convolve(x, "one/a")))
    x = tf.nn.relu(tf.add(normalise(convolve(inner, "one/b")), x), name="one/out")
    x = tf.nn.relu(tf.add(convolve(x, "two/a", 2), normalise(convolve(x, "two/b", 2, 1))), name="two/out")
    return tf.reduce_mean(convolve(x, "last"), 1)


def test_the_output_of_a_1d_residual_block_is_a_layer(tmp_path):
    path, row = tmp_path / "model.pb", images(3, 1, 24, 3)
    model = load_model(write_frozen(path, residual_rows, shape=(None, 24, 3)))
    labels = ["raw", "raw/out", "stem", "one/a", "one/b", "one/out", "two/a", "two/b", "two/out", "last"]
    assert [layer.label for layer in model.layers] == labels
    blocks = [layer for layer in model.layers if layer.label.endswith("out")]
    shapes = {"raw/out": (1, 24, 3), "one/out": (1, 12, 4), "two/out": (1, 6, 4)}
    assert {layer.start: layer.shape for layer in blocks} == shapes
    # 3 samples; 5 with the stem, 6 with its pool; then steps of 2: two convolutions add 2 each, the last one 2 more.
    assert [layer.fields[1] for layer in blocks] == [Field(3, 1, -1), Field(14, 2, -6), Field(18, 4, -6)]
    for layer in blocks:
        with tf.Graph().as_default(), tf.Session() as session:
            probe = graph_probe(model, layer, "gradient")
            spots = collect(OpenProbe(session, probe, from_array(row, None, "random")), np.array([2]), 1)
        number, (_, x) = spots.images[0, 0], spots.places[0, 0]
        with tf.Graph().as_default(), tf.Session() as session:
            fed, end = tf.import_graph_def(
                graph_of(residual_rows, shape=(None, 24, 3)), None, ["images:0", f"{layer.start}:0"], name=""
            )
            values, back = session.run([end, tf.gradients(end[number, x, 2] ** 2 / 2, fed)[0]], {fed: row[:, 0]})
        assert spots.activations[0, 0] == pytest.approx(values[..., 2].max(), rel=1e-6)
        np.testing.assert_allclose(spots.projections[0, 0, 0], back[number], rtol=1e-5, atol=1e-6)


def causal_rows(x):
    """A residual block whose branch is padded before its start, as in a WaveNet."""
    first = tf.nn.conv1d(x, constant([1, 3, 4]), 1, "SAME", name="first")
    inner = tf.nn.conv1d(tf.pad(first, [[0, 0], [2, 0], [0, 0]]), constant([3, 4, 4]), 1, "VALID", name="inner")
    return tf.nn.conv1d(first + inner, constant([1, 4, 2]), 1, "SAME", name="last")


def test_the_field_after_a_causal_residual_block(tmp_path):
    model = load_model(write_frozen(tmp_path / "model.pb", causal_rows, shape=(None, 20, 3)))
    assert {layer.label: layer.fields[1] for layer in model.layers}["last"] == Field(3, 1, -2)

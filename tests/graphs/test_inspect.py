"""The layers of a graph: what belongs to each, parameters by hand, receptive fields by perturbation."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.article.receptive_field import Field
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.graph_table import layer_rows
from legacy_graph.graphs.layers import short_labels
from legacy_graph.graphs.load import load_model
from legacy_graph.graphs.passes.one_dimension import move_squeezes
from tests.support.graph_files import CONSTRUCTS, constant, graph_of, images, run, write_frozen

# (label, activation, start, parameters) of the last layer; the kernels are [3, 3, channels before, channels].
LAST = {
    "pooled": ("conv", "conv/relu", "pool", 3 * 3 * 3 * 4 + 4),
    "dilated_by_blocks": ("conv", "conv/relu", "conv/relu", 3 * 3 * 3 * 4 + 4),
    "depthwise": ("conv", "conv/relu", "conv/relu", 1 * 1 * 6 * 4 + 4),
    "residual": ("conv", "conv/relu", "conv/relu", 3 * 3 * 4 * 3 + 3),
    "transposed": ("conv", "Relu", "Relu", 3 * 3 * 3 * 4),
    "folded_norm": ("conv", "relu", "relu", 3 * 3 * 3 * 4 + 4 * 4),
    "fused_norm": ("conv", "relu", "relu", 3 * 3 * 3 * 4 + 4 * 4),
    "relu6": ("conv", "relu6", "bias", 3 * 3 * 3 * 4 + 4),
    "leaky": ("conv", "leaky", "leaky", 3 * 3 * 3 * 4),
    "prelu": ("conv", "prelu", "prelu", 3 * 3 * 3 * 4 + 4),
    "swish": ("conv", "swish", "swish", 3 * 3 * 3 * 4),
}


def load(tmp_path, construct):
    return load_model(write_frozen(tmp_path / "model.pb", CONSTRUCTS[construct]))


@pytest.mark.parametrize("construct", LAST)
def test_last_layer(construct, tmp_path):
    layer = load(tmp_path, construct).layers[-1]
    assert (layer.label, layer.activation, layer.start, layer.parameters) == LAST[construct]


def test_a_batch_norm_after_the_relu_is_not_the_start(tmp_path):
    first = load(tmp_path, "norm_after_relu").layers[0]
    assert (first.activation, first.start) == ("conv/relu", "conv/relu")


def test_a_residual_add_ends_a_layer(tmp_path):
    second = load(tmp_path, "residual").layers[1]
    assert (second.label, second.activation, second.start) == ("second", None, "second")


@pytest.mark.parametrize("construct", sorted(CONSTRUCTS))
def test_receptive_field_by_perturbation(construct, tmp_path):
    """A change of one row or column of pixels changes only positions whose field contains it."""
    model = load(tmp_path, construct)
    image = images(1, 12, 12, 3)
    starts = [layer.start for layer in model.layers]
    before = run(model.graph_def, starts, {"images": image})
    seen = [np.zeros((2, 12, 12), bool) for _ in starts]  # [axis, place, pixel]
    for axis in range(2):
        for pixel in range(12):
            changed = np.moveaxis(image.copy(), 1 + axis, 0)
            changed[pixel] += 5
            after = run(model.graph_def, starts, {"images": np.moveaxis(changed, 0, 1 + axis)})
            for reach, old, new in zip(seen, before, after):
                places = np.any(old != new, axis=(0, 2 - axis, 3)) if axis == 0 else np.any(old != new, axis=(0, 1, 3))
                reach[axis, : len(places), pixel] = places
    for layer, reach in zip(model.layers, seen):
        for axis, field in enumerate(layer.fields):
            for place in range(layer.shape[axis]):
                begin = field.begin + place * field.step
                expected = [begin <= pixel < begin + field.size for pixel in range(12)]
                assert np.all(np.array(expected) | ~reach[axis, place]), (layer.label, axis, place)
            for offset in (0, field.size - 1):  # some position depends on these pixels, so the field is not too large
                edges = [(place, field.begin + place * field.step + offset) for place in range(layer.shape[axis])]
                assert any(reach[axis, place, pixel] for place, pixel in edges if 0 <= pixel < 12)


def gated(x):
    """The average over all 8 x 8 pixels, broadcast to all positions, as in squeeze and excitation."""
    gate = tf.nn.avg_pool(x, [1, 8, 8, 1], [1, 1, 1, 1], "VALID")
    return tf.nn.relu(tf.nn.conv2d(x * gate, constant([3, 3, 3, 2]), [1, 1, 1, 1], "SAME", name="conv"), name="relu")


def test_a_broadcast_average_depends_on_all_pixels(tmp_path):
    model = load_model(write_frozen(tmp_path / "model.pb", gated, shape=(None, 8, 8, 3)))
    assert [layer.fields for layer in model.layers] == [(Field(8, 0, 0), Field(8, 0, 0))]


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


def finer_than_pixels(x):
    """A transposed convolution to twice the size of the images, then a convolution with stride 2."""
    shape = [tf.shape(x)[0], 24, 24, 4]
    fine = tf.nn.relu(tf.nn.conv2d_transpose(x, constant([5, 5, 4, 3]), shape, [1, 2, 2, 1], name="fine"))
    return tf.nn.conv2d(fine, constant([3, 3, 4, 3]), [1, 2, 2, 1], "SAME", name="last")


def between_sources(x):
    """A transposed convolution that sets only the even positions, of which a slice takes the odd ones."""
    shape = [tf.shape(x)[0], 24, 24, 4]
    spread = tf.nn.conv2d_transpose(x, constant([1, 1, 4, 3]), shape, [1, 2, 2, 1], name="spread")
    return tf.nn.conv2d(spread[:, 1::2, 1::2], constant([1, 1, 4, 3]), [1] * 4, "SAME", name="last")


def test_a_field_without_pixels_is_unknown(tmp_path):
    model = load_model(write_frozen(tmp_path / "model.pb", between_sources))
    assert model.layers[-1].fields is None


@pytest.mark.parametrize("reflected, zeros, padding", [(2, 0, "VALID"), (1, 1, "VALID"), (1, 0, "SAME")])
def test_a_reflection_outside_the_window_is_unknown(reflected, zeros, padding, tmp_path):
    """The window at position 0 contains the place before pixel 0, but not the pixel that is reflected there."""

    def build(x):
        for size, mode in [(reflected, "REFLECT"), (zeros, "CONSTANT")]:
            x = tf.pad(x, [[0, 0], [size, size], [size, size], [0, 0]], mode) if size else x
        return tf.nn.conv2d(x, constant([3, 3, 3, 4]), [1] * 4, padding, name="conv")

    assert load_model(write_frozen(tmp_path / "model.pb", build)).layers[0].fields is None


def test_everything_and_unknown_are_different(tmp_path):
    all_of_it, rows = Field(12, 0, 0), Field(5, 1, -2)
    assert load(tmp_path, "squeezed").layers[-1].fields == (all_of_it, all_of_it)
    assert load(tmp_path, "mean_across").layers[-1].fields == (rows, all_of_it)
    squeezed = load(tmp_path, "squeezed")
    finer = load_model(write_frozen(tmp_path / "finer.pb", finer_than_pixels))
    seen = [[row[3:5] for row in layer_rows(model)[0][1:]] for model in (squeezed, finer)]
    assert seen[0] == [("3 x 3 pixels", 1), ("everything", None), ("everything", None)]
    # Position n of the last layer reads the positions 2n to 2n + 2 of the layer "fine". Position o of "fine" reads the
    # pixels from (o - 3) / 2 to (o + 1) / 2. Together these are the pixels n - 1 to n + 1.
    assert seen[1] == [("unknown", None), ("3 x 3 pixels", 1)]


@pytest.mark.parametrize(
    "names, labels",
    [
        (["net/conv1/Conv2D", "net/conv2/Conv2D"], ["conv1", "conv2"]),
        (["net/a/depthwise", "net/a/separable_conv2d", "net/b/Conv2D"], ["a/depthwise", "a/separable_conv2d", "b"]),
        (["Conv2D", "Conv2D_1"], ["Conv2D", "Conv2D_1"]),
        (["call/call/model/x/Conv2D"], ["x"]),
        (["mixed3a_pre_relu/conv", "mixed3b_pre_relu/conv"], ["mixed3a_pre_relu", "mixed3b_pre_relu"]),
        (["a/Conv2D_Fold", "b/depthwise_Fold"], ["a", "b"]),
        (
            ["StatefulPartitionedCall/net/a/PartitionedCall/Conv2D", "StatefulPartitionedCall/net/b/conv_1"],
            ["a", "b/conv_1"],
        ),
    ],
)
def test_labels_are_short_and_unique(names, labels):
    assert list(short_labels(names).values()) == labels


def test_the_operation_that_loses_the_field_is_named(tmp_path):
    def build(x):
        return tf.nn.relu(tf.nn.conv2d(tf.roll(x, 1, 2, name="rolled"), constant([3, 3, 3, 4]), [1] * 4, "SAME"))

    (layer,) = load_model(write_frozen(tmp_path / "model.pb", build)).layers
    assert (layer.fields, layer.lost) == (None, "rolled")

"""The layers of a graph: what belongs to each, parameters by hand, receptive fields by perturbation."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.article.receptive_field import Field
from legacy_graph.graphs.graph_table import layer_rows
from legacy_graph.graphs.layers import short_labels
from legacy_graph.graphs.load import load_model
from tests.support import constructs, field_models
from tests.support.graph_files import CONSTRUCTS, constant, images, run, write_frozen
from tests.support.graph_models import Maker

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


MODELS = {**CONSTRUCTS, **field_models.MODELS}
MADE = [constructs.dilated, constructs.average_pool, constructs.branches, constructs.resized]
MODELS.update({build.__name__: lambda x, build=build: build(Maker(), x).start for build in MADE})


def load(tmp_path, construct):
    return load_model(write_frozen(tmp_path / "model.pb", MODELS[construct]))


def test_fields_of_a_pyramid_and_along_axes(tmp_path):
    """By hand: a pixel of the top sees 9 pixels, and repeated it stands for 4; around it are 3 x 3 of these."""
    down, across = load(tmp_path, "pyramid").layers[-1].fields
    assert down == across and down.step == 1 and down.size >= 13
    assert load(tmp_path, "along_axes").layers[-1].fields == (Field(12, 0, 0), Field(5, 1, -2))


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


@pytest.mark.parametrize("construct", sorted(MODELS))
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


def test_one_pixel_resized_depends_on_all_pixels(tmp_path):
    """The image pooling of a DeepLab, with aligned corners."""

    def build(x):
        mean = tf.image.resize_bilinear(tf.reduce_mean(x, [1, 2], keepdims=True), tf.shape(x)[1:3], align_corners=True)
        return tf.nn.conv2d(tf.concat([x, mean], 3), constant([1, 1, 6, 2]), [1] * 4, "SAME", name="conv")

    (layer,) = load_model(write_frozen(tmp_path / "model.pb", build)).layers
    assert layer.fields == (Field(12, 0, 0),) * 2


def decoder(sizes):
    """A U-Net; sizes(tensor) -> [H, W]."""

    def build(x):
        small = tf.nn.relu(tf.nn.conv2d(x, constant([3, 3, 3, 4]), [1, 2, 2, 1], "SAME", name="down"))
        height, width = sizes(small)
        shape = tf.stack([tf.shape(small)[0], height * 2, width * 2, 4])
        large = tf.nn.conv2d_transpose(small, constant([2, 2, 4, 4]), shape, [1, 2, 2, 1], name="up")
        large = tf.concat([large, tf.slice(x, [0, height - 6, 0, 0], [-1, height * 2, width * 2, 3])], 3)
        return tf.nn.relu(tf.nn.conv2d(large, constant([3, 3, 7, 2]), [1] * 4, "SAME", name="last"), name="end")

    return build


def test_sizes_that_the_graph_computes_are_known(tmp_path):
    path, shape = tmp_path / "model.pb", (None, None, None, 3)
    model = load_model(write_frozen(path, decoder(lambda x: tf.unstack(tf.shape(x))[1:3]), shape=shape), size=(12, 12))
    other = load_model(write_frozen(tmp_path / "fixed.pb", decoder(lambda x: (6, 6))))
    found, expected = ([(layer.label, layer.shape, layer.fields) for layer in each.layers] for each in (model, other))
    assert found == expected
    feed = {"images": images(2, 12, 12, 3)}
    np.testing.assert_array_equal(run(model.graph_def, "end", feed), run(other.graph_def, "end", feed))


SLICES = {  # of [B, 12, 12, 3]: (slice, pixels of its position 0 along height and width)
    "last axis after an ellipsis": (lambda x: x[..., :2], (0, 0)),
    "an axis after an ellipsis": (lambda x: x[..., 3:, :], (0, 3)),
    "axes around an ellipsis": (lambda x: x[:, 2:, ..., :2], (2, 0)),
    "a new axis that is removed": (lambda x: x[:, 1:, tf.newaxis, -8:][:, :, 0], (1, 4)),
    "more positions than there are": (lambda x: x[:, -20:, -8:], (0, 4)),
    "a removed channel": (lambda x: x[..., 1][..., tf.newaxis], (0, 0)),
}


@pytest.mark.parametrize("case", SLICES)
def test_the_field_after_a_slice(case, tmp_path):
    part, (top, left) = SLICES[case]

    def build(x):
        x = part(x)
        return tf.nn.conv2d(x, constant([3, 3, int(x.shape[-1]), 2]), [1] * 4, "VALID", name="conv")

    (layer,) = load_model(write_frozen(tmp_path / "model.pb", build)).layers
    assert layer.fields == (Field(3, 1, top), Field(3, 1, left))


def test_no_field_is_too_small_after_a_padding_inside_blocks(tmp_path):
    """A padding of every second row is one of two rows of pixels."""

    def build(x):
        blocks = tf.pad(tf.space_to_batch_nd(x, [2, 2], [[0, 0], [0, 0]]), [[0, 0], [1, 0], [0, 0], [0, 0]])
        linear = tf.nn.conv2d(blocks, constant([2, 1, 3, 2]), [1] * 4, "VALID", name="conv")
        return tf.nn.relu(tf.batch_to_space_nd(linear, [2, 2], [[0, 0], [0, 0]]))

    (layer,) = load_model(write_frozen(tmp_path / "model.pb", build)).layers
    assert layer.fields is None or layer.fields[0] == Field(3, 1, -2)


def test_the_field_after_a_row_of_pixels_is_unknown(tmp_path):
    """`x[:, 5]` depends on row 5 alone, which no field of a picture without an axis of rows can say."""

    def build(x):
        return tf.nn.conv1d(x[:, 5], constant([3, 3, 2]), 1, "SAME", name="conv")

    (layer,) = load_model(write_frozen(tmp_path / "model.pb", build)).layers
    assert layer.fields is None


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
    assert seen[0] == [("3 x 3 pixels", 1), ("complete image", None), ("complete image", None)]
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
        rows = tf.gather(x, list(range(12))[::-1], axis=1, name="rows")
        return tf.nn.relu(tf.nn.conv2d(rows, constant([3, 3, 3, 4]), [1] * 4, "SAME"))

    (layer,) = load_model(write_frozen(tmp_path / "model.pb", build)).layers
    assert (layer.fields, layer.lost) == (None, "rows")

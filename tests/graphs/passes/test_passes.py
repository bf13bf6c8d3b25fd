"""Rewrites of a graph: each leaves the values as they were."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.graphs.load import load_model
from tests.support.graph_files import CONSTRUCTS, constant, graph_of, images, run, write_frozen

BATCH = images(3, 12, 12, 3)


def outputs(path, feed=BATCH, **options):
    """(model, what its last layer gives)."""
    model = load_model(str(path), **options)
    return model, run(model.graph_def, model.layers[-1].start, {model.input: feed})


@pytest.mark.parametrize("construct", ["pooled", "residual", "transposed", "dilated_by_blocks"])
def test_a_batch_of_1_becomes_free(construct, tmp_path):
    path = write_frozen(tmp_path / "model.pb", CONSTRUCTS[construct], shape=(1, 12, 12, 3))
    original = graph_of(CONSTRUCTS[construct], shape=(1, 12, 12, 3))
    model, values = outputs(path)
    one_by_one = [run(original, model.layers[-1].start, {"images": image[None]}) for image in BATCH]
    # A batch of another size runs other kernels.
    np.testing.assert_allclose(values, np.concatenate(one_by_one), rtol=1e-5, atol=1e-6)


def passing(x):
    """Operations whose output equals their input around a ReLU, among them a Reshape that does not change the shape."""
    y = conv(x)
    y = tf.reshape(tf.identity_n([x, y])[1], tf.shape(y))
    y = tf.nn.relu(tf.check_numerics(tf.Print(tf.stop_gradient(y), [x], "x"), "odd"), name="relu")
    return tf.nn.max_pool(y, [1, 2, 2, 1], [1, 2, 2, 1], "SAME", name="pool")


def test_operations_that_change_no_value_are_removed(tmp_path):
    model, values = outputs(write_frozen(tmp_path / "model.pb", passing))
    np.testing.assert_array_equal(
        values,
        run(graph_of(lambda x: tf.nn.relu(conv(x))), "Relu", {"images": BATCH})
        .reshape(3, 6, 2, 6, 2, 4)
        .max(axis=(2, 4)),
    )
    layer = model.layers[0]
    assert (layer.activation, layer.start) == ("relu", "pool")
    # StopGradient changes the gradient: `backward` decides about it.
    kept = {"Placeholder", "Const", "Identity", "StopGradient", "Conv2D", "Relu", "MaxPool"}
    assert {node.op for node in model.graph_def.node} == kept
    assert [field.size for field in layer.fields] == [4, 4]


def test_integer_images_are_cut_at_the_first_floats(tmp_path):
    def build(x):
        return CONSTRUCTS["pooled"](tf.cast(x, tf.float32, name="floats") / 255)

    path = write_frozen(tmp_path / "model.pb", build, dtype=tf.uint8)
    pixels = (BATCH * 255).astype(np.uint8)
    model, values = outputs(path, pixels.astype(np.float32))
    assert model.input == "floats"
    (note,) = model.notes
    assert note.startswith("The images enter at floats, after images.")
    expected = run(graph_of(build, dtype=tf.uint8), "pool", {"images": pixels})
    assert np.ptp(expected) > 0
    np.testing.assert_array_equal(values, expected)


def test_rows_of_pixels_are_cut_at_the_reshape(tmp_path):
    def build(x):
        return CONSTRUCTS["pooled"](tf.reshape(x, [-1, 12, 12, 3], name="picture"))

    path = write_frozen(tmp_path / "model.pb", build, shape=(None, 432))
    model, values = outputs(path)
    assert (model.input, model.input_shape) == ("picture", (12, 12, 3))
    expected = run(graph_of(build, shape=(None, 432)), "pool", {"images": BATCH.reshape(3, 432)})
    np.testing.assert_array_equal(values, expected)


def conv(x, name="conv"):
    return tf.nn.conv2d(x, constant([3, 3, 3, 4]), [1, 1, 1, 1], "SAME", name=name)


def dropout_by_keep(x):
    return conv(tf.nn.dropout(x, rate=1 - tf.placeholder(tf.float32, [], "keep")))


def dropout_by_rate(x):
    return conv(tf.nn.dropout(tf.nn.dropout(x, rate=0.5), rate=0.3, noise_shape=[1, 1, 1, 3]))


def dropout_of_old(x):
    """As TensorFlow before 1.13 wrote it."""
    mask = tf.floor(tf.random_uniform(tf.shape(x)) + 0.7)
    return conv(tf.multiply(tf.div(x, 0.7), mask))


@pytest.mark.parametrize("construct", [dropout_by_keep, dropout_by_rate, dropout_of_old])
def test_dropout_is_removed(construct, tmp_path):
    model, values = outputs(write_frozen(tmp_path / "model.pb", construct))
    np.testing.assert_array_equal(values, run(graph_of(conv), "conv", {"images": BATCH}))
    assert not [node.op for node in model.graph_def.node if "Random" in node.op]


def test_weights_before_a_dropout_stay(tmp_path):
    """They are no scaling by 1 / keep_prob."""

    def build(x, noise=True):
        scaled = x * constant([3])
        return conv(scaled * tf.floor(tf.random_uniform(tf.shape(x)) + 0.7) if noise else scaled)

    _, values = outputs(write_frozen(tmp_path / "model.pb", build))
    expected = run(graph_of(lambda x: build(x, noise=False)), "conv", {"images": BATCH})
    np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize("default", [None, True])
@pytest.mark.parametrize("name, inference", [("is_training", False), ("inference", True)])
def test_switches_are_set_to_inference(default, name, inference, tmp_path):
    def build(x):
        switch = (
            tf.placeholder(tf.bool, [], name) if default is None else tf.placeholder_with_default(default, [], name)
        )
        chosen = tf.cond(tf.logical_not(switch), lambda: x * 2, lambda: x * 3)
        return conv(chosen)

    model, values = outputs(write_frozen(tmp_path / "model.pb", build))
    expected = run(graph_of(lambda x: conv(x * (3 if inference else 2))), "conv", {"images": BATCH})
    np.testing.assert_array_equal(values, expected)
    assert model.notes == [f"The placeholder {name} is set to {inference}, as at inference."]


def fuse(graph_def, activation):
    """Replace conv, bias and ReLU by the fused operation, as Grappler writes it."""
    by_name = {node.name: node for node in graph_def.node}
    convolution, bias, relu = by_name["conv"], by_name["conv/bias"], by_name["conv/relu"]
    relu.op = "_FusedConv2D"
    inputs = [*convolution.input, bias.input[1]]
    del relu.input[:]
    relu.input.extend(inputs)
    for key in ("strides", "padding", "dilations", "data_format"):
        relu.attr[key].CopyFrom(convolution.attr[key])
    relu.attr["num_args"].i = 1
    relu.attr["fused_ops"].list.s.extend([b"BiasAdd", activation])
    graph_def.node.remove(convolution)
    graph_def.node.remove(bias)


def test_fused_convolutions_are_unfused(tmp_path):
    graph_def = graph_of(CONSTRUCTS["pooled"])
    expected = run(graph_def, "pool", {"images": BATCH})
    fuse(graph_def, b"Relu")
    (tmp_path / "model.pb").write_bytes(graph_def.SerializeToString())
    model, values = outputs(tmp_path / "model.pb")
    np.testing.assert_array_equal(values, expected)
    layer = model.layers[0]
    assert (layer.label, layer.operation, layer.activation) == ("relu", "Conv2D", "conv/relu")


def nchw(x):
    """Convolutions, batch norm, residual add, pools, padding and concat in NCHW."""
    style = {"data_format": "NCHW"}
    y = tf.nn.conv2d(x, constant([3, 3, 3, 4]), [1, 1, 2, 2], "SAME", name="one", **style)
    scale, offset, mean, variance = (constant([4], n) ** 2 for n in range(4))
    y = tf.nn.fused_batch_norm(y, scale, offset, mean, variance, is_training=False, **style)[0]
    y = tf.nn.relu(tf.nn.bias_add(y, constant([4]), **style) * constant([4, 1, 1]), name="relu_one")
    z = tf.pad(y, [[0, 0], [0, 0], [1, 0], [0, 1]])
    z = tf.nn.conv2d(z, constant([2, 2, 4, 4]), [1, 1, 1, 1], "VALID", name="two", **style)
    y = tf.concat([y + z, tf.reduce_mean(y, [2, 3], keepdims=True) * tf.ones_like(y)], 1)
    y = tf.nn.max_pool(y, [1, 1, 2, 2], [1, 1, 2, 2], "SAME", **style)
    return tf.nn.relu(tf.nn.conv2d(y, constant([3, 3, 8, 2]), [1] * 4, "SAME", name="three", **style), name="last")


def nhwc(x):
    """The same in NHWC."""
    y = tf.nn.conv2d(x, constant([3, 3, 3, 4]), [1, 2, 2, 1], "SAME", name="one")
    scale, offset, mean, variance = (constant([4], n) ** 2 for n in range(4))
    y = tf.nn.fused_batch_norm(y, scale, offset, mean, variance, is_training=False)[0]
    y = tf.nn.relu(tf.nn.bias_add(y, constant([4])) * constant([4, 1, 1]).ravel(), name="relu_one")
    z = tf.pad(y, [[0, 0], [1, 0], [0, 1], [0, 0]])
    z = tf.nn.conv2d(z, constant([2, 2, 4, 4]), [1, 1, 1, 1], "VALID", name="two")
    y = tf.concat([y + z, tf.reduce_mean(y, [1, 2], keepdims=True) * tf.ones_like(y)], 3)
    y = tf.nn.max_pool(y, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    return tf.nn.relu(tf.nn.conv2d(y, constant([3, 3, 8, 2]), [1] * 4, "SAME", name="three"), name="last")


@pytest.mark.parametrize("transposes", [False, True])
def test_nchw_runs_as_nhwc(transposes, tmp_path):
    def from_nhwc(x):
        return nchw(tf.transpose(x, [0, 3, 1, 2]))

    shape = (None, 12, 12, 3) if transposes else (None, 3, 12, 12)
    model, values = outputs(write_frozen(tmp_path / "model.pb", from_nhwc if transposes else nchw, shape=shape))
    np.testing.assert_array_equal(values, run(graph_of(nhwc), "last", {"images": BATCH}))
    assert model.input_shape == (12, 12, 3)
    assert [layer.shape for layer in model.layers] == [(6, 6, 4), (6, 6, 4), (3, 3, 2)]
    reference = load_model(write_frozen(tmp_path / "nhwc.pb", nhwc))
    assert [layer.fields for layer in model.layers] == [layer.fields for layer in reference.layers]
    assert model.notes == ["The NCHW convolutions of the graph run as NHWC."]


@pytest.mark.parametrize("side", [4, 12])
def test_nchw_with_one_tensor_twice(side, tmp_path):
    """A tensor twice in a sum, and a mean without its axes. A missing transpose of [B, 4, 4, 4] gives no error."""

    def build(x, layout):
        x = tf.nn.conv2d(x, constant([3, 3, 3, 4]), [1] * 4, "SAME", data_format=layout)
        x = tf.add_n([x, x, tf.reverse(x, [layout.index("H")])])  # the reversed tensor stays NCHW
        height, width = layout.index("H"), layout.index("W")
        x += tf.expand_dims(tf.expand_dims(tf.reduce_mean(x, [height, width]), height), width)
        return tf.nn.conv2d(x, constant([3, 3, 4, 2]), [1] * 4, "SAME", data_format=layout, name="last")

    path = write_frozen(tmp_path / "model.pb", lambda x: build(x, "NCHW"), shape=(None, 3, side, side))
    batch = images(3, side, side, 3)
    expected = run(graph_of(lambda x: build(x, "NHWC"), shape=(None, side, side, 3)), "last", {"images": batch})
    np.testing.assert_allclose(outputs(path, batch)[1], expected, rtol=1e-5, atol=1e-5)

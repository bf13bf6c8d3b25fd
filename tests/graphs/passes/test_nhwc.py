"""Graphs of NCHW convolutions: which of their tensors become layers, and which keep axes that are unknown."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.errors import UserError
from legacy_graph.graphs.load import load_model
from tests.support.graph_files import constant, graph_of, images, run, write_frozen


def in_layout(x, layout):
    """CReLU and maxout between two convolutions."""
    x = tf.nn.conv2d(x, constant([3, 3, 3, 4]), [1] * 4, "SAME", data_format=layout, name="net/first")
    x = tf.nn.relu(tf.concat([x, -x], layout.index("C")), name="net/crelu")
    groups, axis = ([-1, 12, 12, 4, 2], 4) if layout == "NHWC" else ([-1, 4, 2, 12, 12], 2)
    x = tf.reduce_max(tf.reshape(x, groups), axis, name="net/maxout")
    return tf.nn.conv2d(x, constant([3, 3, 4, 2]), [1] * 4, "SAME", data_format=layout, name="net/last")


def test_no_layer_of_an_nchw_graph_is_nchw(tmp_path):
    """A maxout cannot be changed to NHWC: it is no layer there. Its axes would be taken for others."""
    models = [
        load_model(write_frozen(tmp_path / f"{layout}.pb", lambda x, layout=layout: in_layout(x, layout), shape=shape))
        for layout, shape in (("NHWC", (None, 12, 12, 3)), ("NCHW", (None, 3, 12, 12)))
    ]
    labels = [[layer.label for layer in model.layers] for model in models]
    assert labels == [["first", "crelu", "maxout", "last"], ["first", "crelu", "last"]]
    pixels = images(2, 12, 12, 3)
    values = [run(model.graph_def, "net/crelu", {model.input: pixels}) for model in models]
    np.testing.assert_allclose(*values, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("layer", ["net/maxout", "net/crelu"])
def test_a_tensor_that_stays_nchw_is_refused(layer, tmp_path):
    """Its axes would be taken for height, width and maps."""
    path = write_frozen(tmp_path / "model.pb", lambda x: in_layout(x, "NCHW"), shape=(None, 3, 12, 12))
    if layer == "net/crelu":
        assert load_model(path, layer=layer).layers[-1].shape == (12, 12, 8)
    else:
        with pytest.raises(UserError, match="net/maxout"):
            load_model(path, layer=layer)


def transposed(x):
    """Of [B, C, H, W]: the channels in another order, by a transpose of their groups; and a tensor [B, H, W, C]."""
    x = tf.nn.conv2d(x, constant([3, 3, 3, 4]), [1] * 4, "SAME", data_format="NCHW")
    groups = tf.transpose(tf.reshape(x, [-1, 2, 2, 12, 12]), [0, 2, 1, 3, 4])
    tf.reshape(groups, [-1, 4, 12, 12], name="net/shuffled")
    return tf.reshape(tf.transpose(tf.reshape(x, [-1, 4, 144]), [0, 2, 1]), [-1, 12, 12, 4], name="net/last")


def test_a_transposed_nchw_tensor_is_refused(tmp_path):
    """Unless the transpose puts the maps last."""
    path = write_frozen(tmp_path / "model.pb", transposed, shape=(None, 3, 12, 12))
    with pytest.raises(UserError, match="net/shuffled"):
        load_model(path, layer="net/shuffled")
    model, pixels = load_model(path, layer="net/last"), images(2, 12, 12, 3)
    plain = graph_of(lambda x: tf.nn.conv2d(x, constant([3, 3, 3, 4]), [1] * 4, "SAME"))
    expected = run(plain, "output", {"images": pixels})
    np.testing.assert_allclose(run(model.graph_def, "net/last", {"images": pixels}), expected, rtol=1e-5, atol=1e-6)


def resized(x):
    """A resize of [B, H, W, C] to twice the size of a tensor [B, C, H, W]."""
    x = tf.transpose(x, [0, 3, 1, 2])
    x = tf.nn.conv2d(x, constant([3, 3, 3, 4]), [1] * 4, "SAME", data_format="NCHW")
    x = tf.raw_ops.ResizeNearestNeighbor(images=tf.transpose(x, [0, 2, 3, 1]), size=2 * tf.shape(x)[2:])
    x = tf.transpose(tf.nn.relu(x - 0.1, name="net/resized"), [0, 3, 1, 2])
    return tf.nn.conv2d(x, constant([3, 3, 4, 2]), [1] * 4, "SAME", data_format="NCHW", name="net/last")


def test_a_resize_to_the_size_of_an_nchw_tensor_is_nhwc(tmp_path):
    model = load_model(write_frozen(tmp_path / "model.pb", resized, shape=(None, None, None, 3)))
    assert "net/resized" in [layer.start for layer in model.layers]
    pixels = images(2, 12, 12, 3)
    convolved = run(
        graph_of(lambda x: tf.nn.conv2d(x, constant([3, 3, 3, 4]), 1, "SAME")), "output", {"images": pixels}
    )
    expected = np.maximum(convolved.repeat(2, axis=1).repeat(2, axis=2) - 0.1, 0)
    found = run(model.graph_def, "net/resized", {model.input: pixels})
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size", [None, (12, 9)])
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("shape", [(None, 3, None, None), (None, None, None, None)], ids=str)
def test_an_nchw_graph_may_leave_the_size_open(shape, layout, size, tmp_path):
    """The channels of its images are the second axis, not the last; also if a transpose to NHWC follows."""

    def build(x, layout):
        return tf.nn.relu(tf.nn.conv2d(x, constant([3, 3, 3, 4]), [1] * 4, "SAME", data_format=layout, name="conv"))

    def of_nchw(x):
        return build(x if layout == "NCHW" else tf.transpose(x, [0, 2, 3, 1]), layout)

    model = load_model(write_frozen(tmp_path / "model.pb", of_nchw, shape=shape), size=size)
    (layer,), pixels = model.layers, images(2, 12, 9, 3)
    assert (model.input_shape, layer.shape) == ((*(size or (None, None)), 3), (*(size or (None, None)), 4))
    expected = run(graph_of(lambda x: build(x, "NHWC"), shape=pixels.shape), "output", {"images": pixels})
    found = run(model.graph_def, layer.start, {model.input: pixels})
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_a_declared_shape_becomes_nhwc(tmp_path):
    """The images are no squares, so that a shape in the old order does not fit."""

    def build(x, layout):
        x = tf.nn.conv2d(tf.ensure_shape(x, x.shape), constant([3, 3, 3, 4]), [1] * 4, "SAME", data_format=layout)
        return tf.nn.relu(tf.ensure_shape(x, x.shape), name="relu")

    pixels = images(2, 12, 10, 3)
    path = write_frozen(tmp_path / "model.pb", lambda x: build(x, "NCHW"), shape=(None, 3, 12, 10))
    values = run(load_model(path).graph_def, "relu", {"images": pixels})
    expected = run(graph_of(lambda x: build(x, "NHWC"), shape=(None, 12, 10, 3)), "relu", {"images": pixels})
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-6)


def test_a_size_is_computed_without_the_nchw_tensor_that_has_it(tmp_path):
    """TensorFlow 1.15 cannot run a convolution in NCHW order."""

    def build(x, layout):
        order, first = [0, 3, 1, 2], constant([3, 3, 3, 12])
        x = tf.nn.conv2d(tf.transpose(x, order) if layout == "NCHW" else x, first, [1] * 4, "SAME", data_format=layout)
        skip = constant([1, 12, 12, 12])
        skip = tf.tile(skip.transpose(order) if layout == "NCHW" else skip, [tf.shape(x)[0], 1, 1, 1])
        x = tf.add_n([x, x, skip])
        return tf.nn.conv2d(x, constant([3, 3, 12, 2]), [1] * 4, "SAME", data_format=layout, name="last")

    model = load_model(write_frozen(tmp_path / "model.pb", lambda x: build(x, "NCHW")))
    assert len(model.layers) == 2
    pixels = images(2, 12, 12, 3)
    expected = run(graph_of(lambda x: build(x, "NHWC")), "last", {"images": pixels})
    np.testing.assert_allclose(run(model.graph_def, "last", {"images": pixels}), expected, rtol=1e-4, atol=1e-5)

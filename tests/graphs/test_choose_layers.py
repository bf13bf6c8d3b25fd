"""The choice of a layer by name, and the layers that are left out."""

import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.errors import UserError
from legacy_graph.graphs.load import find_layer, load_model
from tests.support.graph_files import CONSTRUCTS, constant, write_frozen


@pytest.mark.parametrize("name, label", [("conv", "conv"), ("pool", "conv"), ("conv/relu", "conv/relu")])
def test_the_name_of_an_end_or_of_a_tensor_before_it(name, label, tmp_path):
    """The pool is the end of the layer. The ReLU before it has other values, so its results have another name."""
    model = load_model(write_frozen(tmp_path / "model.pb", CONSTRUCTS["pooled"]), layer=name)
    assert find_layer(model, name).label == label


def test_a_gelu_is_the_activation(tmp_path):
    def build(x):
        x = tf.nn.conv2d(x, constant([1, 1, 3, 3]), [1] * 4, "SAME", name="conv")
        return tf.multiply(0.5 * x, tf.math.erfc(-x * 0.5**0.5), name="gelu")

    layer = load_model(write_frozen(tmp_path / "model.pb", build)).layers[0]
    assert (layer.activation, layer.start) == ("gelu", "gelu")


def chain(x):
    for number in range(14):
        x = tf.nn.conv2d(x, constant([1, 1, 3, 3]), [1] * 4, "SAME", name=f"block{number}")
    return x


def test_a_long_list_of_layers_is_cut(tmp_path):
    """The message lists the labels that are most similar to the given name."""
    with pytest.raises(UserError) as refused:
        load_model(write_frozen(tmp_path / "model.pb", chain), layer="blok13")
    assert str(refused.value).startswith("--layer: expected one of block13, block3, block1, ")
    assert str(refused.value).endswith(" and 2 more, found 'blok13'; list them with the command layers")


def second_stage(x):
    """As in object detection: a convolution, boxes from it, and convolutions of the boxes."""
    x = tf.nn.conv2d(x, constant([3, 3, 3, 4]), [1] * 4, "SAME", name="first")
    boxes = tf.sigmoid(tf.reshape(x, [-1, 4]))
    x = tf.image.crop_and_resize(x, boxes, tf.zeros_like(boxes[:, 0], tf.int32), [6, 6], name="crop")
    x = tf.nn.conv2d(x, constant([3, 3, 4, 4]), [1] * 4, "SAME", name="second")
    return tf.nn.conv2d(x, constant([3, 3, 4, 4]), [1] * 4, "SAME", name="third")


def test_layers_after_a_crop_are_left_out(tmp_path):
    path = write_frozen(tmp_path / "model.pb", second_stage)
    model = load_model(path)
    assert [layer.label for layer in model.layers] == ["first"]
    with pytest.raises(UserError) as refused:
        load_model(path, layer="third")
    assert refused.value.subject == "operation CropAndResize (crop)"
    assert model.notes == [f"The layers second and 1 more are left out: {refused.value}."]


def test_a_layer_behind_statistics_of_the_batch_is_left_out(tmp_path):
    """Another layer reads its convolution before the batch norm. That one alone is shown."""

    def build(x):
        linear = tf.nn.conv2d(x, constant([1, 1, 3, 4]), [1] * 4, "SAME", name="first")
        empty, options = tf.zeros([0]), {"scale": tf.ones([4]), "offset": tf.zeros([4]), "is_training": True}
        normal = tf.raw_ops.FusedBatchNorm(x=linear, mean=empty, variance=empty, name="norm", **options)
        tf.nn.conv2d(tf.nn.relu(normal.y), constant([1, 1, 4, 2]), [1] * 4, "SAME", name="third")
        return tf.nn.conv2d(linear, constant([1, 1, 4, 2]), [1] * 4, "SAME", name="second")

    model = load_model(write_frozen(tmp_path / "model.pb", build))
    assert [layer.label for layer in model.layers] == ["second"]
    assert "norm" not in model.graph.by_name


def test_a_kernel_that_depends_on_the_images_is_named(tmp_path):
    def build(x):
        x = tf.nn.relu(tf.nn.conv2d(x, constant([3, 3, 3, 4]), [1] * 4, "SAME", name="first"))
        kernel = tf.reshape(tf.reduce_mean(x, [0, 1, 2]), [1, 1, 4, 1])
        return tf.nn.conv2d(x, kernel, [1] * 4, "SAME", name="dynamic")

    model = load_model(write_frozen(tmp_path / "model.pb", build))
    assert [layer.label for layer in model.layers] == ["first"]
    (note,) = model.notes
    assert note.startswith("The layer dynamic is left out: operation Conv2D (dynamic): expected a kernel of its own")


def grown(x):
    """A dense block: every convolution reads all maps before it."""
    values = [tf.nn.conv2d(x, constant([1, 1, 3, 4]), [1] * 4, "SAME", name="stem")]
    for number in range(6):
        value = tf.nn.relu(tf.concat(values, 3, name=f"all{number}") if number else values[0])
        kernel = constant([1, 1, 4 * (number + 1), 4])
        values.append(tf.nn.conv2d(value, kernel, [1] * 4, "SAME", name=f"conv{number}"))
    return values[-1]


def test_a_note_names_some_operations_and_counts_the_others(tmp_path):
    (note,) = load_model(write_frozen(tmp_path / "model.pb", grown)).notes
    assert " of stem " in note and "ConcatV2 (all1), ConcatV2 (all2), ConcatV2 (all3) and 2 more" in note
    assert "all4" not in note

"""Loading frozen graphs, against the original graph."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from google.protobuf import text_format

from legacy_graph.graphs.load import find_layer, load_model
from tests.support.graph_files import CONSTRUCTS, constant, graph_of, images, run, write_frozen

BATCH = images(2, 12, 12, 3)


@pytest.mark.parametrize("construct", CONSTRUCTS.values(), ids=CONSTRUCTS.keys())
def test_outputs_equal_the_originals(construct, tmp_path):
    original = graph_of(construct)
    model = load_model(write_frozen(tmp_path / "model.pb", construct))
    assert model.input == "images" and model.input_shape == (12, 12, 3)
    for layer in model.layers:
        for node in filter(None, (layer.name, layer.activation, layer.start)):
            expected = run(original, node, {"images": BATCH})
            np.testing.assert_array_equal(run(model.graph_def, node, {"images": BATCH}), expected)
        assert layer.shape == expected.shape[1:]


def test_text_and_binary_give_the_same_model(tmp_path):
    graph_def = graph_of(CONSTRUCTS["pooled"])
    (tmp_path / "model.pbtxt").write_text(text_format.MessageToString(graph_def))
    binary = load_model(write_frozen(tmp_path / "model.pb", CONSTRUCTS["pooled"]))
    text = load_model(str(tmp_path / "model.pbtxt"))
    assert (text.graph_def, text.layers) == (binary.graph_def, binary.layers)


def test_one_layer_keeps_only_its_way(tmp_path):
    path = write_frozen(tmp_path / "model.pb", CONSTRUCTS["residual"])
    model = load_model(path, layer="first")
    assert [layer.label for layer in model.layers] == ["first"]
    assert {node.name for node in model.graph_def.node if "second" in node.name} == set()
    assert find_layer(load_model(path), "first") == model.layers[0]


def test_an_open_size_is_fixed_by_size(tmp_path):
    path = write_frozen(tmp_path / "model.pb", CONSTRUCTS["strided"], shape=(None, None, None, 3))
    model = load_model(path)
    assert model.input_shape == (None, None, 3)
    assert [layer.fields for layer in model.layers] == [None, None]  # the padding depends on the size
    fixed = load_model(path, size=(9, 12))
    assert [layer.shape for layer in fixed.layers] == [(5, 6, 4), (3, 3, 3)]
    assert fixed.layers[1].fields[0] == (7, 4, -3) and fixed.layers[1].fields[1] == (7, 4, 0)


def test_any_tensor_can_be_the_input(tmp_path):
    path = write_frozen(tmp_path / "model.pb", CONSTRUCTS["residual"])
    model = load_model(path, input="first/relu")
    assert model.input_shape == (12, 12, 4)
    assert [layer.label for layer in model.layers] == ["second", "sum", "conv"]
    assert model.layers[0].fields[0].size == 3


@pytest.mark.parametrize("shape", [None, (None, None, None, None)])
def test_an_input_without_a_shape_takes_the_kernels_channels(shape, tmp_path):
    def build(x):
        return tf.nn.relu(tf.nn.conv2d(x, constant([3, 3, 3, 4]), [1, 1, 1, 1], "SAME", name="conv"))

    model = load_model(write_frozen(tmp_path / "model.pb", build, shape=shape))
    assert model.input_shape == (None, None, 3)
    assert model.layers[0].shape == (None, None, 4)
    assert model.layers[0].fields == ((3, 1, -1), (3, 1, -1))
